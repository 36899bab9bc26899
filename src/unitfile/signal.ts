import { quote } from './quote.ts';
import { suggest } from './suggest.ts';
import { UnitValueError } from './value-error.ts';

/** Linux signals by number (`man 7 signal`; x86, ARM and most others), from 1. */
const names = ('HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ '
  + 'VTALRM PROF WINCH IO PWR SYS').split(' ');
const realTimeMin = 34;
const realTimeMax = 64;

/**
 * Reads a signal: `SIGTERM`, `TERM`, `15`, `RTMIN+3`, `RTMAX-1`.
 * @returns the name without `SIG`; real-time signals as `RTMIN+n`
 * @throws UnitValueError
 */
export function parseSignal(text: string): string {
  const name = text.startsWith('SIG') ? text.slice(3) : text;
  if (names.includes(name)) return name;
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  const number = realTime !== null ? realTimeNumber(realTime) : /^\d{1,2}$/.test(name) && name === text ? Number(name) : 0;
  if (number >= 1 && number <= names.length) return names[number - 1] as string;
  if (number >= realTimeMin && number <= realTimeMax) return number === realTimeMin ? 'RTMIN' : `RTMIN+${number - realTimeMin}`;
  const near = suggest(name.toUpperCase(), names);
  throw new UnitValueError(`Expected a signal such as SIGTERM, found ${quote(text)}`, near === null ? {} : { suggestion: `SIG${near}` });
}

/** As {@link parseSignal}, by number as Linux counts on x86 and ARM. @throws UnitValueError */
export function parseSignalNumber(text: string): number {
  const name = parseSignal(text);
  const index = names.indexOf(name);
  return index >= 0 ? index + 1 : realTimeMin + Number(name.slice('RTMIN+'.length));
}

function realTimeNumber([, base, sign, digits]: RegExpExecArray): number {
  const offset = Number(digits ?? 0);
  if (base === 'MIN') return sign === '-' ? 0 : realTimeMin + offset;
  const number = sign === '+' ? 0 : realTimeMax - offset;
  return number < realTimeMin ? 0 : number;
}
