import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Variant } from 'dbus-next';
import { expect, onTestFinished, test } from 'vitest';
import { createManager, type Manager } from '../../src/systemd/manager.ts';
import { FakeSystemd, PrivateBus } from './private-bus.ts';

const lostError = expect.objectContaining({ name: 'WakesockError', code: 'ERR_WAKESOCK_BUS' });
const scope = {
  name: 'wakesock-site-blog.scope', description: 'Blog', slice: 'wakesock.slice', pids: [1], properties: [], stopTimeoutMs: 10_000,
};

function managerOf(busAddress: string): Manager {
  const manager = createManager({ busAddress });
  onTestFinished(() => manager.close());
  return manager;
}

test('the bus is killed: calls, jobs and waits fail at once, and the next call connects anew', async () => {
  const bus = await PrivateBus.start();
  const systemd = await FakeSystemd.start(bus.address, {
    // A job that never ends.
    StartTransientUnit: (call, fake) => fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/1']),
    // A unit that never goes.
    GetUnit: (call, fake) => fake.reply(call, 'o', ['/org/freedesktop/systemd1/unit/x']),
  });
  const manager = managerOf(bus.address);
  const losses: string[] = [];
  manager.onLost(({ code }) => { losses.push(code); });

  const asked = [systemd.called('Reload'), systemd.called('StartTransientUnit'), systemd.called('GetUnit')];
  const pending = [manager.reload(), manager.startScope(scope), manager.waitUnitGone('old.scope')]
    .map((call) => call.then(() => 'resolved', (error: unknown) => error));
  await Promise.all(asked);
  await bus.kill();

  expect(await Promise.all(pending)).toEqual([lostError, lostError, lostError]);
  expect(losses).toEqual(['ERR_WAKESOCK_BUS']);
  await expect(manager.reload()).rejects.toEqual(lostError);

  await bus.start();
  await FakeSystemd.start(bus.address, { Reload: (call, fake) => fake.reply(call) });
  await manager.reload();
});

test('300 calls pending at once all fail', async () => {
  const bus = await PrivateBus.start();
  const systemd = await FakeSystemd.start(bus.address);
  const manager = managerOf(bus.address);
  const asked = systemd.called('StopUnit');
  const pending = Array.from({ length: 300 }, (_, index) => manager.stopUnit(`${index}.scope`).catch((error: unknown) => error));
  await asked;
  await bus.kill();
  expect(await Promise.all(pending)).toEqual(Array.from({ length: 300 }, () => lostError));
});

test('1,000 calls at once are all answered: the bus takes 128 unanswered ones of a connection', async () => {
  const bus = await PrivateBus.start({ repliesMax: 128 });
  await FakeSystemd.start(bus.address, { Reload: (call, fake) => fake.reply(call) });
  const manager = managerOf(bus.address);
  await Promise.all(Array.from({ length: 1000 }, () => manager.reload()));
});

test('there is no bus: every call says so', async () => {
  const manager = managerOf('unix:path=/nonexistent/bus');
  await expect(manager.connect()).rejects.toEqual(expect.objectContaining({ code: 'ERR_WAKESOCK_BUS', message: expect.stringContaining('ENOENT') }));
  await expect(manager.startScope(scope)).rejects.toEqual(lostError);
  await expect(manager.waitUnitGone('a.scope')).rejects.toEqual(lostError);
});

test('systemd is not on the bus', async () => {
  const bus = await PrivateBus.start();
  await expect(managerOf(bus.address).reload()).rejects.toEqual(lostError);
});

test('systemd leaves the bus (it re-executes itself): what waits for it fails, then it is found again', async () => {
  const bus = await PrivateBus.start();
  const systemd = await FakeSystemd.start(bus.address, {
    StartUnit: (call, fake) => fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/1']),
  });
  const manager = managerOf(bus.address);
  const asked = systemd.called('StartUnit');
  const pending = manager.startUnit('a.socket').catch((error: unknown) => error);
  await asked;
  systemd.stop();
  expect(await pending).toEqual(lostError);
  await FakeSystemd.start(bus.address, { Reload: (call, fake) => fake.reply(call) });
  await manager.reload();
});

