/** The activator is killed, the bus is restarted, systemd reloads, the disk is full: who can be served is served. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import type { Connection } from '../support/clients.ts';
import { programs } from '../support/product.ts';
import { pollUntil, python, Scene, scopeUnit, service, siteFile, socketUnit, tcpSite } from '../support/scene.ts';

const gate = '/srv/gate';
const gated = { Container: { Volume: [`${programs}:/programs:ro`, `${gate}:/gate`] } };
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await scene.box.run(['mkdir', '-p', gate]);
  const plain = `${python('plain.py')} 3000`;
  const short = { 'X-Wakesock': { IdleSec: '300ms' } };
  await scene.enable({
    plain: tcpSite(plain, 8241, short),
    stays: tcpSite(plain, 8242),
    slow: tcpSite(`${python('slow_start.py')} /gate/start`, 8243, gated),
    drains: tcpSite(`${python('slow_end.py')} /gate/end`, 8244, { ...gated, ...short }),
    local: siteFile(`${python('slow_end.py')} /gate/local /run/app.sock`, {
      Container: { ...gated.Container, Tmpfs: '/run' }, 'X-Wakesock': { ...short['X-Wakesock'], ListenStream: '/run/ends-late.sock', Port: '/run/app.sock' },
    }),
    stuck: tcpSite(`${python('slow_end.py')} /gate/never`, 8245, { ...gated, ...short, Service: { TimeoutStopSec: '1s' } }),
    two: tcpSite(`${python('two_ports.py')} /gate/second`, 8249, { ...gated, Service: { TimeoutStartSec: '10s' }, 'X-Wakesock': { ListenStream: [8249, 8250], Port: [3000, 3001] } }),
    fds: tcpSite(python('listen_fds.py'), 8246, { 'X-Wakesock': { Handoff: 'listen-fds', IdleSec: '300ms' } }),
  });
});
afterAll(() => scene.close());

async function open(name: string): Promise<void> {
  await scene.box.run(['touch', `${gate}/${name}`]);
}

async function shut(name: string): Promise<void> {
  await scene.box.run(['rm', '-f', `${gate}/${name}`]);
}

/** The activator is killed and systemd has started the next one. */
async function killAndRestart(from?: number): Promise<void> {
  from ??= await scene.mark();
  await scene.killActivator();
  await scene.nextActivator(from);
}

/** Sites whose programs end when their gate is opened. */
const late = { drains: { to: '127.0.0.1:8244', end: 'end' }, local: { to: '/run/ends-late.sock', end: 'local' } } as const;

/** The program has been told to end. Resolves with which start of it that is. */
async function draining(site: keyof typeof late = 'drains'): Promise<string> {
  const { to, end } = late[site];
  await shut(end);
  const from = await scene.mark();
  const { start } = await scene.clients.ask(to);
  await scene.printed(site, `draining ${start}`, from);
  return start;
}

/** The activator begins nothing any more, and the next one is not there yet. */
async function ending(from: number): Promise<void> {
  await scene.journal.until(({ unit, text }) => unit === service && text.startsWith('Ending with status'), { from, what: 'the end of the activator' });
}

/** And the site sleeps: a program that ends by itself while a test shuts its gate would hold that test up. */
async function servedByAnother(client: Connection, start: string, site = 'drains'): Promise<void> {
  expect((await client.answer()).start).not.toBe(start);
  client.close();
  await scene.expectSocketUp(site);
  await scene.product.run('sleep', '--force', site);
}

/** It has waited for a site between two states as long as it may without more ado. */
async function waitingLonger(from: number): Promise<void> {
  await scene.journal.until(({ unit, text }) => unit === service && text.startsWith('Told to end: clients are held'), { from, what: 'the activator to wait' });
}

async function noSocketFailed(): Promise<void> {
  expect((await scene.box.run(['systemctl', 'list-units', '--failed', '--plain', '--no-legend'])).trim()).toBe('');
}

