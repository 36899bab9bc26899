import { readFileSync } from 'node:fs';

/** Descriptors that this process may have: LimitNOFILE= of its unit. Node takes as many as it may. */
export function descriptorsMax(): number {
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return soft === undefined ? Infinity : Number(soft);
}
