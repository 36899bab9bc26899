import { writeSync } from 'node:fs';
import type { Logger as Pino } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What a line is about, by name: `site`, `ms`, …; of an error its `code` and `message` (describeError). Must be fit for JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The activator's log. Nothing else logs: parts report events and throw errors. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>> & {
  /** Loads what writes the lines, and writes those that have waited. Call it once the first container is on its way. */
  open(): Promise<void>;
  /** Resolves when every line so far has been written, in the same form as after {@link open}. Lines after it are written as text. */
  close(): Promise<void>;
};

/** Priorities of syslog(3), read by journald from `<N>` at the start of a line (sd-daemon(3)). */
const priorities: Readonly<Record<LogLevel, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3 };

/** Lines kept before {@link Log.open}: a cold wake writes a handful, so only a fault reaches this. */
const waitingLinesMax = 1_000;
/** Lines that standard error has not taken yet. Beyond it they are dropped: a stalled journal must stall no wake. */
const unwrittenBytesMax = 1024 * 1024;

interface Line { readonly level: LogLevel; readonly message: string; readonly fields: LogFields; readonly time: string }

/**
 * The log on standard error: JSON lines by pino, with `<6>` before each where journald reads them (`JOURNAL_STREAM`), and
 * text on a terminal.
 *
 * pino is loaded by {@link Log.open}, not before: even bundled it costs 10–20 ms and 3 MB (Node 20; a bare boot is 26 ms),
 * which the first client of a cold box would wait for. Until then lines wait in memory; if the process ends
 * without {@link Log.close}, they are written as text. On a terminal pino is not loaded at all.
 */
export function createLog(
  { level, env = process.env, fd = 2, interactive = env['JOURNAL_STREAM'] === undefined && process.stderr.isTTY === true }:
  { level: LogLevel; env?: NodeJS.ProcessEnv; fd?: number; interactive?: boolean },
): Log {
  const journal = env['JOURNAL_STREAM'] !== undefined && !interactive;
  const waiting: Line[] = [];
  let opening: Promise<void> | undefined;
  let pino: Awaited<ReturnType<typeof openPino>> | undefined;
  let write = (line: Line): void => {
    if (waiting.length < waitingLinesMax) waiting.push(line);
  };
  const writeText = (line: Line) => writeQuietly(fd, (journal ? `<${priorities[line.level]}>` : '') + textOf(line));
  const writeWaiting = () => { for (const line of waiting.splice(0)) writeText(line); };

  if (interactive) write = writeText;
  else process.once('exit', writeWaiting);

  const open = async (): Promise<void> => {
    if (interactive) return;
    pino = await openPino(fd, level, journal);
    const { logger } = pino;
    write = ({ level, message, fields, time }) => logger[level]({ time, ...fields }, message);
    for (const line of waiting.splice(0)) write(line);
  };
  const close = async (): Promise<void> => {
    // Whoever reads them wants all in one form, also of a process that was there for a moment only.
    if (waiting.length > 0) opening ??= open();
    await opening;
    write = writeText;
    writeWaiting();
    await pino?.end();
  };
  const threshold = logLevels.indexOf(level);
  const log = (level: LogLevel) => (message: string, fields: LogFields = {}): void => {
    if (logLevels.indexOf(level) >= threshold) write({ level, message, fields, time: new Date().toISOString() });
  };
  return {
    trace: log('trace'), debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error'),
    open: () => (opening ??= open()),
    close,
  };
}

async function openPino(fd: number, level: LogLevel, journal: boolean): Promise<{ logger: Pino; end: () => Promise<void> }> {
  const { pino } = await import('pino');
  const destination = pino.destination({ fd, sync: false, maxLength: unwrittenBytesMax });
  // A reader that is gone (EPIPE) or a full disk: there is nobody to tell, and sites must stay awake.
  destination.on('error', () => {});
  const flush = () => {
    try {
      destination.flushSync();
    } catch {
      // As above.
    }
  };
  process.once('exit', flush);
  const stream = {
    // pino's own way to tell a stream the level of the line it is given, in `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string) {
      const name = pino.levels.labels[this.lastLevel] as LogLevel | undefined;
      destination.write(journal ? `<${priorities[name ?? 'info']}>${line}` : line);
    },
  };
  const logger = pino({ level, base: null, timestamp: false, formatters: { level: (level) => ({ level }) } }, stream);
  const end = () => new Promise<void>((done) => {
    process.off('exit', flush);
    destination.once('close', done);
    destination.once('error', () => done());
    destination.end();
  });
  return { logger, end };
}

/** `site: what happened: why (CODE) name=value`, for people. */
function textOf({ level, message, fields: { site, message: reason, code, ...rest } }: Line): string {
  const parts = [
    level === 'info' ? '' : `${level}: `,
    typeof site !== 'string' || message.startsWith(site) ? '' : `${site}: `,
    message,
    reason === undefined ? '' : `: ${reason}`,
    code === undefined ? '' : ` (${code})`,
    ...Object.entries(rest).filter(([, value]) => value !== undefined).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`),
  ];
  return `${parts.join('').replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ')}\n`;
}

/** A log that cannot be written must not end the program. */
function writeQuietly(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // Nobody reads it.
  }
}
