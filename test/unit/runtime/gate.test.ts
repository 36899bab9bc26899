import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleConfigBytesMax } from '../../../src/base/limits.ts';
import { makeGate, type Gate } from '../../../src/runtime/gate.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

function gateFor(config: string): { gate: Gate; directory: string } {
  const directory = temporaryDirectory();
  mkdirSync(`${directory}/run`);
  writeFileSync(`${directory}/config.json`, config);
  return { gate: makeGate(`${directory}/run`, `${directory}/config.json`), directory };
}

/** Reads its file twice, as crun does. */
function reader(path: string): { child: ChildProcess; output: Promise<string> } {
  const child = spawn('sh', ['-c', 'echo reading >&2; cat "$0"; printf "|"; cat "$0"', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: text(child.stdout) };
}

const configs = [['small', '{"small":true}'], ['a full pipe', 'x'.repeat(64 * 1024)], ['more than a pipe', 'y'.repeat(64 * 1024 + 1)], ['the largest', 'z'.repeat(bundleConfigBytesMax)]] as const;

describe.each(configs)('%s', (_, config) => {
  test('a reader that waits gets it twice', async () => {
    const { gate } = gateFor(config);
    const { child, output } = reader(gate.path);
    if (child.stderr) await once(child.stderr, 'data');
    gate.open();
    expect(await output === `${config}|${config}`).toBe(true);
  });

  test('one that comes after it was opened gets it twice', async () => {
    const { gate } = gateFor(config);
    gate.open();
    expect(await reader(gate.path).output === `${config}|${config}`).toBe(true);
  });
});

test('one that had found the FIFO, and comes to wait there only after it was opened, is served', async () => {
  const { gate } = gateFor('config');
  // As its name is looked up within open(2): O_PATH.
  const found = openSync(gate.path, 0o10000000);
  onTestFinished(() => closeSync(found));
  gate.open();
  const child = spawn('cat', ['/proc/self/fd/3'], { stdio: ['ignore', 'pipe', 'ignore', found] });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await text(child.stdout as Readable)).toBe('config');
});

test('one that waits when it is abandoned gets nothing, and does not wait any more', async () => {
  const { gate } = gateFor('config');
  const { child, output } = reader(gate.path);
  if (child.stderr) await once(child.stderr, 'data');
  // Either it waits, or it finds nothing.
  gate.abandon();
  expect(await output).toBe('|');
});

test('nothing is read before it is opened', async () => {
  const { gate } = gateFor('config');
  const { child, output } = reader(gate.path);
  let said = '';
  child.stdout?.on('data', (data: Buffer) => { said += data.toString(); });
  if (child.stderr) await once(child.stderr, 'data');
  expect(said).toBe('');
  gate.open();
  expect(await output).toBe('config|config');
});

test('opened twice, or abandoned afterwards, is nothing', async () => {
  const { gate } = gateFor('config');
  gate.open();
  gate.open();
  gate.abandon();
  expect(await reader(gate.path).output).toBe('config|config');
});

test('what a dead activator left in its place is replaced', async () => {
  const { gate, directory } = gateFor('first');
  gate.open();
  symlinkSync('/nowhere', `${directory}/run/left`);
  writeFileSync(`${directory}/config.json`, 'second');
  const again = makeGate(`${directory}/run`, `${directory}/config.json`);
  expect(lstatSync(again.path).isFIFO()).toBe(true);
  again.open();
  expect(await reader(again.path).output).toBe('second|second');
});

test('too large a file is a named error, and leaves nothing', () => {
  const directory = temporaryDirectory();
  writeFileSync(`${directory}/big.json`, 'x'.repeat(bundleConfigBytesMax + 1));
  expect(() => makeGate(directory, `${directory}/big.json`)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
  expect(existsSync(`${directory}/config.json`)).toBe(false);
});

// A program's own words look like the key, and are none.
const configWith = (env: readonly string[]): string => JSON.stringify({ process: { args: ['"env":[', 'x'.repeat(70_000)], env, cwd: '/' }, annotations: { env: '"env":[]' } });

describe('variables that stand in no file', () => {
  const secrets = ['TOKEN="a\\b"\n', 'OTHER=ä'];

  function inMemory(config: string): { gate: Gate; directory: string } {
    const directory = mkdtempSync('/dev/shm/wakesock-gate-');
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const prepared = temporaryDirectory();
    writeFileSync(`${prepared}/config.json`, config);
    return { gate: makeGate(directory, `${prepared}/config.json`, secrets), directory };
  }

  test.each([[[]], [['A=1', 'B=2']]])('come first, and both times, before %j', async (env) => {
    const { gate } = inMemory(configWith(env));
    const { child, output } = reader(gate.path);
    if (child.stderr) await once(child.stderr, 'data');
    gate.open();
    const read = (await output).split('|');
    expect(read.map((one) => JSON.parse(one) as unknown)).toEqual([0, 1].map(() => JSON.parse(configWith([...secrets, ...env])) as unknown));
  });

  test('are gone as soon as nobody needs them', () => {
    const { gate, directory } = inMemory(configWith([]));
    gate.open();
    expect(statSync(gate.path).mode & 0o777).toBe(0o600);
    gate.abandon();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('are never written to a disk', () => {
    const directory = mkdtempSync(new URL('../../../.cache/gate-', import.meta.url).pathname);
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(`${directory}/config.json.prepared`, configWith([]));
    expect(() => makeGate(directory, `${directory}/config.json.prepared`, secrets)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SECRET' }));
    expect(readdirSync(directory)).toEqual(['config.json.prepared']);
  });
});
