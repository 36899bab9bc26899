/** The activator is killed at exactly this moment, and the next one has to make the best of it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { dyingAtMoments, momentsDirectory, type Moment } from '../support/moments.ts';
import { installMutant, removeMutant, without } from '../support/mutant.ts';
import { programs } from '../support/product.ts';
import { python, Scene, scopeUnit, service, siteFile, tcpSite } from '../support/scene.ts';

const gate = '/srv/killed';
const gated = { Volume: [`${programs}:/programs:ro`, `${gate}:/gate`] };
const short = { 'X-Wakesock': { IdleSec: '300ms' } };
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await scene.box.run(['mkdir', '-p', gate, momentsDirectory]);
  await scene.enable({
    event: tcpSite(`${python('event_loop.py')} 3000`, 8351, short),
    early: tcpSite(python('epoll_first.py'), 8352, short),
    stays: tcpSite(`${python('event_loop.py')} fds`, 8353, { 'X-Wakesock': { Handoff: 'listen-fds' } }),
    kept: tcpSite(`${python('plain.py')} 3000`, 8354),
    once: tcpSite(`${python('slow_end.py')} /gate/once`, 8355, { ...short, Container: gated }),
    told: tcpSite(`${python('slow_end.py')} /gate/told`, 8356, { Container: gated }),
    pair: siteFile(`${python('slow_end.py')} /gate/pair /run/one.sock /run/two.sock`, {
      Container: { ...gated, Tmpfs: '/run' }, 'X-Wakesock': { ...short['X-Wakesock'], ListenStream: ['/run/killed-one.sock', '/run/killed-two.sock'], Port: ['/run/one.sock', '/run/two.sock'] },
    }),
  });
  await installMutant(scene.box, '1s', ...dyingAtMoments());
});
afterAll(async () => {
  await removeMutant(scene.box);
  await scene.close();
});

const open = (name: string): Promise<string> => scene.box.run(['touch', `${gate}/${name}`]);
const arm = (moment: Moment, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> => scene.box.writeFile(`${momentsDirectory}/${moment}`, signal);
const isArmed = async (moment: Moment): Promise<boolean> => (await scene.box.exec(['test', '-e', `${momentsDirectory}/${moment}`])).code === 0;

/** Nobody comes after this client whose arrival would wake a program that waits for the wrong thing. */
async function servedAt(moment: Moment, site: string, to: string): Promise<void> {
  await arm(moment);
  expect((await scene.clients.ask(to)).said).toBe('hello');
  expect(await isArmed(moment)).toBe(false);
  await scene.product.run('sleep', '--force', site);
}

describe('while a site wakes for its only client, that is served', () => {
  const waking: readonly Moment[] = ['asked for, no runner', 'gate open', 'crun has ended', 'notify descriptor stored', 'bind received', 'socket not given yet', 'socket given, bind not answered', 'listen received, not noted', 'listen noted, not answered'];

  test.each(waking)('an event loop: %s', (moment) => servedAt(moment, 'event', '127.0.0.1:8351'));
  test.each(waking)('registered with epoll before bind: %s', (moment) => servedAt(moment, 'early', '127.0.0.1:8352'));
});

test('while the kernel is asked for a short grace period: the client is served, and the next activator takes that back', async () => {
  await servedAt('grace period expedited', 'event', '127.0.0.1:8351');
  // Another box may be at it in this very instant; what nobody takes back stays.
  await vi.waitFor(async () => expect(await scene.box.readFile('/sys/kernel/rcu_expedited')).toBe('0\n'));
});

describe('told to end while it stops an idle site: nobody is held and nothing is frozen afterwards', () => {
  const stopping: readonly Moment[] = ['held, not frozen', 'frozen, nothing noted', 'stop noted, no signal', 'signal sent, frozen', 'thawed, not noted', 'program gone, clients held', 'clients let go, store full', 'state removed'];

  test.each(stopping)('%s', async (moment) => {
    const from = await scene.mark();
    await arm(moment, 'SIGTERM');
    expect((await scene.clients.ask('127.0.0.1:8351')).said).toBe('hello');
    // Not one before, which had nothing to do any more.
    await scene.activatorEnded(await scene.inState('event', 'waking', from));
    expect(await isArmed(moment)).toBe(false);
    expect((await scene.clients.ask('127.0.0.1:8351')).said).toBe('hello');
    await scene.product.run('sleep', '--force', 'event');
  });
});

