/** Sockets that are not as they should be, or very many; and many wakes at once. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { pollUntil, python, Scene, service, siteFile, tcpSite } from '../support/scene.ts';

let scene: Scene;
const units: string[] = [];

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({ good: tcpSite(`${python('plain.py')} 3000`, 8230) });
});
afterAll(() => scene.close());
afterEach(async () => {
  const names = units.splice(0);
  if (names.length === 0) return;
  await scene.box.exec(['systemctl', 'stop', ...names]);
  await scene.box.run(['sh', '-c', 'rm -f "$@" && systemctl daemon-reload', 'sh', ...names.map((name) => `/etc/systemd/system/${name}`)]);
});

/** A unit of the user's own. The activator must have ended: systemd starts no socket of a service that runs. */
async function addUnit(name: string, lines: readonly string[], start = true): Promise<void> {
  units.push(name);
  await scene.box.writeFile(`/etc/systemd/system/${name}`, `${lines.join('\n')}\n`);
  if (!start) return;
  await scene.box.run(['systemctl', 'daemon-reload']);
  await ended();
  await scene.box.run(['systemctl', 'start', name]);
}

/** Everything sleeps, and the activator has ended. */
async function ended(): Promise<void> {
  const { sites } = await scene.report();
  const awake = sites.filter(({ state }) => state === 'awake').map((site) => site.name);
  if (awake.length > 0) await scene.product.run('sleep', '--force', ...awake);
  await scene.activatorGone();
}

const errorLine = (code: string, from: number) => scene.journal.until(({ fields, text }) => fields['code'] === code || text.includes(`(${code})`), { from, what: code });

test('a unit of the user\'s own is its site\'s by its name, less .socket', async () => {
  await scene.enable({ own: siteFile(`${python('plain.py')} 3000`, { 'X-Wakesock': { ListenStream: 8231, Port: 3000 } }) });
  await scene.box.run(['systemctl', 'disable', '--now', 'wakesock-site-own.socket']);
  await addUnit('own.socket', ['[Socket]', 'ListenStream=0.0.0.0:8231', `Service=${service}`]);
  expect((await scene.clients.ask('127.0.0.1:8231')).said).toBe('hello');
  await scene.remove('own');
});

const movingUnit = (port: number): string[] => ['[Socket]', `ListenStream=0.0.0.0:${port}`, `Service=${service}`, 'FileDescriptorName=moves'];

test('its address is changed while its program serves: clients of the new one are served as soon as nobody uses the old one', async () => {
  await scene.enable({ moves: siteFile(`${python('plain.py')} 3000`, { 'X-Wakesock': { ListenStream: 8231, Port: 3000 } }) });
  await scene.box.run(['systemctl', 'disable', '--now', 'wakesock-site-moves.socket']);
  await addUnit('moves.socket', movingUnit(8231));
  const { start } = await scene.clients.ask('127.0.0.1:8231');
  await addUnit('moves.socket', movingUnit(8238), false);
  // A socket is refused while its service runs: it has to be there before systemd has started that again.
  await scene.box.run(['sh', '-c', `systemctl daemon-reload && systemctl stop moves.socket; until systemctl start moves.socket; do systemctl kill --kill-whom=main --signal=KILL ${service} || :; done`]);
  expect((await scene.clients.ask('127.0.0.1:8238')).start).not.toBe(start);
  await scene.remove('moves');
});

test('a descriptor with no site: its clients are turned away, `check` names it, others are served, nothing spins', async () => {
  await addUnit('stray.socket', ['[Socket]', 'ListenStream=0.0.0.0:8232', `Service=${service}`, 'FileDescriptorName=nobody', 'TriggerLimitIntervalSec=0']);
  const from = await scene.mark();
  await scene.clients.turnedAway('127.0.0.1:8232');
  await errorLine('ERR_WAKESOCK_NO_SITE', from);
  expect((await scene.clients.ask('127.0.0.1:8230')).said).toBe('hello');
  await Promise.all(Array.from({ length: 5 }, () => scene.clients.turnedAway('127.0.0.1:8232')));
  await scene.expectCalm();
  await scene.expectSocketUp('nobody', 'stray.socket');
  const { code, stdout, stderr } = await scene.product.exec('check');
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('ERR_WAKESOCK_NO_SITE');
});

