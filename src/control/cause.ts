import { WakesockError } from '../base/errors.ts';
import { causeTextMax } from '../base/limits.ts';
import type { WakeCause } from './types.ts';

const fields = ['at', 'client', 'method', 'host', 'path', 'agent'] as const;

/** Text of anybody's, made fit for a log, a file and a terminal: printable ASCII, of bounded length. */
export function causeText(text: string): string {
  return text.slice(0, causeTextMax).replaceAll(/[^\x20-\x7E]/g, '?');
}

/**
 * `cause` of a request's body. What it lacks is empty, what is unknown is passed over.
 * @throws WakesockError ERR_WAKESOCK_USAGE
 */
export function readCause({ cause }: Readonly<Record<string, unknown>>): WakeCause | null {
  if (cause === undefined) return null;
  if (typeof cause !== 'object' || cause === null || Array.isArray(cause)) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected "cause" to be an object');
  return Object.fromEntries(fields.map((field) => [field, readField(field, (cause as Record<string, unknown>)[field] ?? '')])) as Record<keyof WakeCause, string>;
}

function readField(name: string, value: unknown): string {
  if (typeof value === 'string' && value === causeText(value)) return value;
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected "${name}" of "cause" to be at most ${causeTextMax} printable ASCII characters`);
}
