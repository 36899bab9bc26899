/** Programs that mistreat the socket they share: it is protected while they run, and as its unit made it afterwards. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { programs } from '../support/product.ts';
import { python, Scene, siteFile, socketUnit, tcpSite } from '../support/scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({
    shuts: tcpSite(`${python('shuts_down.py')} shutdown 3000`, 8221),
    twice: tcpSite(`${python('shuts_down.py')} twice 3000`, 8223),
    unspec: tcpSite(`${python('shuts_down.py')} unspec 3000`, 8222),
    local: siteFile(`${python('shuts_down.py')} shutdown /run/app.sock`, { Container: { Tmpfs: '/run' }, 'X-Wakesock': { ListenStream: '/run/shut-site.sock', Port: '/run/app.sock' } }),
    tiny: tcpSite(python('tiny_backlog.py'), 8224),
    hostile: tcpSite(python('hostile_options.py'), 8225),
    epoll: tcpSite(python('epoll_first.py'), 8226),
    udp: tcpSite(python('udp_too.py'), 8227),
    again: tcpSite(python('binds_again.py'), 8228),
    raging: tcpSite(python('hostile_binds.py'), 8220, { Container: { Tmpfs: '/run', Volume: [`${programs}:/programs:ro`] } }),
    after: tcpSite(`${python('plain.py')} 3000`, 8229),
  });
});
afterAll(() => scene.close());

async function sleep(site: string): Promise<void> {
  const from = await scene.mark();
  await scene.product.run('sleep', '--force', site);
  expect((await scene.status(site)).state).toBe('dormant');
  const complaints = scene.journal.since(from, ({ fields }) => fields['code'] === 'ERR_WAKESOCK_SOCKET_LOST');
  expect(complaints).toEqual([]);
  await scene.expectSocketUp(site);
}

describe.each([['shuts', 8221, 'shutdown(2)'], ['twice', 8223, 'shutdown(2), twice'], ['unspec', 8222, 'connect(2) to AF_UNSPEC']])('%s: a program that stops its listener by %3$s', (site, port) => {
  const to = `127.0.0.1:${port}`;

  test('while it serves: it goes on to serve, nobody is refused', async () => {
    const from = await scene.mark();
    const client = scene.clients.open(to);
    expect((await client.ask('stop')).result).toBe('done');
    await scene.journal.until(({ fields, text }) => fields['site'] === site && text.includes('shut its listener down'), { from, what: 'that the listener was shut down' });
    client.close();
    expect((await scene.clients.ask(to)).said).toBe('hello');
    await scene.expectSocketUp(site);
  });

  test('when it ends: the next clients wake it again', async () => {
    for (let round = 0; round < 3; round += 1) {
      await sleep(site);
      expect((await scene.clients.ask(to)).said).toBe('hello');
    }
  });

  test('a client that comes while it ends is served', async () => {
    const stopping = scene.product.run('sleep', '--force', site);
    const answers = await Promise.all(Array.from({ length: 10 }, () => scene.clients.ask(to)));
    expect(answers).toHaveLength(10);
    await stopping;
    await scene.expectSocketUp(site);
  });
});

test('a site seen to shut its listener down is not let through from its next start on', async () => {
  await sleep('shuts');
  const from = await scene.mark();
  const { start } = await scene.clients.ask('127.0.0.1:8221');
  const client = scene.clients.open('127.0.0.1:8221');
  expect((await client.ask('stop')).result).toBe('done');
  client.close();
  expect((await scene.clients.ask('127.0.0.1:8221')).start).toBe(start);
  expect(scene.journal.since(from, ({ text }) => text.includes('it listens again'))).toEqual([]);
  await scene.journal.until(({ fields, text }) => fields['site'] === 'shuts' && text.includes('tried to shut its listener down'), { from, what: 'that it tried' });
});

test('a UNIX listener, which never heals, cannot be shut down at all', async () => {
  for (let round = 0; round < 2; round += 1) {
    const client = scene.clients.open('/run/shut-site.sock');
    expect((await client.ask('stop')).result).toBe('done');
    client.close();
    expect((await scene.clients.ask('/run/shut-site.sock')).said).toBe('hello');
    await sleep('local');
  }
});

test('a tiny backlog of the program is not the site\'s: 40 clients wait, and all are served', async () => {
  const unit = await scene.queue(8224);
  const client = scene.clients.open('127.0.0.1:8224');
  await client.ask('pause');
  // One more is accepted by a program that is already in accept(2).
  const waiting = Array.from({ length: 40 }, () => scene.clients.open('127.0.0.1:8224', 'hello\n'));
  await Promise.all(waiting.map(({ connected }) => connected));
  expect(await scene.queue(8224)).toMatchObject({ backlog: unit.backlog });
  await client.ask('go');
  const answers = await Promise.all(waiting.map((one) => one.answer()));
  expect(answers).toHaveLength(40);
  for (const one of [client, ...waiting]) one.close();
  await sleep('tiny');
  expect(await scene.queue(8224)).toEqual({ waiting: 0, backlog: unit.backlog });
});

test('hostile options: what outlives the program is refused, what is left is taken back', async () => {
  const options = () => scene.box.run(['python3', '-c', [
    'import os, socket, struct',
    `inode = os.popen("ss -ltnHe sport = :8225").read().split("ino:")[1].split()[0]`,
    'fd = next(int(n) for n in os.listdir("/proc/1/fd") if os.readlink(f"/proc/1/fd/{n}") == f"socket:[{inode}]")',
    'import ctypes; libc = ctypes.CDLL(None); pidfd = libc.syscall(434, 1, 0); s = socket.socket(fileno=libc.syscall(438, pidfd, fd, 0))',
    'print([s.getsockopt(level, name, 16).hex() for level, name in ((1, 8), (1, 13), (1, 20), (1, 25), (6, 9), (6, 18), (0, 21))])',
  ].join('\n')]);
  const before = await options();
  const { result } = await scene.clients.ask('127.0.0.1:8225', 'results');
  expect(result).toMatchObject({
    SO_ATTACH_FILTER: 'Operation not permitted', SO_ATTACH_REUSEPORT_CBPF: 'Operation not permitted', SO_LOCK_FILTER: 'Operation not permitted',
    SO_BINDTODEVICE: 'Operation not permitted', TCP_WINDOW_CLAMP: 'Operation not permitted', TCP_MD5SIG: 'Operation not permitted',
    IP_OPTIONS: 'Operation not permitted', SO_LINGER: 'done', SO_RCVBUF: 'done', TCP_DEFER_ACCEPT: 'done',
  });
  expect(await options()).not.toBe(before);
  expect((await scene.clients.ask('127.0.0.1:8225', 'minttl')).result).toBe('done');
  await sleep('hostile');
  expect(await options()).toBe(before);
  // Nobody talks first: TCP_DEFER_ACCEPT left behind would hide this client for a minute.
  const from = await scene.mark();
  const silent = scene.clients.open('127.0.0.1:8225');
  await scene.inState('hostile', 'awake', from);
  expect((await silent.ask('hello')).said).toBe('hello');
  silent.close();
});

test('a socket registered with epoll before bind gets its clients, the first and the later ones', async () => {
  const { start } = await scene.clients.ask('127.0.0.1:8226');
  for (let client = 0; client < 3; client += 1) expect((await scene.clients.ask('127.0.0.1:8226')).start).toBe(start);
});

test('the same port for UDP stays the program\'s own', async () => {
  expect((await scene.clients.ask('127.0.0.1:8227', 'udp')).result).toBe('over udp');
  expect((await scene.clients.ask('127.0.0.1:8227', 'name')).result).toEqual([true, true]);
});

test('a program that closes and binds again serves, and once more after a reload', async () => {
  const { start } = await scene.clients.ask('127.0.0.1:8228');
  expect((await scene.clients.ask('127.0.0.1:8228', 'again')).result).toBe('bound');
  const answers = await Promise.all(Array.from({ length: 10 }, () => scene.clients.ask('127.0.0.1:8228')));
  expect(new Set(answers.map((answer) => answer.start))).toEqual(new Set([start]));
  await sleep('again');
});

test('binds from many threads, with memory that changes, with nonsense, again and again: it is given its socket and nothing else', async () => {
  expect((await scene.clients.ask('127.0.0.1:8220', 'results')).result).toEqual({
    threads: ['bound'], 'one socket': 1, 'one descriptor': ['bound'], raced: true, unix: '/run/app.sock',
    nonsense: ['Bad address', 'Bad address', 'Invalid argument', 'Bad file descriptor', 'Bad file descriptor', 'Socket operation on non-socket', 'Bad file descriptor', 'Socket operation on non-socket'],
  });
  expect((await scene.clients.ask('/run/shut-site.sock')).said).toBe('hello');
  await sleep('raging');
});

test('a program that binds without end keeps no other site from waking, and can be stopped', async () => {
  await sleep('after');
  expect((await scene.clients.ask('127.0.0.1:8220', 'rage')).result).toBe('raging');
  expect((await scene.clients.ask('127.0.0.1:8229')).said).toBe('hello');
  await sleep('raging');
  expect((await scene.clients.ask('127.0.0.1:8220')).said).toBe('hello');
});

test('none of them has disturbed anybody: no socket unit failed, nothing spins, the activator was started once', async () => {
  await scene.clients.ask('127.0.0.1:8229');
  await scene.expectCalm();
  await scene.expectNoCrash();
  expect((await scene.box.run(['systemctl', 'list-units', '--failed', '--plain', '--no-legend'])).trim()).toBe('');
  await scene.expectSocketUp('after', socketUnit('after'));
});