test('a site with no descriptor: a wake says so', async () => {
  await scene.write({ bare: tcpSite(`${python('plain.py')} 3000`, 8233) });
  const { code, stderr } = await scene.product.exec('wake', 'bare');
  expect(code).toBe(1);
  expect(stderr).toMatch(/bare: .*enable.*\(ERR_WAKESOCK_(SITE_NOT_FOUND|NOT_ENABLED)\)/);
  expect(await scene.status('bare')).toMatchObject({ state: 'dormant', unit: null, error: { code: 'ERR_WAKESOCK_NOT_ENABLED' } });
  await scene.remove('bare');
});

test('Accept=yes: `check` names it; an activator that inherits a connection says so and ends', async () => {
  await addUnit('each@.service', ['[Service]', `ExecStart=${scene.product.command('run', '--exit-idle-time=100ms', '--runtime-dir=/run/each', '--state-dir=/run/each', '--control=/run/each/control.sock').join(' ').replace(/^node/, process.execPath)}`], false);
  await addUnit('each.socket', ['[Socket]', 'ListenStream=0.0.0.0:8234', 'Accept=yes', 'FileDescriptorName=good']);
  const from = await scene.mark();
  expect(await scene.clients.turnedAway('127.0.0.1:8234')).toMatch(/closed|ECONNRESET/);
  await scene.journal.until(({ unit, text }) => unit.startsWith('each@') && text.includes('ERR_WAKESOCK_SOCKET'), { from, what: 'ERR_WAKESOCK_SOCKET' });
  await scene.expectSocketUp('each', 'each.socket');
  await addUnit('wrong.socket', ['[Socket]', 'ListenStream=0.0.0.0:8235', 'Accept=yes', `Service=${service}`, 'FileDescriptorName=good'], false);
  const { code, stdout, stderr } = await scene.product.exec('check');
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(/wrong\.socket:3:\d+: error: Accept/);
});