test('a job that ends before the answer that names it', async () => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, {
    StartTransientUnit: (call, fake) => {
      fake.jobRemoved('/org/freedesktop/systemd1/job/7');
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/7']);
    },
  });
  await managerOf(bus.address).startScope(scope);
});

test('systemd is asked once a connection what it knows of scopes, and again after a loss: it may be newer', async () => {
  const bus = await PrivateBus.start();
  const seen: (string | undefined)[] = [];
  const start = (answers: Parameters<typeof FakeSystemd.start>[1] = {}): Promise<FakeSystemd> => FakeSystemd.start(bus.address, {
    StartTransientUnit: (call, fake) => {
      const properties = new Map(call.body[2] as [string, Variant][]);
      seen.push(properties.get('OOMPolicy')?.value as string | undefined);
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/7']);
      fake.jobRemoved('/org/freedesktop/systemd1/job/7');
    },
    ...answers,
  });
  const old = await start();
  const manager = managerOf(bus.address);
  for (const _ of [1, 2]) await manager.startScope(scope);
  expect(old.calls.filter((call) => call === 'Get')).toHaveLength(1);
  const lost = new Promise<void>((resolve) => { manager.onLost(() => resolve()); });
  await bus.kill();
  await lost;
  await bus.start();
  await start({ Get: (call, fake) => fake.reply(call, 'v', [new Variant('s', 'stop')]) });
  await manager.startScope(scope);
  expect(seen).toEqual([undefined, undefined, 'continue']);
});

test('a job that ends after it; jobs of others do not count', async () => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, {
    StartTransientUnit: (call, fake) => {
      fake.jobRemoved('/org/freedesktop/systemd1/job/6', 'failed');
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/7']);
      fake.jobRemoved('/org/freedesktop/systemd1/job/8', 'failed');
      fake.jobRemoved('/org/freedesktop/systemd1/job/7');
    },
  });
  await managerOf(bus.address).startScope(scope);
});

test.each(['failed', 'timeout', 'canceled'])('a scope whose job ends with "%s"', async (result) => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, {
    StartTransientUnit: (call, fake) => {
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/7']);
      fake.jobRemoved('/org/freedesktop/systemd1/job/7', result);
    },
  });
  await expect(managerOf(bus.address).startScope(scope))
    .rejects.toMatchObject({ code: 'ERR_WAKESOCK_SCOPE', message: expect.stringContaining(`"${result}"`) });
});

test('a scope that systemd refuses: the message has its reason and name', async () => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, { StartTransientUnit: (call, fake) => fake.refuse(call, 'BadUnitSetting', 'No such thing') });
  await expect(managerOf(bus.address).startScope(scope)).rejects.toMatchObject({
    code: 'ERR_WAKESOCK_SCOPE', message: expect.stringMatching(/wakesock-site-blog\.scope.*No such thing.*org\.freedesktop\.systemd1\.BadUnitSetting/),
  });
});

/** A scope of that name is there, in `state`, until the first wait for its end. */
async function takenName(state: string, processes: unknown[]): Promise<{ manager: Manager; systemd: FakeSystemd }> {
  const bus = await PrivateBus.start();
  let taken = true;
  const properties: Record<string, Variant> = { ActiveState: new Variant('s', state), Job: new Variant('(uo)', [0, '/']) };
  const systemd = await FakeSystemd.start(bus.address, {
    StartTransientUnit: (call, fake) => {
      if (taken) return fake.refuse(call, 'UnitExists', 'Unit wakesock-site-blog.scope already exists.');
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/2']);
      return fake.jobRemoved('/org/freedesktop/systemd1/job/2');
    },
    Get: (call, fake) => fake.reply(call, 'v', [properties[String(call.body[1])]]),
    GetUnitProcesses: (call, fake) => fake.reply(call, 'a(sus)', [processes]),
    ResetFailedUnit: (call, fake) => fake.reply(call),
    StopUnit: (call, fake) => fake.reply(call, 'o', ['/org/freedesktop/systemd1/job/3']),
    Subscribe: (call, fake) => fake.reply(call),
    Unsubscribe: (call, fake) => fake.reply(call),
    GetUnit: (call, fake) => {
      fake.reply(call, 'o', ['/org/freedesktop/systemd1/unit/x']);
      taken = false;
      fake.signal('UnitRemoved', 'so', ['other.scope', '/x']);
      fake.signal('UnitRemoved', 'so', [scope.name, '/x']);
    },
  });
  return { manager: managerOf(bus.address), systemd };
}

