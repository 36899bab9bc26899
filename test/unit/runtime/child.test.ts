import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startChild } from '../../../src/runtime/child.ts';
import { testPoller } from '../sockets/kit.ts';

const start = (script: string): ReturnType<typeof startChild> => startChild(testPoller(), '/bin/sh', ['-c', script], { PATH: '/usr/bin:/bin' }, [null, null, null]);

test('its end is told, and nothing of it is left open', async () => {
  testPoller();
  const before = readdirSync('/proc/self/fd').length;
  expect(await Promise.all([start('exit 3').exited, start('exit 0').exited, start('kill -TERM $$').exited])).toEqual([
    { code: 3, signal: null }, { code: 0, signal: null }, { code: null, signal: 'SIGTERM' },
  ]);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('killed, also one that is stopped; once more is nothing', async () => {
  const child = start('kill -STOP $$');
  child.kill();
  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  child.kill();
});
