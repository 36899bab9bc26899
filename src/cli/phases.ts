import type { WakePhases } from '../control/types.ts';
import { formatMs } from './format.ts';

const names = ['process', 'scope', 'go', 'listen', 'failed'] as const;

/** `process 3.5 ms, scope 8.6 ms, go 19.7 ms, listen 24.1 ms`: when each step was done, counted from the arrival. A failed wake ends with `failed 30.0 s`. */
export function formatPhases(phases: WakePhases): string {
  return names.filter((name) => phases[name] != null).map((name) => `${name} ${formatMs(phases[name])}`).join(', ');
}