describe('the activator is killed', () => {
  test('while its sites sleep: the next client is served', async () => {
    const from = await scene.mark();
    const { start } = await scene.clients.ask('127.0.0.1:8241');
    await scene.inState('plain', 'dormant', from);
    // At once: it would end by itself within a second.
    await killAndRestart(scene.journal.position);
    expect((await scene.clients.ask('127.0.0.1:8241')).start).not.toBe(start);
    await noSocketFailed();
  });

  test.each(['8243'])('while a site wakes: the client that waits is served', async (port) => {
    await shut('start');
    const from = await scene.mark();
    const client = scene.clients.open(`127.0.0.1:${port}`, 'hello\n');
    await scene.printed('slow', 'waiting', from);
    await killAndRestart();
    await open('start');
    expect((await client.answer()).said).toBe('hello');
    client.close();
    expect(await scene.status('slow')).toMatchObject({ state: 'awake' });
    await scene.product.run('sleep', '--force', 'slow');
    await scene.expectSocketUp('slow');
  });

  test('between the listens of a program with two ports: the next one knows of the first', async () => {
    await shut('second');
    const from = await scene.mark();
    const clients = [8249, 8250].map((port) => scene.clients.open(`127.0.0.1:${port}`, 'hello\n'));
    await scene.printed('two', 'first', from);
    await killAndRestart();
    await open('second');
    const [first, second] = await Promise.all(clients.map((client) => client.answer()));
    expect(first?.start).toBe(second?.start);
    await scene.inState('two', 'awake', from);
    for (const client of clients) client.close();
    await scene.product.run('sleep', '--force', 'two');
    await scene.expectSocketUp('two');
  });

  test('at ten moments of a wake: the client is served', async () => {
    for (let killMs = 0; killMs < 100; killMs += 10) {
      const site = killMs % 20 === 0 ? 8241 : 8246;
      const client = scene.clients.open(`127.0.0.1:${site}`, 'hello\n');
      await client.connected;
      // Not a wait for anything: the moment of the kill is what is tried.
      await new Promise((resolve) => { setTimeout(resolve, killMs); });
      await scene.box.exec(['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', service]);
      expect((await client.answer()).said, `killed after ${killMs} ms`).toBe('hello');
      client.close();
    }
    await noSocketFailed();
  });

  test('while a site is awake: its clients are served on, by the same start; it sleeps and logs as before', async () => {
    const client = scene.clients.open('127.0.0.1:8242', 'hello\n');
    const { start } = await client.answer();
    await killAndRestart();
    expect((await client.ask('still')).start).toBe(start);
    expect((await scene.clients.ask('127.0.0.1:8242')).start).toBe(start);
    expect(await scene.status('stays')).toMatchObject({ state: 'awake', connections: 1 });
    const from = await scene.mark();
    await client.ask('print after-the-kill');
    await scene.printed('stays', 'after-the-kill', from);
    client.close();
    await scene.product.run('sleep', '--force', 'stays');
    expect((await scene.show(scopeUnit('stays'), 'ActiveState'))['ActiveState']).toBe('inactive');
    expect((await scene.clients.ask('127.0.0.1:8242')).start).not.toBe(start);
    await scene.product.run('sleep', '--force', 'stays');
  });

  test('and an idle site that was awake then is stopped by the next one, which ends', async () => {
    const from = await scene.mark();
    await scene.clients.ask('127.0.0.1:8241');
    const awake = await scene.inState('plain', 'awake', from);
    // Under load the stop may have begun by now: then the next activator finishes it, and says less about it.
    await scene.killActivator();
    await scene.activatorEnded(awake);
    expect((await scene.status('plain')).state).toBe('dormant');
    expect(await scene.processes()).toEqual([]);
  });

  test('while a site drains: who comes meanwhile is served when it has ended', async () => {
    const start = await draining();
    const client = scene.clients.open('127.0.0.1:8244', 'hello\n');
    await killAndRestart();
    await open('end');
    await servedByAnother(client, start);
  });

  test('while a site drains that never ends: TimeoutStopSec= holds for the next activator too', async () => {
    const from = await scene.mark();
    const { start } = await scene.clients.ask('127.0.0.1:8245');
    await scene.printed('stuck', `draining ${start}`, from);
    const client = scene.clients.open('127.0.0.1:8245', 'hello\n');
    await killAndRestart();
    expect((await client.answer()).start).not.toBe(start);
    client.close();
  });
});

