import { spawnSync } from 'node:child_process';
import { beforeAll, expect, test } from 'vitest';
import { makeBundle } from '../bundle.ts';

let program: string;
beforeAll(async () => {
  const built = await makeBundle('test/unit/base/write-log.ts');
  ({ program } = built);
  return built.remove;
});

function lines(args: string[], env: Record<string, string>): string[] {
  const { stderr, status } = spawnSync(process.execPath, [program, ...args], { env, encoding: 'utf8' });
  expect(status).toBe(0);
  return stderr.trimEnd().split('\n');
}

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;

test('JSON lines, with the priority in front where journald reads them', () => {
  const journal = lines(['open'], { JOURNAL_STREAM: '8:1' });
  expect(journal.map((line) => line.slice(0, 3))).toEqual(['<6>', '<3>', '<4>']);
  const expected = [
    { level: 'info', time, site: 'blog', msg: 'asleep' },
    { level: 'error', time, site: 'blog', code: 'ERR_WAKESOCK_BUS', message: 'gone\u001B[2J\nnow', msg: 'A handler failed' },
    { level: 'warn', time, site: 'blog', ms: 812.5, msg: 'blog: slow' },
  ];
  expect(journal.map((line) => JSON.parse(line.slice(3)) as unknown)).toEqual(expected);
  // Without waiting for the end, the first line may come last, but none is lost.
  expect(lines(['open', 'leave'], {}).map((line) => JSON.parse(line) as unknown)).toEqual(expect.arrayContaining(expected));
  expect(lines(['open'], {}).map((line) => JSON.parse(line) as unknown)).toEqual(expected);
});

test('closed before it was opened: in the same form', () => {
  const [first, second, after] = lines(['close'], { JOURNAL_STREAM: '8:1' });
  expect(JSON.parse(first?.slice(3) ?? '')).toEqual({ level: 'info', time, site: 'blog', msg: 'asleep' });
  expect(JSON.parse(second?.slice(3) ?? '')).toMatchObject({ level: 'error', code: 'ERR_WAKESOCK_BUS' });
  expect(after).toBe('<6>after the end');
});

test('on a terminal, and when the process ends before the log was opened: text', () => {
  const text = ['blog: asleep', 'error: blog: A handler failed: gone [2J now (ERR_WAKESOCK_BUS)'];
  expect(lines(['open', 'terminal'], {})).toEqual([...text, 'warn: blog: slow ms=812.5']);
  expect(lines([], {})).toEqual(text);
  expect(lines([], { JOURNAL_STREAM: '8:1' })).toEqual([`<6>${text[0]}`, `<3>${text[1]}`]);
});
