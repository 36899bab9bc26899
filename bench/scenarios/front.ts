/** What the front door takes for connections on which nothing is asked, and for names that nobody asks for. */
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { processMemory, type ProcessMemory } from '../harness/accounting.ts';
import { benchHost, frontDoor, frontOf, type FrontDirectories } from '../subjects/proxies.ts';
import type { Bench, Scenario } from '../types.ts';

const scenario = 'front';
/** At the default of 200 samples these are 10,000 and 100,000. */
const connectionsPerSample = 50;
const namesPerSample = 500;
/** At once, so that the backlog holds them. */
const connectingMax = 100;

export const front: Scenario = {
  name: scenario,
  what: 'memory of the front door: by idle connections, and by names',
  steps: () => 3,
  async run(bench) {
    await idleConnections(bench);
    bench.step('idle connections');
    for (const [subject, write] of [['names of files', writeFiles], ['names of instances', writeInstances]] as const) {
      await names(bench, subject, write);
      bench.step(subject);
    }
  },
};

async function idleConnections(bench: Bench): Promise<void> {
  const count = bench.options.samples * connectionsPerSample;
  const backendPort = bench.nextPort();
  const port = bench.nextPort();
  const sockets: Socket[] = [];
  const behind = createServer((_, response) => response.end('hello'));
  await once(behind.listen(backendPort, '127.0.0.1'), 'listening');
  const door = await frontDoor.start(backendPort, port, bench);
  // What requests leave behind, as compiled code, is no connection's.
  const first = await asked(port);
  for (let i = 0; i < count; i++) await ask(first);
  const before = processMemory(door.pid);
  for (let i = 0; i < count; i += connectingMax) {
    sockets.push(...await Promise.all(Array.from({ length: Math.min(connectingMax, count - i) }, () => asked(port))));
  }
  report(bench, 'idle connections', count, before, processMemory(door.pid), 'Each has asked once before; what the kernel keeps of them is not counted.');
  for (const socket of [first, ...sockets]) socket.destroy();
  await door.stop();
  behind.closeAllConnections();
  await once(behind.close(), 'close');
}

async function asked(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  await ask(socket);
  return socket;
}

async function ask(socket: Socket): Promise<void> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${benchHost}\r\n\r\n`);
  await once(socket, 'data');
}

async function names(bench: Bench, subject: string, write: (directories: FrontDirectories, count: number) => void): Promise<void> {
  const count = bench.options.samples * namesPerSample;
  const few = await memoryWith(bench, write, 1);
  const many = await memoryWith(bench, write, count);
  report(bench, subject, count, few, many, 'Just started, as the front door is when somebody asks for the first of them.');
}

async function memoryWith(bench: Bench, write: (directories: FrontDirectories, count: number) => void, count: number): Promise<ProcessMemory> {
  const directories = { sites: `${bench.directory}/front-sites`, state: `${bench.directory}/front-state` };
  for (const directory of [directories.sites, `${directories.state}/sites`, `${directories.state}/instances`]) mkdirSync(directory, { recursive: true });
  try {
    write(directories, count);
    const door = await frontOf(directories, bench.nextPort(), bench);
    // It listens when it has read them all.
    const memory = processMemory(door.pid);
    await door.stop();
    return memory;
  } finally {
    for (const directory of Object.values(directories)) rmSync(directory, { recursive: true });
  }
}

/** As `enable` leaves them, but for what only a wake reads. */
function writeFiles({ sites, state }: FrontDirectories, count: number): void {
  for (let i = 0; i < count; i++) {
    writeFileSync(`${sites}/s${i}.container`, `[Container]\nExec=/bin/true\n\n[X-Wakesock]\nRoot=host\nListenStream=8081\nHost=s${i}.example\n`);
    writeFileSync(`${state}/sites/s${i}`, '');
  }
}

function writeInstances({ sites, state }: FrontDirectories, count: number): void {
  writeFileSync(`${sites}/s@.container`, '[Container]\nExec=/bin/true\n\n[X-Wakesock]\nRoot=host\nPort=8081\nHost=%i.example\n');
  for (let i = 0; i < count; i++) for (const of of ['sites', 'instances']) writeFileSync(`${state}/${of}/s@${i}`, '');
}

function report(bench: Bench, subject: string, count: number, before: ProcessMemory, after: ProcessMemory, note: string): void {
  const each = (key: keyof ProcessMemory): number => Math.round((after[key] - before[key]) / count);
  bench.report({
    scenario, subject,
    values: { count, 'before.pssBytes': before.pssBytes, ...after, 'each.pssBytes': each('pssBytes'), 'each.privateBytes': each('privateBytes') },
    notes: [note],
  });
}
