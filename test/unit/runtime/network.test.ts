/** The meeting of crun's hook and the network's service, with real shells and FIFOs. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { networkHooks, networkService } from '../../../src/runtime/network.ts';
import { makeMeetingPlace, whatNetworkSaid } from '../../../src/runtime/network-meeting.ts';
import { makeSite, noNetwork } from './fixtures.ts';

let runtime: string;
beforeEach(() => {
  runtime = mkdtempSync(join(tmpdir(), 'wakesock-network-'));
  onTestFinished(() => rmSync(runtime, { recursive: true }));
  makeMeetingPlace(runtime);
});

interface Ended { readonly code: number | null; readonly stdout: string }

function start(program: string, args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {}).end(input);
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  return new Promise((resolve, reject) => { child.once('error', reject).once('close', (code) => resolve({ code, stdout })); });
}

const hook = (state: string): Promise<Ended> => {
  const [{ path, args } = { path: '', args: [] }] = networkHooks(runtime).createRuntime;
  return start(path, args.slice(1), state);
};
/** pasta's place is taken by `program`. */
const service = (program: string): Promise<Ended> => {
  const pasta = networkService(makeSite({ network: { ...noNetwork, mode: { kind: 'pasta', options: [] } } }), { runtime, input: '', lock: '' });
  const [path = '', ...args] = pasta?.start ?? [];
  return start(path, [...args.slice(0, 3), '/bin/sh', '-c', program]);
};
const state = JSON.stringify({ ociVersion: '1.0', id: 'blog', pid: process.pid, root: '/x', annotations: { 'a"pid"': '1,2' } });

describe.each([
  ['on one line', state],
  ['on many', JSON.stringify(JSON.parse(state), null, 4)],
  ['with an end of line', `${state}\n`],
  ['the number last', JSON.stringify({ id: 'x', pid: process.pid })],
])('crun\'s state %s', (_, text) => {
  test('the service gets the namespaces of the process, and crun goes on', async () => {
    const [asked, made] = await Promise.all([hook(text), service(`readlink /proc/self/fd/0 >${runtime}/found`)]);
    expect([asked.code, made.code]).toEqual([0, 0]);
    expect(readFileSync(`${runtime}/found`, 'utf8')).toMatch(/^net:\[\d+\]$/m);
  });
});

test('a service that fails: crun fails too, and what it said is there', async () => {
  const [asked, made] = await Promise.all([hook(state), service('echo one >&2; echo two >&2; exit 3')]);
  expect([asked.code, made.code]).toEqual([1, 3]);
  expect(whatNetworkSaid(runtime)).toBe('one | two');
});

test('what was said of a network that was made is nothing to report', async () => {
  await Promise.all([hook(state), service('echo a warning >&2')]);
  expect(whatNetworkSaid(runtime)).toBe('');
});

test('a process that is gone', async () => {
  const gone = spawn('true');
  await new Promise((resolve) => { gone.once('exit', resolve); });
  const [asked, made] = await Promise.all([hook(JSON.stringify({ pid: gone.pid })), service('exit 0')]);
  expect([asked.code === 0, made.code === 0]).toEqual([false, false]);
});

test('what an earlier start left there is made anew', () => {
  writeFileSync(`${runtime}/network.said`, 'old');
  makeMeetingPlace(runtime);
  expect(whatNetworkSaid(runtime)).toBe('');
  expect(existsSync(`${runtime}/network.pid`)).toBe(true);
});

test('pasta forwards nothing in either direction, whatever the options are', () => {
  const { start: argv = [] } = networkService(makeSite({ network: { ...noNetwork, mode: { kind: 'pasta', options: ['--no-map-gw', '--mtu', '1400'] } } }), { runtime, input: '', lock: '' }) ?? {};
  for (const option of ['-t', '-u', '-T', '-U']) expect(argv[argv.indexOf(option) + 1]).toBe('none');
  expect(argv.filter((word) => word === '--no-map-gw')).toHaveLength(1);
  expect(argv.slice(-2)).toEqual(['--mtu', '1400']);
});
