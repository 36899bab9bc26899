/** Programs that do not start, do not listen, or do not end: what their clients and their owner see. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { programs } from '../support/product.ts';
import { node, pollUntil, python, Scene, scopeUnit, siteFile, tcpSite } from '../support/scene.ts';

const gate = '/srv/program-gate';
const impatient = { Service: { TimeoutStartSec: '500ms' } };
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.box.run(['mkdir', '-p', gate]);
  await scene.enable({
    exits: tcpSite('/bin/sh /programs/exits_at_once.sh', 8211),
    silent: tcpSite('/bin/sh /programs/never_listens.sh', 8212, impatient),
    elsewhere: tcpSite(`${python('plain.py')} 4000`, 8213, impatient),
    leaves: tcpSite(python('ends_after_listen.py'), 8214),
    six: siteFile(`${python('plain.py')} 3000`, { 'X-Wakesock': { ListenStream: '[::]:8215', Port: 3000 } }),
    deaf: tcpSite(python('deaf_to_sigterm.py'), 8216, { Service: { TimeoutStopSec: '300ms' } }),
    unhandled: tcpSite(python('no_handler.py'), 8217, { Service: { TimeoutStopSec: '1min' } }),
    forks: tcpSite(python('forks.py'), 8218),
    slow: tcpSite(`${python('slow_start.py')} /gate/start`, 8209, { Container: { Volume: [`${programs}:/programs:ro`, `${gate}:/gate`] } }),
    usual: tcpSite(`${node} /programs/usual-server.mjs`, 8208, { Service: { TimeoutStopSec: '1min' } }),
    ends: tcpSite(`${python('plain.py')} 3000`, 8219, { Service: { TimeoutStopSec: '1min' } }),
    refuses: siteFile(python('never_accepts.py'), { Service: { TimeoutStartSec: '500ms' }, 'X-Wakesock': { ListenStream: 8210, Handoff: 'listen-fds' } }),
  });
});
afterAll(() => scene.close());

describe('a program that does not come to listen', () => {
  test('exits at once: its last lines are the reason', async () => {
    await scene.expectFailed('exits', 'ERR_WAKESOCK_EXITED', '127.0.0.1:8211', 'cannot read /etc/app.conf');
  });

  test('every client of a failed site is turned away, nothing spins, and `wake` says how long it is not tried again', async () => {
    await Promise.all(Array.from({ length: 20 }, () => scene.clients.turnedAway('127.0.0.1:8211')));
    const { code, stderr } = await scene.product.exec('wake', 'exits');
    expect(code).toBe(1);
    expect(stderr).toMatch(/ERR_WAKESOCK_(BACKOFF|EXITED)/);
    await scene.expectCalm();
    await scene.expectSocketUp('exits');
  });

  test('never listens: named after TimeoutStartSec=, and nothing of it is left', async () => {
    await scene.expectFailed('silent', 'ERR_WAKESOCK_START_TIMEOUT', '127.0.0.1:8212', /did not listen on port 3000 within 500 ms/);
    expect((await scene.show(scopeUnit('silent'), 'ActiveState'))['ActiveState']).toBe('inactive');
  });

  test('listens on another port', async () => {
    await scene.expectFailed('elsewhere', 'ERR_WAKESOCK_START_TIMEOUT', '127.0.0.1:8213', 'port 3000');
  });

  test('was given its socket and accepts nobody', async () => {
    await scene.expectFailed('refuses', 'ERR_WAKESOCK_START_TIMEOUT', '127.0.0.1:8210');
  });

  test('is for IPv4 and its site for IPv6: the message says what to write', async () => {
    await scene.expectFailed('six', 'ERR_WAKESOCK_ADOPT_FAMILY', '[::1]:8215', 'ListenStream=0.0.0.0:PORT');
  });

  test('is killed from outside before it listens: its client is turned away with the reason, and a later one served', async () => {
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8209', 'hello\n');
    await scene.printed('slow', 'waiting', from);
    await scene.box.run(['systemctl', 'kill', '--signal=KILL', scopeUnit('slow')]);
    await client.closed;
    expect(await scene.status('slow')).toMatchObject({ state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED' } });
    await scene.expectSocketUp('slow');
    await scene.box.run(['touch', `${gate}/start`]);
    expect((await scene.healed('127.0.0.1:8209')).said).toBe('hello');
  });

  test('leaves a daemon behind, which ends with it: three times, then its site has failed', async () => {
    await scene.expectFailed('leaves', 'ERR_WAKESOCK_EXITED', '127.0.0.1:8214', /3 times in a row/);
    await scene.expectCalm();
  });
});

describe('a program that does not end', () => {
  test('ignores SIGTERM: it is killed after TimeoutStopSec=, and who came meanwhile is served', async () => {
    const from = await scene.mark();
    const { start } = await scene.clients.ask('127.0.0.1:8216');
    const sleeping = scene.product.run('sleep', '--force', 'deaf');
    await scene.printed('deaf', 'no', from);
    const after = await scene.clients.ask('127.0.0.1:8216');
    expect(after.start).not.toBe(start);
    await sleeping;
  });

  test('has no handler, so that no signal reaches it: it is killed at once', async () => {
    const from = await scene.mark();
    await scene.clients.ask('127.0.0.1:8217');
    // Long before a minute is over, or this times out.
    await scene.product.run('sleep', '--force', 'unhandled');
    await scene.inState('unhandled', 'dormant', from);
    await scene.clients.ask('127.0.0.1:8217');
  });

  test('has a thread that waits for a silent client: its first thread gets the signal all the same', async () => {
    const from = await scene.mark();
    const client = scene.clients.open('127.0.0.1:8219', 'hello\n');
    await client.answer();
    await scene.product.run('sleep', '--force', 'ends');
    await scene.inState('ends', 'dormant', from);
    expect(await client.closed).toBeNull();
  });
});

describe('a program that ends as most do', () => {
  test('a Node server without a handler of its own: nobody waits for TimeoutStopSec=, and the next client wakes it', async () => {
    for (let round = 0; round < 2; round += 1) {
      const from = await scene.mark();
      expect((await scene.box.run(['python3', '-c', 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8208/").read().decode())'])).trim()).toBe('{}');
      // Both are over long before a minute, or time out here.
      await scene.product.run('sleep', '--force', 'usual');
      await scene.inState('usual', 'dormant', from);
    }
  });
});

describe('a program that forks', () => {
  test('its workers serve; all of them end with it', async () => {
    const from = await scene.mark();
    const answers = await Promise.all(Array.from({ length: 12 }, () => scene.clients.ask('127.0.0.1:8218')));
    expect(new Set(answers.map(({ start }) => start)).size).toBe(1);
    expect(answers.every(({ pid }) => pid > 1)).toBe(true);
    await scene.product.run('sleep', '--force', 'forks');
    await scene.inState('forks', 'dormant', from);
    expect((await scene.show(scopeUnit('forks'), 'ActiveState'))['ActiveState']).toBe('inactive');
    expect((await scene.clients.ask('127.0.0.1:8218')).start).not.toBe(answers[0]?.start);
  });
});

describe('a program that ends by itself', () => {
  test('the next client wakes it again', async () => {
    const first = await scene.clients.ask('127.0.0.1:8219');
    const from = await scene.mark();
    await expect(scene.clients.ask('127.0.0.1:8219', 'exit 1')).rejects.toThrow('ended');
    await scene.inState('ends', 'dormant', from);
    expect((await scene.clients.ask('127.0.0.1:8219')).start).not.toBe(first.start);
    await scene.expectNoCrash();
  });

  test('a client that waits while the container is killed from outside is served by the next one', async () => {
    const { start } = await scene.clients.ask('127.0.0.1:8219');
    await scene.box.run(['systemctl', 'kill', '--signal=STOP', scopeUnit('ends')]);
    // Told to stop, it may still take one more client.
    await pollUntil('the program to stand still', async () => (await scene.box.run(['sh', '-c', `for pid in $(cat /sys/fs/cgroup/wakesock.slice/${scopeUnit('ends')}/cgroup.procs); do cut -d" " -f3 /proc/$pid/stat; done`])).trim() === 'T');
    const waiting = scene.clients.open('127.0.0.1:8219', 'hello\n');
    await waiting.connected;
    await scene.box.run(['systemctl', 'kill', '--signal=KILL', scopeUnit('ends')]);
    expect((await waiting.answer()).start).not.toBe(start);
    waiting.close();
    await scene.expectSocketUp('ends');
  });
});
