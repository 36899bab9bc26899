/** The main job, whole: a socket of systemd, nothing of ours; a client; a container that serves it; and back to nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { node, python, Scene, scopeUnit, service, siteFile, socketUnit, tcpSite } from '../support/scene.ts';

const idle = { IdleSec: '300ms' };
/** Resource control in every form that it has on the bus. */
const limits = {
  MemoryMin: '0.5%', MemoryLow: '1%', MemoryHigh: '33.33%', MemoryMax: '50%', MemorySwapMax: '12.5‰', TasksMax: '7.5%', CPUQuota: '250%', CPUQuotaPeriodSec: '20ms', CPUWeight: 'idle', IOWeight: 20,
  AllowedCPUs: '0-1', AllowedMemoryNodes: 0, IODeviceWeight: '/srv 30', IOReadBandwidthMax: '/srv 5M', IOWriteBandwidthMax: '/srv 1.5G', IOReadIOPSMax: '/srv 1K', IOWriteIOPSMax: '/srv 2K',
  IODeviceLatencyTargetSec: '/srv 25ms', ManagedOOMSwap: 'kill', ManagedOOMMemoryPressure: 'auto', ManagedOOMMemoryPressureLimit: '60%', ManagedOOMPreference: 'avoid',
};
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({
    plain: tcpSite(`${python('plain.py')} 3000`, 8101, { 'X-Wakesock': idle }),
    limited: tcpSite(`${python('plain.py')} 3000`, 8111, {
      Unit: { Description: 'A limited site' },
      Service: { MemoryMax: '256M', CPUQuota: '50%', TasksMax: 64, CPUWeight: 50, TimeoutStopSec: 7 },
    }),
    node: tcpSite(`${node} /programs/node-server.mjs 3000`, 8102),
    six: siteFile(`${python('plain.py')} [::]:3000`, { 'X-Wakesock': { ListenStream: '[::]:8103', Port: 3000 } }),
    local: siteFile(`${python('plain.py')} /run/app.sock`, { Container: { Tmpfs: '/run' }, 'X-Wakesock': { ListenStream: '/run/local-site.sock', Port: '/run/app.sock', ...idle } }),
    fds: siteFile(python('listen_fds.py'), { 'X-Wakesock': { ListenStream: [8104, '[::1]:8105'], Handoff: 'listen-fds', ...idle } }),
    two: siteFile(`${python('plain.py')} 3000 3001`, { 'X-Wakesock': { ListenStream: [8106, 8107], Port: [3000, 3001], ...idle } }),
    held: tcpSite(`${python('plain.py')} 3000`, 8108, { 'X-Wakesock': idle }),
    asked: tcpSite(`${python('plain.py')} 3000`, 8110),
    shares: tcpSite(`${python('plain.py')} 3000`, 8109, { Service: limits }),
  });
});
afterAll(() => scene.close());

/** No process of ours, every socket up, every client's kernel answered by systemd's socket alone. */
async function expectNothingRuns(...sites: readonly string[]): Promise<void> {
  expect(await scene.show(service, 'ActiveState', 'Result')).toEqual({ ActiveState: 'inactive', Result: 'success' });
  await scene.expectNoCrash();
  expect(await scene.processes()).toEqual([]);
  for (const site of sites) {
    expect(await scene.show(socketUnit(site), 'ActiveState', 'Result')).toEqual({ ActiveState: 'active', Result: 'success' });
    expect(await scene.status(site)).toMatchObject({ state: 'dormant', connections: null, memoryBytes: null, error: null });
  }
  expect((await scene.report()).activator).toEqual({ state: 'stopped', pid: null });
}

/** Puts everything to sleep and waits for the end of the activator, so that the next client begins from nothing. */
async function fromNothing(): Promise<void> {
  const { sites } = await scene.report();
  const awake = sites.filter(({ state }) => state !== 'dormant').map(({ name }) => name);
  if (awake.length > 0) await scene.product.run('sleep', '--force', ...awake);
  await scene.activatorGone();
}

