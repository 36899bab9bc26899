/** Options that both programs have. */
import { WakesockError } from '../base/errors.ts';
import { logLevels, type LogLevel } from '../base/log.ts';
// The one file, not the library: this is on the way of every cold wake.
import { parseTimeSpanMs } from '../unitfile/time-span.ts';

/** @throws WakesockError ERR_WAKESOCK_USAGE */
export function exitIdleMsOf(text: string): number {
  try {
    return parseTimeSpanMs(text);
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `--exit-idle-time: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws WakesockError ERR_WAKESOCK_USAGE */
export function logLevelOf(value: unknown): LogLevel {
  const level = logLevels.find((known) => known === value);
  if (level !== undefined) return level;
  throw new WakesockError('ERR_WAKESOCK_USAGE',
    `Expected --log-level to be ${logLevels.join(', ')}; got ${JSON.stringify(value)}`);
}
