import { parseInteger } from './integer.ts';
import { parseSizeBytes } from './size.ts';
import { parseTimeSpanUsec } from './time-span.ts';
import { UnitValueError } from './value-error.ts';
import { quote } from './quote.ts';

/** What `LimitNOFILE=` and its kin hold (`man systemd.exec`, Process Properties): in the units of setrlimit(2). */
export interface ProcessLimit { readonly soft: bigint | 'infinity'; readonly hard: bigint | 'infinity' }

/** How each limit is written; the unit in which it is counted. */
const readers: Readonly<Record<string, (text: string) => bigint>> = {
  CPU: (text) => seconds(text), FSIZE: bytes, DATA: bytes, STACK: bytes, CORE: bytes, RSS: bytes, NOFILE: count, AS: bytes, NPROC: count, MEMLOCK: bytes,
  LOCKS: count, SIGPENDING: count, MSGQUEUE: bytes, NICE: nice, RTPRIO: count,
  RTTIME: (text) => parseTimeSpanUsec(text, 1n),
};
const largest = 2n ** 64n - 2n;

/**
 * Reads a limit: `SOFT:HARD` or one value for both, each in the limit's own unit, or `infinity`.
 * @param name `NOFILE` of `LimitNOFILE=`
 * @throws UnitValueError
 * @example
 * parseProcessLimit('NOFILE', '1024:524288') // { soft: 1024n, hard: 524288n }
 */
export function parseProcessLimit(name: string, text: string): ProcessLimit {
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
  if (read === undefined) throw new UnitValueError(`Expected one of ${Object.keys(readers).join(', ')}, found ${quote(name)}`);
  const one = (part: string): bigint | 'infinity' => (part === 'infinity' && name !== 'NICE' ? part : read(part));
  const colon = text.indexOf(':');
  const soft = one(colon < 0 ? text : text.slice(0, colon));
  const hard = colon < 0 ? soft : one(text.slice(colon + 1));
  if (hard !== 'infinity' && (soft === 'infinity' || soft > hard)) throw new UnitValueError(`Expected a soft limit of at most the hard limit, found ${quote(text)}`);
  return { soft, hard };
}

function count(text: string): bigint { return parseInteger(text, 0n, largest); }
function bytes(text: string): bigint { return parseSizeBytes(text); }

/** Whole seconds, rounded up. */
function seconds(text: string): bigint {
  const usec = parseTimeSpanUsec(text);
  return (usec + 999_999n) / 1_000_000n;
}

/** `+5` and `-5` are nice levels, of which 20 less is counted; a bare number is as setrlimit(2) counts. */
function nice(text: string): bigint {
  if (/^[+-]/.test(text)) return 20n - parseInteger(text, -20n, 19n);
  return parseInteger(text, 0n, 40n);
}