describe('from nothing to served, and back to nothing', () => {
  test('the first client is served by the program itself, which sees its real address', async () => {
    await fromNothing();
    await expectNothingRuns('plain');
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8101', 'hello\n');
    const { said, peer, pid } = await client.answer();
    expect({ said, peer, pid }).toEqual({ said: 'hello', peer: client.local, pid: 1 });
    const started = scene.journal.until(({ unit, text }) => unit === service && text.startsWith(`Started ${service}`), { from, what: 'the activator to say that it is there' });
    expect(await client.inUseDuring(started.then(() => scene.show(service, 'ActiveState')))).toEqual({ ActiveState: 'active' });
    await scene.expectNoCrash();
    client.close();
  });

  test('what V8 compiled is kept for the next start; what is damaged or of other files is made anew', async () => {
    const code = '/var/cache/wakesock/code';
    const sum = () => scene.box.run(['md5sum', code]);
    const serve = async () => {
      await fromNothing();
      await scene.clients.ask('127.0.0.1:8101');
      await fromNothing();
    };
    // The front door's as well, which it reads and cannot write.
    const front = '/var/cache/wakesock/front';
    const ofFront = () => scene.box.run(['stat', '--format=%a %U %i', front]);
    await serve();
    const first = await sum();
    const firstOfFront = await ofFront();
    expect(firstOfFront).toMatch(/^644 root /);
    await serve();
    expect(await sum()).toBe(first);
    expect(await ofFront()).toBe(firstOfFront);
    await scene.box.run(['truncate', '--size=-1000', front]);
    for (const damage of ['truncate --size=-1000', 'truncate --size=0', 'dd if=/dev/zero conv=notrunc bs=1000 count=1 seek=20 status=none of=']) {
      await scene.box.run(['sh', '-c', damage.endsWith('=') ? `${damage}${code}` : `${damage} ${code}`]);
      const damaged = await sum();
      await serve();
      expect(await sum(), damage).not.toBe(damaged);
    }
    expect(await ofFront()).not.toBe(firstOfFront);
    expect(await scene.show(service, 'Result')).toEqual({ Result: 'success' });
    await scene.expectNoCrash();
  });

  test('the container is in a scope with the limits of its site, and in namespaces of its own', async () => {
    const client = scene.clients.open('127.0.0.1:8111');
    const ask = async (command: string) => (await client.ask(command)).result;
    await client.ask('hello');
    expect(await scene.show(scopeUnit('limited'), 'Description', 'Slice', 'MemoryMax', 'CPUQuotaPerSecUSec', 'TasksMax', 'CPUWeight', 'TimeoutStopUSec')).toEqual({
      Description: 'A limited site', Slice: 'wakesock.slice', MemoryMax: String(256 * 1024 ** 2), CPUQuotaPerSecUSec: '500ms', TasksMax: '64', CPUWeight: '50', TimeoutStopUSec: '7s',
    });
    expect((await scene.show(scopeUnit('limited'), 'OOMPolicy'))['OOMPolicy']).toBe('continue');
    expect(await ask('read /proc/self/cgroup')).toMatch(/^0::\/$/m);
    expect(await ask('interfaces')).toEqual(['lo']);
    expect(await ask('hostname')).toBe('limited');
    const status = String(await ask('read /proc/self/status'));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    for (const kind of ['pid', 'mnt', 'ipc', 'uts', 'cgroup', 'net']) {
      expect(await ask(`link /proc/self/ns/${kind}`), kind).not.toBe((await scene.box.run(['readlink', `/proc/1/ns/${kind}`])).trim());
    }
    client.close();
  });

  test('each limit is what systemd-run makes of the same setting', async () => {
    const client = scene.clients.open('127.0.0.1:8109');
    await client.ask('hello');
    const names = Object.keys(limits).map((key) => ({ CPUQuota: 'CPUQuotaPerSecUSec' })[key] ?? key.replace(/Sec$/, 'USec'));
    await scene.box.run(['systemd-run', '--scope', '--unit=limits-oracle', ...Object.entries(limits).map(([key, value]) => `--property=${key}=${value}`), 'sh', '-c', 'systemctl show limits-oracle.scope >/run/limits-oracle']);
    const theirs = (await scene.box.readFile('/run/limits-oracle')).split('\n');
    const ours = await scene.show(scopeUnit('shares'), ...names);
    expect(Object.keys(ours).toSorted()).toEqual(names.toSorted());
    expect(Object.entries(ours).map(([name, value]) => `${name}=${value}`).filter((line) => !theirs.includes(line))).toEqual([]);
    expect(Number(ours['MemoryMax'])).toBeGreaterThan(0);
    client.close();
  });

  test('the second client is served by the same start of the program', async () => {
    const first = await scene.clients.ask('127.0.0.1:8110');
    expect((await scene.clients.ask('127.0.0.1:8110')).start).toBe(first.start);
  });

  test('an idle site is stopped, the activator ends, nothing is left; the next client does it all again', async () => {
    await fromNothing();
    const from = await scene.mark();
    const before = await scene.clients.ask('127.0.0.1:8101');
    const wakes = (await scene.status('plain')).wakes;
    await scene.activatorEnded(await scene.inState('plain', 'dormant', from));
    await expectNothingRuns('plain');
    const after = await scene.clients.ask('127.0.0.1:8101');
    expect(after.start).not.toBe(before.start);
    expect((await scene.status('plain')).wakes).toBe(wakes + 1);
  });

  test('what it took is told by phase', async () => {
    await scene.clients.ask('127.0.0.1:8110');
    const { lastWake, state } = await scene.status('asked');
    expect(state).toBe('awake');
    expect(lastWake?.by).toBe('connection');
    const { process, scope, go, listen, total } = lastWake?.phasesMs ?? {};
    const order = [0, process, scope, go, listen, total];
    expect(order.every((ms) => typeof ms === 'number')).toBe(true);
    expect(order.toSorted((a, b) => Number(a) - Number(b))).toEqual(order);
  });
});