describe('the activator is told to end while a site drains for long: who comes is not left to the program that ends', () => {
  test.each(['drains', 'local'] as const)('it is restarted (%s)', async (site) => {
    const { to, end } = late[site];
    const start = await draining(site);
    const from = await scene.mark();
    await scene.box.run(['systemctl', 'restart', '--no-block', service]);
    await ending(from);
    const client = scene.clients.open(to, 'hello\n');
    await open(end);
    await servedByAnother(client, start, site);
  });

  test('it is stopped, told once more, and started', async () => {
    const start = await draining();
    const from = await scene.mark();
    const stopped = scene.box.run(['systemctl', 'stop', service]);
    await waitingLonger(from);
    await scene.box.run(['systemctl', 'kill', '--kill-whom=main', '--signal=TERM', service]);
    const client = scene.clients.open('127.0.0.1:8244', 'hello\n');
    await open('end');
    await stopped;
    await scene.box.run(['systemctl', 'start', service]);
    await servedByAnother(client, start);
  });

  test.each([true, false])('it is stopped, and the socket on which clients wait is only its own (they come within its time to settle: %s)', async (soon) => {
    const { to, end } = late.local;
    const start = await draining('local');
    const from = await scene.mark();
    const stopped = scene.box.run(['systemctl', 'stop', service]);
    await scene.journal.until(({ unit, text }) => unit === service && text.startsWith(`Stopping ${service}`), { from, what: 'systemd to stop it' });
    if (!soon) await waitingLonger(from);
    const client = scene.clients.open(to, 'hello\n');
    await client.connected;
    await open(end);
    await servedByAnother(client, start, 'local');
    await stopped;
  });

  test.each(['drains', 'local'] as const)('it is stopped, and started before it has ended (%s)', async (site) => {
    const { to, end } = late[site];
    const start = await draining(site);
    const from = await scene.mark();
    await scene.box.run(['systemctl', 'stop', '--no-block', service]);
    await scene.journal.until(({ unit, text }) => unit === service && text.startsWith(`Stopping ${service}`), { from, what: 'systemd to stop it' });
    await scene.box.run(['systemctl', 'start', '--no-block', service]);
    await ending(from);
    const client = scene.clients.open(to, 'hello\n');
    await open(end);
    await servedByAnother(client, start, site);
  });

  test('a site is enabled', async () => {
    const start = await draining();
    await scene.write({ added: tcpSite(`${python('plain.py')} 3000`, 8251) });
    const from = await scene.mark();
    const enabled = scene.product.run('enable', 'added');
    await ending(from);
    const client = scene.clients.open('127.0.0.1:8244', 'hello\n');
    await open('end');
    await servedByAnother(client, start);
    await enabled;
    expect((await scene.clients.ask('127.0.0.1:8251')).said).toBe('hello');
    await scene.remove('added');
  });
});

describe('the activator is told to end while a site wakes: the client that waits is served', () => {
  test.each(['restart', 'stop'])('%s', async (verb) => {
    await shut('start');
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8243', 'hello\n');
    await scene.printed('slow', 'waiting', from);
    await scene.box.run(['systemctl', verb, service]);
    await open('start');
    expect((await client.answer()).said).toBe('hello');
    client.close();
    await scene.product.run('sleep', '--force', 'slow');
    await scene.expectSocketUp('slow');
  });
});

