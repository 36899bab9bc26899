// Where the demo goes: a table redrawn in place on a terminal, plain lines everywhere else.
import { stripVTControlCharacters } from 'node:util';
import { renderScreen } from './render.mjs';

const frameMs = 80;
const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';

/**
 * @param model what renderScreen shows; whoever changes it calls `changed`
 * @returns {{ live: boolean, say(line: string): void, changed(): void, end(): void }} `say` is for plain lines only
 */
export function openScreen(model, { stdout = process.stdout, env = process.env } = {}) {
  const live = stdout.isTTY === true && env.TERM !== 'dumb' && !env.CI;
  if (!live) return { live, say: (line) => stdout.write(`${line}\n`), changed() {}, end() {} };

  const colour = !env.NO_COLOR;
  const unicode = /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
  let drawn = [];
  let tick = 0;
  const draw = () => {
    const width = Math.max(stdout.columns || 80, 20);
    // A terminal that was made narrower has wrapped what was drawn; one that is too low has lost its top.
    const rowsUp = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
    // One less than the width: no line reaches the edge, where terminals differ in when they wrap.
    const lines = renderScreen(model, { width: width - 1, unicode, colour, tick }).slice(-Math.max(1, (stdout.rows || 24) - 1));
    const up = Math.min(rowsUp, (stdout.rows || 24) - 1);
    stdout.write(`${up > 0 ? `\u001B[${up}A` : ''}\r\u001B[J${lines.join('\n')}\n`);
    drawn = lines.map((line) => stripVTControlCharacters(line));
  };
  const onExit = () => stdout.write(showCursor);
  process.once('exit', onExit);
  stdout.write(hideCursor);
  stdout.on('resize', draw);
  const timer = setInterval(() => { tick += 1; draw(); }, frameMs);
  draw();
  return {
    live,
    say() {},
    changed: draw,
    end() {
      clearInterval(timer);
      stdout.off('resize', draw);
      draw();
      process.off('exit', onExit);
      onExit();
    },
  };
}
