import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import type { Paths } from '../../../src/base/paths.ts';
import type { SystemdSays } from '../../../src/cli/activator-state.ts';
import { resetFailed } from '../../../src/cli/reset-failed.ts';
import { start, temporaryDirectory } from '../control/fake.ts';

const says = (state: 'running' | 'stopped') => (): Promise<SystemdSays> => Promise.resolve({ activator: { state, pid: null }, problem: null });

async function disk(controlPath: string, ...failed: string[]): Promise<Paths> {
  const directory = await temporaryDirectory();
  mkdirSync(`${directory}/history`);
  for (const name of ['blog', 'shop']) {
    writeFileSync(`${directory}/history/${name}.json`, JSON.stringify({ version: 1, state: failed.includes(name) ? 'failed' : 'dormant', error: null }));
  }
  return { siteDirs: [], stateDir: directory, runtimeDir: directory, controlPath };
}

test('an activator that runs is asked for every site, whether it knows it or not', async () => {
  const { backend, path } = await start();
  expect(await resetFailed(await disk(path), ['shop', 'blog'], says('running'))).toBeNull();
  expect(backend.calls).toEqual(['reset blog']);
});

test('where none runs, one is started only for what the disk says has failed', async () => {
  const { backend, path } = await start();
  expect(await resetFailed(await disk(path, 'shop'), ['blog'], says('stopped'))).toBeNull();
  expect(backend.calls).toEqual([]);
  expect(await resetFailed(await disk(path, 'blog'), ['blog'], says('stopped'))).toBeNull();
  expect(backend.calls).toEqual(['reset blog']);
});

test('where nobody could turn a client away there is nothing to do', async () => {
  expect(await resetFailed(await disk('/nowhere/control.sock', 'blog'), ['blog'], says('stopped'))).toBeNull();
});

test('the first site for which it cannot be done is the last', async () => {
  const path = join(await temporaryDirectory(), 'control.sock');
  let asked = 0;
  const server = createServer((socket) => {
    asked += 1;
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n()');
  }).listen(path);
  onTestFinished(() => void server.close());
  const names = Array.from({ length: 100 }, (_, index) => `site-${index}`);
  expect(await resetFailed(await disk(path), names, says('running'))).toEqual(expect.any(WakesockError));
  expect(asked).toBeLessThan(50);
});
