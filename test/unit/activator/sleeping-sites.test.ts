import { openSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SleepingSites } from '../../../src/activator/sleeping-sites.ts';
import type { SiteRunner } from '../../../src/activator/site-runner.ts';
import { AF_INET, SOCK_DGRAM } from '../../../src/linux/constants.ts';
import { openSocket } from '../../../src/linux/socket.ts';
import { holdSyns } from '../../../src/sockets/hold.ts';
import { isSound } from '../../../src/sockets/sound.ts';
import { client, closedAfterTest, deferred, listening, pythonDone, temporaryDirectory, testPoller } from '../sockets/kit.ts';

const file = (): number => closedAfterTest(openSync(`${temporaryDirectory()}/file`, 'w'));

interface Scene {
  readonly sleeping: SleepingSites;
  /** Sites in the order in which they were begun. */
  readonly begun: string[];
  readonly failed: string[];
  /** Resolves when this site is begun. */
  readonly untilBegun: (site: string) => Promise<void>;
}

/** @param broken these cannot be begun */
function sleeping(sites: Readonly<Record<string, readonly number[]>>, { left = [], broken = [] }: { left?: readonly string[]; broken?: readonly string[] } = {}): Scene {
  const begun: string[] = [];
  const failed: string[] = [];
  const waits = new Map(Object.keys(sites).map((name) => [name, deferred()]));
  return {
    begun, failed,
    untilBegun: (site) => waits.get(site)?.promise ?? Promise.reject(new Error(`no site ${site}`)),
    sleeping: new SleepingSites(new Map(Object.entries(sites)), left, {
      poller: testPoller(),
      begin: (name) => {
        begun.push(name);
        waits.get(name)?.resolve();
        if (broken.includes(name)) throw new Error('no');
        return { name } as SiteRunner;
      },
      failed: (name, error) => failed.push(`${name}: ${String(error)}`),
    }),
  };
}

describe('a sleeping site', () => {
  test('is begun by its first client, on whichever of its sockets, and the others sleep on', async () => {
    const [first, second, other] = [listening(), listening('unix'), listening()];
    const scene = sleeping({ blog: [first.fd, second.fd], shop: [other.fd] });
    await scene.sleeping.watch();
    expect(scene.begun).toEqual([]);
    client(second);
    await scene.untilBegun('blog');
    expect(scene.begun).toEqual(['blog']);
    expect(scene.sleeping.all).toEqual([['shop', [other.fd]]]);
    // Its sockets are the runner's from now on, which could not wait for them otherwise.
    testPoller().watch(first.fd, 0, () => {}).end();
    client(other);
    await scene.untilBegun('shop');
  });

  test('is begun by who asks for it, once', () => {
    const scene = sleeping({ blog: [listening().fd], kept: [listening().fd] }, { left: ['kept'] });
    expect(scene.sleeping.begin('blog')).toEqual({ name: 'blog' });
    for (const name of ['blog', 'kept', 'other']) expect({ name, runner: scene.sleeping.begin(name), fds: scene.sleeping.fds(name) }).toEqual({ name, runner: undefined, fds: undefined });
    expect(scene.begun).toEqual(['blog']);
  });

  test('that cannot be begun keeps no other from it', async () => {
    const [broken, other] = [listening(), listening()];
    const scene = sleeping({ broken: [broken.fd], other: [other.fd] }, { broken: ['broken'] });
    await scene.sleeping.watch();
    client(broken);
    await scene.untilBegun('broken');
    client(other);
    await scene.untilBegun('other');
    expect(scene.failed).toEqual(['broken: Error: no']);
  });

  test('that cannot be begun is tried again for its next client, a while later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const broken = listening();
    const scene = sleeping({ broken: [broken.fd] }, { broken: ['broken'] });
    await scene.sleeping.watch();
    scene.sleeping.begin('broken');
    expect([scene.begun, scene.failed.length, scene.sleeping.all]).toEqual([['broken'], 1, []]);
    vi.advanceTimersByTime(1_000);
    expect(scene.sleeping.all).toEqual([['broken', [broken.fd]]]);
    const { promise: again, resolve } = deferred();
    vi.spyOn(scene.failed, 'push').mockImplementation(() => { resolve(); return 0; });
    client(broken);
    await again;
    expect(scene.begun).toEqual(['broken', 'broken']);
    scene.sleeping.close();
    vi.advanceTimersByTime(1_000);
    expect(scene.sleeping.all).toEqual([]);
  });

  test('with a descriptor that cannot be waited for is begun at once: its runner says what is wrong', async () => {
    const scene = sleeping({ blog: [listening().fd, file()], shop: [listening().fd] });
    await scene.sleeping.watch();
    expect(scene.begun).toEqual(['blog']);
  });

  test('is not begun any more once the activator ends', async () => {
    const listener = listening();
    const scene = sleeping({ blog: [listener.fd] });
    scene.sleeping.close();
    expect(() => scene.sleeping.begin('blog')).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_RUNNING' }));
    await Promise.all([scene.sleeping.watch(), scene.sleeping.sweep()]);
    // Nobody waits for it: that would be an error.
    testPoller().watch(listener.fd, 0, () => {}).end();
  });
});

test('all of thousands are waited for, whoever is asked for meanwhile', async () => {
  const listener = listening();
  const names = Array.from({ length: 500 }, (_, index) => `site${index}`);
  // Any descriptor will do that can be waited for.
  const scene = sleeping(Object.fromEntries(names.map((name) => [name, name === 'site499' ? [listener.fd] : []])));
  const watched = scene.sleeping.watch();
  for (const name of ['site0', 'site300']) scene.sleeping.begin(name);
  await watched;
  client(listener);
  await scene.untilBegun('site499');
  expect(scene.begun).toEqual(['site0', 'site300', 'site499']);
});

describe('the sweep', () => {
  test('begins what an earlier activator, or a program, left deaf, and what cannot be seen from outside', async () => {
    const [sound, sound6, held, shut, unix] = [listening(), listening('ipv6'), listening(), listening(), listening('unix')];
    holdSyns(held.fd);
    await pythonDone('import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)', [shut.fd]);
    const datagrams = closedAfterTest(openSocket(AF_INET, SOCK_DGRAM));
    const scene = sleeping({ sound: [sound.fd, sound6.fd], held: [sound.fd, held.fd], shut: [shut.fd], unix: [unix.fd], datagrams: [datagrams] });
    await scene.sleeping.sweep();
    expect(scene.begun).toEqual(['held', 'shut', 'unix', 'datagrams']);
  });

  test('knows what is no socket', () => {
    expect(isSound(file())).toBe(false);
  });
});
