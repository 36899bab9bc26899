/** Relayed sites: units of systemd that are started for their clients, who wait at the front door until they listen. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { programs } from '../support/product.ts';
import { pollUntil, Scene, service, siteText, socketUnit } from '../support/scene.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const relay = (site: string) => `wakesock-relay@${site}.service`;
const units: Readonly<Record<string, string>> = {
  // Type=simple: systemd says that it is up long before it listens.
  slow: `/usr/bin/python3 ${join(programs, 'slow_start.py')} /run/slow-go`,
  unix: `/bin/sh -c 'rm -f /run/relay-unix.sock; exec /usr/bin/python3 ${join(programs, 'plain.py')} /run/relay-unix.sock'`,
  web: `/usr/bin/python3 ${join(programs, 'http_all.py')} 3401`,
  broken: '/bin/false',
  always: `/usr/bin/python3 ${join(programs, 'plain.py')} 3402`,
};
let scene: Scene;

const relayed = (keys: Readonly<Record<string, string | number>>, startTimeout = '20s') => siteText({ Service: { TimeoutStartSec: startTimeout }, 'X-Wakesock': { Handoff: 'relay', ...keys } });
const pidOf = async (unit: string) => (await scene.show(unit, 'MainPID'))['MainPID'];
const stateOf = async (unit: string) => (await scene.show(unit, 'ActiveState'))['ActiveState'];

beforeAll(async () => {
  scene = await Scene.open(testBox());
  for (const unit of [front, relay('')]) {
    await scene.box.writeFile(`/etc/systemd/system/${unit}.d/test.conf`, [
      '[Service]', 'ExecStart=', `ExecStart=${scene.product.command('front', '--exit-idle-time=1s').join(' ').replace('node', process.execPath)}`, '',
    ].join('\n'));
  }
  for (const [name, command] of Object.entries(units)) {
    await scene.box.writeFile(`/etc/systemd/system/relay-${name}.service`, `[Unit]\nStartLimitIntervalSec=0\n\n[Service]\nExecStart=${command}\nEnvironment=PYTHONDONTWRITEBYTECODE=1\n`);
  }
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.enable({
    slow: relayed({ ListenStream: 8501, Host: 'slow.example', Target: '127.0.0.1:3000', Unit: 'relay-slow.service', IdleSec: '1s' }),
    unix: relayed({ ListenStream: '/run/site-unix.sock', Target: 'unix:/run/relay-unix.sock', Unit: 'relay-unix.service', IdleSec: '5min' }),
    web: relayed({ Host: 'web.example', Target: '127.0.0.1:3401', Unit: 'relay-web.service', IdleSec: '5min' }),
    broken: relayed({ ListenStream: 8503, Host: 'broken.example', Target: 9, Unit: 'relay-broken.service' }),
    always: relayed({ ListenStream: 8504, Target: 3402 }),
    nobody: relayed({ ListenStream: 8509, Target: 3409 }, '1s'),
  });
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.close();
  await scene.box.run(['sh', '-c', `systemctl stop 'relay-*'; systemctl reset-failed 'relay-*'; rm -rf /etc/systemd/system/relay-*.service /etc/systemd/system/${front}.d '/etc/systemd/system/${relay('')}.d'; systemctl daemon-reload`]);
});

const curl = (host: string, ...args: readonly string[]) => scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', `Host: ${host}`, ...args, 'http://127.0.0.1/']);

describe('a site whose unit sleeps', () => {
  test('waits until the program listens, and serves the very client that woke it', async () => {
    await scene.box.run(['rm', '-f', '/run/slow-go']);
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8501', 'hello\n');
    await scene.journal.until(({ unit, text }) => unit === 'relay-slow.service' && text === 'waiting', { from, what: 'the start of the unit' });
    expect(client.answers).toBe(0);
    await scene.box.run(['touch', '/run/slow-go']);
    expect(await client.answer()).toMatchObject({ said: 'hello' });
    expect(await scene.status('slow')).toMatchObject({ state: 'awake', handoff: 'relay', listen: ['0.0.0.0:8501'], unit: socketUnit('slow'), lastWake: { by: 'front', cause: { client: '127.0.0.1' } } });
    client.close();
  });

  test('is stopped when nothing has moved for its time, also while somebody is silently connected; then both of us end', async () => {
    await scene.box.run(['touch', '/run/slow-go']);
    const from = await scene.mark();
    const silent = scene.clients.open('127.0.0.1:8501', 'hello\n');
    await silent.answer();
    expect(await silent.closed).toBeNull();
    expect(await stateOf('relay-slow.service')).toBe('inactive');
    expect(await scene.status('slow')).toMatchObject({ state: 'dormant' });
    await scene.activatorEnded(from);
    await pollUntil('the end of the relay', async () => await stateOf(relay('slow')) === 'inactive');
    await scene.expectSocketUp('slow');
  });

  test('shows a browser the waiting page while the unit is up and its program does not listen, and says when it does', async () => {
    await scene.box.run(['rm', '-f', '/run/slow-go']);
    const asked = (path: string, ...args: readonly string[]) => scene.box.run(['curl', '--silent', '--max-time', '20', '--header', 'Host: slow.example', ...args, `http://127.0.0.1${path}`]);
    expect(await asked('/', '--include', '--header', 'Accept: text/html')).toMatch(/^HTTP\/1\.1 503 [^]*slow\.example is starting/);
    expect(await stateOf('relay-slow.service')).toBe('active');
    const state = async () => JSON.parse(await asked('/.well-known/wakesock')) as unknown;
    expect(await state()).toEqual({ state: 'waking', healthy: true });
    await scene.box.run(['touch', '/run/slow-go']);
    await pollUntil('the state awake', async () => (await state() as { state: string }).state === 'awake');
  });

  test('behind a UNIX socket, at both ends', async () => {
    const first = await scene.clients.ask('/run/site-unix.sock');
    expect((await scene.clients.ask('/run/site-unix.sock')).start).toBe(first.start);
  });

  test('by host name', async () => {
    expect(JSON.parse(await curl('web.example'))).toMatchObject({ headers: { 'X-Forwarded-Host': 'web.example' } });
    expect(await stateOf('relay-web.service')).toBe('active');
  });
});

describe('what goes wrong', () => {
  test('the unit is killed: the next client has a new one', async () => {
    const first = await scene.clients.ask('/run/site-unix.sock');
    const from = await scene.mark();
    await scene.box.run(['systemctl', 'kill', '--signal=KILL', 'relay-unix.service']);
    await scene.inState('unix', 'dormant', from);
    expect((await scene.clients.ask('/run/site-unix.sock')).start).not.toBe(first.start);
  });

  test('the unit is restarted by hand: its site goes on', async () => {
    const first = await scene.clients.ask('/run/site-unix.sock');
    await scene.box.run(['systemctl', 'restart', 'relay-unix.service']);
    expect((await scene.clients.ask('/run/site-unix.sock')).start).not.toBe(first.start);
    expect(await scene.status('unix')).toMatchObject({ state: 'awake' });
  });

  test('the activator is killed: who is connected stays, and the next one stops the unit when it is told', async () => {
    const client = scene.clients.open('/run/site-unix.sock', 'hello\n');
    const { start } = await client.answer();
    await scene.killActivator();
    expect(await client.ask('again')).toMatchObject({ said: 'again', start });
    await pollUntil('a lease of the next activator', async () => (await scene.status('unix')).state === 'awake' && Number((await scene.show(service, 'MainPID'))['MainPID']) > 0);
    await scene.product.run('sleep', '--force', 'unix');
    expect(await client.closed).toBeNull();
    expect(await stateOf('relay-unix.service')).toBe('inactive');
  });

  test('a unit that ends at once fails its site: clients are let go, HTTP is told why', async () => {
    expect(await scene.clients.turnedAway('127.0.0.1:8503')).toMatch(/ECONNRESET|closed/);
    expect(await scene.status('broken')).toMatchObject({ state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED' } });
    const answer = await curl('broken.example', '--include');
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
    expect(answer).toMatch(/ERR_WAKESOCK_(?:EXITED|BACKOFF|SYSTEMD)/);
    await scene.expectSocketUp('broken');
  });

  test('enable and check refuse a unit that is not there', async () => {
    await scene.write({ missing: relayed({ ListenStream: 8505, Target: 3405, Unit: 'nowhere.service' }) });
    const enabled = await scene.product.exec('enable', 'missing');
    expect({ code: enabled.code, said: enabled.stderr }).toEqual({ code: 1, said: expect.stringContaining('ERR_WAKESOCK_SYSTEMD') as string });
    const checked = await scene.product.exec('check', 'missing');
    expect({ code: checked.code, said: checked.stdout }).toEqual({ code: 1, said: expect.stringContaining('unit-missing') as string });
  });
});

describe('a site without Unit=', () => {
  test('is connected to without the activator; a client waits while nobody listens, for its time', async () => {
    await scene.product.run('sleep', '--force', 'unix', 'web');
    await pollUntil('the end of the activator', async () => await stateOf(service) === 'inactive');
    expect(await scene.clients.turnedAway('127.0.0.1:8509')).toBe('ECONNRESET');
    const client = scene.clients.open('127.0.0.1:8504', 'hello\n');
    await client.connected;
    await scene.box.run(['systemctl', 'start', 'relay-always.service']);
    expect(await client.answer()).toMatchObject({ said: 'hello' });
    expect(await stateOf(service)).toBe('inactive');
    client.close();
  });
});

describe('enabling and disabling a site', () => {
  test('is nothing to who is connected to others, by its own socket or by host name', async () => {
    const client = scene.clients.open('/run/site-unix.sock', 'hello\n');
    const { start } = await client.answer();
    // Of a request as far as it has come: it keeps the front door, whose time is a second here.
    const asking = scene.clients.open('127.0.0.1:80', 'GET / HTTP/1.1\r\nHost: web.example\r\n');
    await asking.connected;
    await pollUntil('the front door', async () => await stateOf(front) === 'active');
    const before = [await pidOf(front), await pidOf(relay('unix'))];
    await scene.enable({ another: relayed({ ListenStream: 8506, Target: 3402 }, '2s') });
    const other = scene.clients.open('127.0.0.1:8506', 'hello\n');
    expect(await other.answer()).toMatchObject({ said: 'hello' });
    expect(await client.ask('still')).toMatchObject({ said: 'still', start });
    await scene.product.run('disable', 'another');
    await other.closed;
    expect(await client.ask('and still')).toMatchObject({ said: 'and still', start });
    expect([await pidOf(front), await pidOf(relay('unix'))]).toEqual(before);
    expect(await stateOf(relay('another'))).toBe('inactive');
    client.close();
    asking.close();
  });

  test('the one that is disabled is closed, and nothing of it is left', async () => {
    await scene.product.run('disable', 'always');
    expect(await scene.clients.open('127.0.0.1:8504').closed).toBe('ECONNREFUSED');
    expect(await stateOf(relay('always'))).toBe('inactive');
  });

  test('one that listens elsewhere from now on is made anew, one that is relayed no more lets go', async () => {
    await scene.enable({ moved: relayed({ ListenStream: 8507, Target: 3402 }, '2s') });
    const first = scene.clients.open('127.0.0.1:8507', 'hello\n');
    await first.answer();
    first.close();
    await scene.enable({ moved: relayed({ ListenStream: 8508, Target: 3402 }, '2s') });
    expect(await scene.clients.open('127.0.0.1:8507').closed).toBe('ECONNREFUSED');
    const second = scene.clients.open('127.0.0.1:8508', 'hello\n');
    expect(await second.answer()).toMatchObject({ said: 'hello' });
    second.close();
    await scene.enable({ moved: siteText({ Container: { Exec: `/usr/bin/python3 ${join(programs, 'plain.py')} 3000` }, 'X-Wakesock': { Root: 'host', ListenStream: 8508, Port: 3000 } }) });
    expect(await stateOf(relay('moved'))).toBe('inactive');
    expect(await scene.status('moved')).toMatchObject({ handoff: 'adopt' });
  });
});