test.each([['deactivating', [['/', 1, 'x']]], ['failed', []], ['inactive', []], ['active', []]])(
  'the name is taken by a scope that is %s and on its way out: started once it is gone', async (state, processes) => {
    const { manager, systemd } = await takenName(state, processes);
    await manager.startScope(scope);
    expect(systemd.calls.filter((member) => member === 'StartTransientUnit')).toHaveLength(2);
    expect(systemd.calls.includes('ResetFailedUnit')).toBe(state === 'failed');
    expect(systemd.calls.includes('StopUnit')).toBe(state === 'active');
  });

test('the name is taken by a scope with processes: refused', async () => {
  const { manager } = await takenName('active', [['/', 1, 'x']]);
  await expect(manager.startScope(scope)).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SCOPE', message: expect.stringContaining('UnitExists') });
});

test('a value that D-Bus cannot carry costs no connection', async () => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, { Reload: (call, fake) => fake.reply(call) });
  const manager = managerOf(bus.address);
  const losses: unknown[] = [];
  manager.onLost((reason) => losses.push(reason));
  await expect(manager.startScope({ ...scope, properties: [{ name: 'MemoryMax', signature: 't', value: 'much' }] })).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SCOPE' });
  await manager.reload();
  expect(losses).toEqual([]);
});

test('what is not loaded is stopped already, and gone', async () => {
  const bus = await PrivateBus.start();
  await FakeSystemd.start(bus.address, {
    StopUnit: (call, fake) => fake.refuse(call, 'NoSuchUnit', 'Unit a.scope not loaded.'),
    GetUnit: (call, fake) => fake.refuse(call, 'NoSuchUnit', 'Unit a.scope not loaded.'),
    Subscribe: (call, fake) => fake.reply(call),
    Unsubscribe: (call, fake) => fake.reply(call),
  });
  const manager = managerOf(bus.address);
  await manager.stopUnit('a.scope');
  await manager.waitUnitGone('a.scope');
});

test('close: what is pending fails, nobody is told of a loss, and a later call connects anew', async () => {
  const bus = await PrivateBus.start();
  let answers = false;
  const systemd = await FakeSystemd.start(bus.address, { Reload: (call, fake) => { if (answers) fake.reply(call); } });
  const manager = managerOf(bus.address);
  const losses: unknown[] = [];
  manager.onLost((reason) => losses.push(reason));
  const asked = systemd.called('Reload');
  const pending = manager.reload().catch((error: unknown) => error);
  await asked;
  manager.close();
  expect(await pending).toEqual(lostError);
  answers = true;
  await manager.reload();
  expect(losses).toEqual([]);
});

test('close before the connection is there', async () => {
  const bus = await PrivateBus.start();
  const manager = managerOf(bus.address);
  const connecting = manager.connect().catch((error: unknown) => error);
  manager.close();
  expect(await connecting).toEqual(lostError);
});

async function listening(onConnection: Parameters<typeof createServer>[1]): Promise<{ address: string; server: Server }> {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-bus-'));
  const server = createServer({}, onConnection);
  server.listen(join(directory, 'bus'));
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { address: `unix:path=${join(directory, 'bus')}`, server };
}

test.each([
  ['hangs up at once', ''],
  ['refuses us', 'REJECTED EXTERNAL\r\n'],
  ['takes us and hangs up', 'OK 0123456789abcdef0123456789abcdef\r\n'],
  ['is no bus', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
])('a bus that %s', async (_, answer) => {
  const { address } = await listening((socket) => {
    socket.on('error', () => {});
    socket.end(answer);
  });
  const manager = managerOf(address);
  const calls = await Promise.all([manager.connect(), manager.startScope(scope)].map((call) => call.catch((error: unknown) => error)));
  expect(calls).toEqual([lostError, lostError]);
});

test('a bus that says nothing: close ends the wait', async () => {
  const { address, server } = await listening((socket) => { socket.on('error', () => {}); });
  const manager = managerOf(address);
  const accepted = once(server, 'connection');
  const connecting = manager.connect().catch((error: unknown) => error);
  await accepted;
  manager.close();
  expect(await connecting).toEqual(lostError);
});