test('an event loop that was handed its socket makes it non-blocking when it likes: the first client after a kill is served', async () => {
  const first = scene.clients.open('127.0.0.1:8353', 'hello\n');
  const { start } = await first.answer();
  const from = await scene.mark();
  await scene.killActivator();
  await scene.nextActivator(from);
  expect((await scene.clients.ask('127.0.0.1:8353')).start).toBe(start);
  expect((await first.ask('still')).start).toBe(start);
  first.close();
  await scene.product.run('sleep', '--force', 'stays');
});

test('what was kept of a program is lost, as by `systemctl stop` before systemd 254: it serves whom it has, and is stopped then', async () => {
  const first = scene.clients.open('127.0.0.1:8354', 'hello\n');
  const { start } = await first.answer();
  await scene.box.run(['systemctl', 'stop', service]);
  const from = await scene.mark();
  await scene.box.run(['systemctl', 'start', service]);
  expect((await first.ask('still')).start).toBe(start);
  first.close();
  await scene.product.run('sleep', '--force', 'kept');
  await scene.inState('kept', 'dormant', from);
  expect((await scene.clients.ask('127.0.0.1:8354')).start).not.toBe(start);
  await scene.product.run('sleep', '--force', 'kept');
});

test('twice while a program ends: it is told once', async () => {
  const begun = await scene.mark();
  const { start } = await scene.clients.ask('127.0.0.1:8355');
  await scene.printed('once', `draining ${start}`, begun);
  const client = scene.clients.open('127.0.0.1:8355', 'hello\n');
  await arm('frozen after a take-over');
  const from = await scene.mark();
  await scene.killActivator();
  // One dies in the midst of the take-over, the next one does not.
  await scene.nextActivator(from, 2);
  expect(await isArmed('frozen after a take-over')).toBe(false);
  await open('once');
  expect((await client.answer()).start).not.toBe(start);
  client.close();
  await scene.inState('once', 'dormant', begun);
  expect(scene.journal.since(begun, ({ identifier, text }) => identifier === 'once' && text === 'told again')).toEqual([]);
});

test('did the next activator not know that the program was told to end, it would let it drop whoever comes', async () => {
  await installMutant(scene.box, '1s', ...without.memoryOfStop);
  try {
    const begun = await scene.mark();
    const { start } = await scene.clients.ask('127.0.0.1:8356');
    // It would ask the next activator, too.
    const sleep = scene.box.spawn(scene.product.command('sleep', '--force', 'told'));
    await scene.printed('told', `draining ${start}`, begun);
    sleep.kill();
    await sleep.exited;
    const from = await scene.mark();
    await scene.killActivator();
    await scene.nextActivator(from);
    await expect(scene.clients.ask('127.0.0.1:8356')).rejects.toThrow();
  } finally {
    await open('told');
    await installMutant(scene.box, '1s', ...dyingAtMoments());
  }
});

test('while two UNIX sockets of a site lead elsewhere: who waits on either is served by the next program', async () => {
  const paths = ['/run/killed-one.sock', '/run/killed-two.sock'];
  const from = await scene.mark();
  const { start } = await scene.clients.ask(paths[0] ?? '');
  await scene.printed('pair', `draining ${start}`, from);
  const before = paths.map((path) => scene.clients.open(path, 'hello\n'));
  await Promise.all(before.map(({ connected }) => connected));
  const killed = await scene.mark();
  await scene.killActivator();
  await scene.nextActivator(killed);
  const after = paths.map((path) => scene.clients.open(path, 'hello\n'));
  await Promise.all(after.map(({ connected }) => connected));
  await open('pair');
  const starts = await Promise.all([...before, ...after].map(async (client) => (await client.answer()).start));
  expect(starts).not.toContain(start);
  for (const client of [...before, ...after]) client.close();
  await scene.product.run('sleep', '--force', 'pair');
  expect((await scene.show(scopeUnit('pair'), 'ActiveState'))['ActiveState']).toBe('inactive');
  // Nothing is left of the second sockets, neither beside the paths nor in the store.
  expect((await scene.box.run(['sh', '-c', 'ls /run | grep wakesock- || :'])).split('\n').filter((name) => name.startsWith('killed-'))).toEqual([]);
  const again = await Promise.all(paths.map((path) => scene.clients.ask(path)));
  expect(again.map(({ said }) => said)).toEqual(['hello', 'hello']);
});