describe('kinds of sockets', () => {
  test('a Node server that listens on all addresses serves IPv4 clients', async () => {
    const client = scene.clients.open('127.0.0.1:8102', 'hello\n');
    const { peer } = await client.answer();
    expect([String(peer[0]).replace('::ffff:', ''), peer[1]]).toEqual(client.local);
    client.close();
  });

  test('IPv6', async () => {
    const client = scene.clients.open('[::1]:8103', 'hello\n');
    expect((await client.answer()).peer).toEqual(client.local);
    client.close();
  });

  test('UNIX: woken, served again, idle, and woken again', async () => {
    const from = await scene.mark();
    const client = scene.clients.open('/run/local-site.sock', 'hello\n');
    const first = await client.answer();
    // Whoever is connected to such a socket is there, also if he says nothing.
    expect((await scene.clients.ask('/run/local-site.sock')).start).toBe(first.start);
    client.close();
    await scene.inState('local', 'dormant', from);
    expect((await scene.clients.ask('/run/local-site.sock')).start).not.toBe(first.start);
    expect((await scene.box.run(['sh', '-c', 'ls -d /run/local-site.sock*'])).trim()).toBe('/run/local-site.sock');
  });

  test('listen-fds: both sockets of a site, by name and process', async () => {
    const first = scene.clients.open('127.0.0.1:8104');
    const { start, result } = await first.ask('environment');
    expect(result).toEqual({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'fds:fds', LISTEN_PID: '1' });
    const client = scene.clients.open('[::1]:8105', 'hello\n');
    expect(await first.inUseDuring(client.answer())).toMatchObject({ start, peer: client.local });
    for (const each of [first, client]) each.close();
  });

  test('two sockets of one site, each by its own port: a client of either wakes it', async () => {
    const from = await scene.mark();
    const second = scene.clients.open('127.0.0.1:8107', 'hello\n');
    const { start, peer } = await second.answer();
    expect(peer).toEqual(second.local);
    const first = scene.clients.open('127.0.0.1:8106', 'hello\n');
    expect(await second.inUseDuring(first.answer())).toMatchObject({ start, peer: first.local });
    for (const each of [first, second]) each.close();
    await scene.inState('two', 'dormant', from);
    expect((await scene.clients.ask('127.0.0.1:8106')).start).not.toBe(start);
  });
});

describe('output of a program', () => {
  test('goes to the journal under the name of its site, and of its scope', async () => {
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8101');
    await client.ask('print to-stdout');
    await client.ask('complain to-stderr');
    expect((await client.ask('dev-stdout opened-again')).result).toBe('written');
    for (const line of ['to-stdout', 'to-stderr', 'opened-again']) await scene.printed('plain', line, from);
    const lines = scene.journal.since(from, ({ identifier }) => identifier === 'plain');
    expect(lines.map(({ text, raw }) => [text, raw['PRIORITY']]).toSorted()).toEqual([['opened-again', '6'], ['to-stderr', '3'], ['to-stdout', '6']]);
    client.close();
    const print = (...filter: readonly string[]) => scene.box.run(['journalctl', '--output=cat', ...filter]);
    expect(await print('-t', 'plain')).toContain('opened-again\n');
    expect(await print('-u', scopeUnit('plain'))).toContain('opened-again\n');
  });
});

describe('control', () => {
  test('status wakes nobody, and does not start the activator', async () => {
    await fromNothing();
    await scene.report();
    await expectNothingRuns('held');
  });

  test('wake and sleep', async () => {
    const from = await scene.mark();
    await scene.product.run('wake', 'asked');
    expect(await scene.status('asked')).toMatchObject({ state: 'awake', lastWake: { by: 'cli' } });
    await scene.product.run('sleep', 'asked');
    await scene.inState('asked', 'dormant', from);
    expect((await scene.status('asked')).state).toBe('dormant');
  });

  test('a site in use is not put to sleep, but with --force', async () => {
    const client = scene.clients.open('127.0.0.1:8108', 'hello\n');
    await client.answer();
    const refused = await client.inUseDuring(scene.product.exec('sleep', 'held'));
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('ERR_WAKESOCK_BUSY');
    expect((await client.ask('still')).said).toBe('still');
    await scene.product.run('sleep', '--force', 'held');
    expect(await client.closed).toBeNull();
  });

  test('a lease holds a site awake until its holder is killed', async () => {
    const from = await scene.mark();
    const lease = scene.box.spawn(['python3', '-c', [
      'import socket',
      's = socket.socket(socket.AF_UNIX); s.connect("/run/wakesock/control.sock")',
      's.sendall(b"POST /v1/sites/held/lease HTTP/1.1\\r\\nHost: wakesock\\r\\nContent-Length: 0\\r\\n\\r\\n")',
      'while True: print(s.recv(4096).decode(), flush=True)',
    ].join('\n')]);
    await scene.inState('held', 'awake', from);
    // Three times as long as it would stay awake without: only a lease keeps it.
    for (let asked = 0; asked < 3; asked += 1) {
      const other = await scene.mark();
      await scene.clients.ask('127.0.0.1:8106');
      await scene.inState('two', 'dormant', other);
    }
    expect(await scene.status('held')).toMatchObject({ state: 'awake', connections: 0 });
    const killed = await scene.mark();
    lease.kill('SIGKILL');
    await scene.inState('held', 'dormant', killed);
  });
});
