import type { Readable } from 'node:stream';

/** Calls `take` with each line, without its newline; what was cut off at the end, as by a machine that lost its power, is no line. */
export function wholeLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
