import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { makeBundle } from '../bundle.ts';

let program: string;
let empty: string;
beforeAll(async () => {
  const built = await makeBundle('src/bin.ts');
  ({ program } = built);
  empty = mkdtempSync(join(tmpdir(), 'wakesock-'));
  return async () => {
    rmSync(empty, { recursive: true });
    await built.remove();
  };
});

function wakesock(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
  return { status, stdout, stderr };
}

test('exit code 0, 1, 2', () => {
  expect(wakesock('--version')).toEqual({ status: 0, stdout: `${pkg.version}\n`, stderr: '' });
  expect(wakesock('status', `--sites=${empty}`, '--json')).toEqual({
    status: 0, stdout: '{"activator":{"state":"stopped","pid":null},"sites":[]}\n', stderr: '',
  });
  const failed = wakesock('wake', `--control=${empty}/control.sock`, 'blog');
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toContain('(ERR_WAKESOCK_NOT_RUNNING)');
  expect(wakesock('wake')).toMatchObject({ status: 2, stdout: '' });
});

test('more than a pipe holds is written whole', () => {
  const sites = join(empty, 'many');
  mkdirSync(sites);
  for (let n = 0; n < 500; n++) writeFileSync(join(sites, `site${n}.container`), '[Container]\nRootfs=/srv\nExec=/bin/x\n\n[X-Wakesock]\nListenStream=8090\nPort=3000\n');
  // Through a shell: Node's own spawn makes sockets, which hold more.
  const command = '"$0" "$1" status "--sites=$2" --json | cat';
  const { stdout } = spawnSync('sh', ['-c', command, process.execPath, program, sites], { encoding: 'utf8' });
  expect(stdout.length).toBeGreaterThan(128 * 1024);
  expect((JSON.parse(stdout) as { sites: unknown[] }).sites).toHaveLength(500);
});

test('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk) => { stderr += String(chunk); });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});

test('SIGUSR1 opens no debugger: Node would, on a TCP port', async () => {
  const control = join(empty, 'busy.sock');
  const server = createServer();
  server.listen(control);
  const asked = once(server, 'connection') as Promise<[Socket]>;
  const child = spawn(process.execPath, [program, 'wake', `--control=${control}`, 'blog'], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } });
  let stderr = '';
  child.stderr.on('data', (chunk) => { stderr += String(chunk); });
  const [connection] = await asked;
  child.kill('SIGUSR1');
  // Node's own handler says so within this time; there is no event for what does not happen.
  await setTimeout(200);
  connection.destroy();
  server.close();
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(stderr).not.toContain('Debugger');
});