test('a datagram socket: named, and what is sent there starts nothing over and over', async () => {
  await addUnit('datagrams.socket', ['[Socket]', 'ListenDatagram=0.0.0.0:8236', `Service=${service}`, 'FileDescriptorName=good', 'TriggerLimitIntervalSec=0']);
  const from = await scene.mark();
  await scene.box.run(['python3', '-c', 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", 8236))']);
  await errorLine('ERR_WAKESOCK_SOCKET', from);
  await scene.activatorEnded(from);
  await scene.expectCalm();
  expect((await scene.report()).activator.state).toBe('stopped');
  await scene.expectSocketUp('good', 'datagrams.socket');
  expect((await scene.clients.ask('127.0.0.1:8230')).said).toBe('hello');
});

test('no descriptors left: a clear error, nothing spins, and the site heals when there are some again', async () => {
  const from = await scene.mark();
  // Another site that is in use, so that the activator stays.
  await scene.enable({ other: tcpSite(`${python('plain.py')} 3000`, 8237) });
  await scene.clients.ask('127.0.0.1:8237');
  await scene.product.run('sleep', '--force', 'good');
  const pid = await scene.activatorPid();
  const open = Number(await scene.box.run(['sh', '-c', `ls /proc/${pid}/fd | wc -l`]));
  await scene.box.run(['prlimit', `--pid=${pid}`, `--nofile=${open}:`]);
  await scene.clients.turnedAway('127.0.0.1:8230');
  await scene.journal.until(({ unit, text, fields }) => unit === service && text.startsWith('good failed') && /EMFILE|too many open files/i.test(text) && fields['code'] !== 'ERR_WAKESOCK_INTERNAL', { from, what: 'EMFILE with a code' });
  await scene.expectSocketUp('good');
  await scene.expectCalm();
  await scene.box.run(['prlimit', `--pid=${pid}`, '--nofile=4096:']);
  await scene.healed('127.0.0.1:8230');
  await scene.remove('other');
});

test('LimitNOFILE= too small for the sockets: systemd cannot start the activator, `status` says why, and who waited is served once it is mended', async () => {
  const ports = Array.from({ length: 60 }, (_, index) => `ListenStream=127.0.0.1:${24_000 + index}`);
  await addUnit('spare0.socket', ['[Socket]', ...ports, `Service=${service}`, 'FileDescriptorName=spare0']);
  await scene.box.writeFile('/etc/systemd/system/wakesock.service.d/few.conf', '[Service]\nLimitNOFILE=40\n');
  await scene.box.run(['systemctl', 'daemon-reload']);
  const from = await scene.mark();
  const client = scene.clients.open('127.0.0.1:8230', 'hello\n');
  try {
    await scene.journal.until(({ unit, text }) => unit === service && text.includes('status=202/FDS'), { from, what: '202/FDS' });
    // Between two tries to start it systemd says that it starts.
    await pollUntil('`status` to say why', async () => /202\/FDS.*LimitNOFILE=/.test((await scene.product.exec('status')).stderr));
    await scene.expectSocketUp('good');
  } finally {
    await scene.box.run(['sh', '-c', 'rm /etc/systemd/system/wakesock.service.d/few.conf && systemctl daemon-reload']);
  }
  expect((await client.answer()).said).toBe('hello');
  client.close();
  await ended();
});

test('two wakes of one site at once, and a client: one start', async () => {
  await scene.product.run('sleep', '--force', 'good');
  const { wakes } = await scene.status('good');
  const [answer, ...woken] = await Promise.all([scene.clients.ask('127.0.0.1:8230'), scene.product.run('wake', 'good'), scene.product.run('wake', 'good')]);
  expect(woken).toHaveLength(2);
  expect((await scene.clients.ask('127.0.0.1:8230')).start).toBe(answer.start);
  expect((await scene.status('good')).wakes).toBe(wakes + 1);
});

test('50 sites woken at once by two clients each: all are served, and all sleep again', async () => {
  const instances = Array.from({ length: 50 }, (_, index) => `fifty@${index + 10}`);
  await scene.write({ 'fifty@': tcpSite(`${python('plain.py')} 3000`, 8230).replace('ListenStream=8230', 'ListenStream=127.0.0.1:84%i').replace('IdleSec=5min', 'IdleSec=2s') });
  await scene.product.run('enable', ...instances);
  const from = await scene.mark();
  const ports = instances.flatMap((name) => { const port = `127.0.0.1:84${name.slice(-2)}`; return [port, port]; });
  const answers = await Promise.all(ports.map((to) => scene.clients.ask(to)));
  expect(new Set(answers.map(({ start }) => start)).size).toBe(50);
  await Promise.all(instances.map((name) => scene.inState(name, 'dormant', from)));
  await scene.expectNoCrash(from);
  await scene.remove(...instances);
}, 90_000);

test('1,200 sockets inherited at once: a client of the first and of the last wakes its site', async () => {
  await scene.write({ 'k@': tcpSite(`${python('plain.py')} 3000`, 8230).replace('ListenStream=8230', 'ListenStream=127.0.0.1:%i') });
  // By hand and many to a unit, since systemd takes its time for a thousand: nobody asks these.
  for (let unit = 0; unit < 24; unit += 1) {
    const ports = Array.from({ length: 50 }, (_, index) => `ListenStream=127.0.0.1:${22_000 + 50 * unit + index}`);
    await addUnit(`spare${unit}.socket`, ['[Socket]', ...ports, `Service=${service}`, `FileDescriptorName=spare${unit}`], false);
  }
  await ended();
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.box.run(['systemctl', 'start', ...units]);
  await scene.product.run('enable', 'k@20000', 'k@21199');
  const [first, last] = await Promise.all([scene.clients.ask('127.0.0.1:20000'), scene.clients.ask('127.0.0.1:21199')]);
  expect(first.start).not.toBe(last.start);
  expect(Number(await scene.box.run(['sh', '-c', `ls /proc/${await scene.activatorPid()}/fd | wc -l`]))).toBeGreaterThan(1_200);
  const from = await scene.mark();
  await ended();
  expect(scene.journal.since(from, ({ fields }) => fields['level'] === 'error')).toEqual([]);
  expect((await scene.clients.ask('127.0.0.1:20000')).start).not.toBe(first.start);
  await scene.expectNoCrash(from);
  await ended();
  await scene.remove('k@20000', 'k@21199', 'k@');
});