describe('systemd and its bus', () => {
  test('the bus is restarted: who is awake serves on, who sleeps is woken', async () => {
    const { start } = await scene.clients.ask('127.0.0.1:8242');
    await scene.box.run(['systemctl', 'restart', 'dbus.service']);
    expect((await scene.clients.ask('127.0.0.1:8242')).start).toBe(start);
    expect((await scene.clients.ask('127.0.0.1:8241')).said).toBe('hello');
    await noSocketFailed();
  });

  test('the bus is away while a client comes: it waits, and is served when the bus is back', async () => {
    // Not by idleness: that may be the end of an earlier wake, and this client be held for the next.
    await scene.clients.ask('127.0.0.1:8241');
    await scene.product.run('sleep', '--force', 'plain');
    await scene.box.run(['systemctl', 'stop', 'dbus.socket', 'dbus.service']);
    const waking = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8241', 'hello\n');
    try {
      await scene.inState('plain', 'waking', waking);
    } finally {
      await scene.box.run(['systemctl', 'start', 'dbus.socket', 'dbus.service']);
    }
    expect((await client.answer()).said).toBe('hello');
    client.close();
    expect((await scene.status('plain')).error).toBeNull();
  });

  test('the bus stays away for longer than TimeoutStartSec=: the client is turned away with the reason, and later ones are served', async () => {
    await scene.enable({ brief: tcpSite(`${python('plain.py')} 3000`, 8248, { Service: { TimeoutStartSec: '1s' } }) });
    await scene.box.run(['systemctl', 'stop', 'dbus.socket', 'dbus.service']);
    try {
      await scene.expectFailed('brief', 'ERR_WAKESOCK_BUS', '127.0.0.1:8248');
    } finally {
      await scene.box.run(['systemctl', 'start', 'dbus.socket', 'dbus.service']);
    }
    await scene.healed('127.0.0.1:8248');
    await scene.remove('brief');
  });

  test('daemon-reload in the middle of wakes: all are served', async () => {
    const reloading = scene.box.spawn(['sh', '-c', 'while :; do systemctl daemon-reload; done']);
    try {
      for (let round = 0; round < 4; round += 1) {
        const from = await scene.mark();
        const answers = await Promise.all([scene.clients.ask('127.0.0.1:8241'), scene.clients.ask('127.0.0.1:8246')]);
        expect(answers.map(({ said }) => said)).toEqual(['hello', 'hello']);
        await Promise.all([scene.inState('plain', 'dormant', from), scene.inState('fds', 'dormant', from)]);
      }
    } finally {
      reloading.kill('SIGKILL');
      await reloading.exited;
    }
    await noSocketFailed();
  });
});

describe('the runtime directory is full', () => {
  test('a container cannot be made: the client is turned away with the reason; once there is room the next one is served', async () => {
    const from = await scene.mark();
    await scene.clients.ask('127.0.0.1:8241');
    await scene.inState('plain', 'dormant', from);
    // Not the whole: the control socket is there, too.
    const places = ['/run/wakesock/crun', '/run/wakesock/sites'];
    await scene.box.run(['sh', '-ec', places.map((place) => `mkdir -p ${place} && mount -t tmpfs -o size=64k tmpfs ${place} && { dd if=/dev/zero of=${place}/filler bs=4k 2>/dev/null || :; }`).join('\n')]);
    try {
      await scene.expectFailed('plain', 'ERR_WAKESOCK_RUNTIME', '127.0.0.1:8241', /no space left/i);
      await scene.box.run(['rm', ...places.map((place) => `${place}/filler`)]);
      expect((await scene.healed('127.0.0.1:8241')).said).toBe('hello');
      await scene.product.run('sleep', '--force', 'plain');
    } finally {
      for (const place of places) await pollUntil(`${place} to be left by everybody`, async () => (await scene.box.exec(['umount', place])).code === 0);
    }
  });
});

describe('the state directory is full', () => {
  test('sites are served, sleep and are served again; `enable` says why it cannot, and can once there is room', async () => {
    await scene.box.run(['sh', '-ec', [
      'mkdir -p /mnt/full', 'mount -t tmpfs -o size=64m tmpfs /mnt/full', 'cp -a /var/lib/wakesock/. /mnt/full/', 'mount --bind /mnt/full /var/lib/wakesock',
      'dd if=/dev/zero of=/mnt/full/filler bs=64k 2>/dev/null || :',
    ].join('\n')]);
    try {
      const from = await scene.mark();
      const { start } = await scene.clients.ask('127.0.0.1:8241');
      await scene.inState('plain', 'dormant', from);
      expect((await scene.clients.ask('127.0.0.1:8241')).start).not.toBe(start);
      await scene.write({ extra: tcpSite(`${python('plain.py')} 3000`, 8247) });
      const { code, stderr } = await scene.product.exec('enable', 'extra');
      expect(code).toBe(1);
      expect(stderr).toContain('ERR_WAKESOCK_STATE_DIR');
      expect((await scene.show(socketUnit('extra'), 'ActiveState'))['ActiveState']).toBe('inactive');
      await scene.box.run(['rm', '/mnt/full/filler']);
      await scene.product.run('enable', 'extra');
      expect((await scene.clients.ask('127.0.0.1:8247')).said).toBe('hello');
      await scene.remove('extra');
    } finally {
      await pollUntil('the state directory to be left by everybody', async () => (await scene.box.exec(['umount', '/var/lib/wakesock'])).code === 0);
      await scene.box.run(['umount', '/mnt/full']);
    }
    expect((await scene.clients.ask('127.0.0.1:8241')).said).toBe('hello');
  });
});
