import { existsSync, linkSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { O_NONBLOCK } from '../../../src/linux/constants.ts';
import { hasFilter, setFilter } from '../../../src/linux/filter.ts';
import { duplicateFd, getStatusFlags, setStatusFlags } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { acceptConnection, listenSocket, setIntOption } from '../../../src/linux/socket.ts';
import { captureBaseline, differences, queueOf } from '../../../src/sockets/baseline.ts';
import { leadToSpare, makeSpare } from '../../../src/sockets/hold.ts';
import { inspectListener, openListener, type Listener } from '../../../src/sockets/listener.ts';
import { SiteSockets, type StoredSpares } from '../../../src/sockets/site-sockets.ts';
import { client, closedAfterTest, connected, listening, python, pythonDone, temporaryDirectory, testPoller } from './kit.ts';

type Told = 'readable' | 'unserved' | `shutDown ${boolean}` | 'spareMade' | 'spareDropped';

/** The sockets of a site, and what they told so far; `next` waits for one more. */
class Site {
  readonly told: Told[] = [];
  readonly sockets: SiteSockets;
  spareFd: number | null = null;
  #waiting: ((told: Told) => void) | null = null;

  constructor(listeners: readonly Listener[]) {
    const tell = (told: Told): void => {
      this.told.push(told);
      this.#waiting?.(told);
    };
    this.sockets = new SiteSockets(listeners, [], testPoller(), {
      readable: () => tell('readable'),
      unserved: () => tell('unserved'),
      shutDown: (_, healed) => tell(`shutDown ${healed}`),
      spareMade: (fd) => {
        this.spareFd = closedAfterTest(duplicateFd(fd));
        tell('spareMade');
      },
      spareDropped: () => tell('spareDropped'),
    });
  }

  next(): Promise<Told> {
    return new Promise((resolve) => { this.#waiting = resolve; });
  }
}

/** What the store has of a dead activator's site with one address. */
const stored = ({ sockets, spareFd }: Site): StoredSpares => new Map(spareFd === null ? [] : sockets.all.slice(0, 1).map(({ inode }) => [inode, spareFd]));
const shutDown = (how: string, { fd }: Listener): Promise<void> => pythonDone(`import socket; socket.socket(fileno=3).shutdown(socket.${how})`, [fd]);

describe.each(['ipv4', 'ipv6', 'unix'] as const)('%s, asleep', (family) => {
  test('the first client is told, once', async () => {
    const listener = listening(family);
    const site = new Site([listener]);
    const told = site.next();
    site.sockets.arm();
    await connected(listener);
    expect(await told).toBe('readable');
    await connected(listener);
    expect(site.told).toEqual(['readable']);
    expect(site.sockets.waiting()).toBe(2);
  });

  test('a client that came before is told when it is armed', async () => {
    const listener = listening(family);
    const site = new Site([listener]);
    await connected(listener);
    const told = site.next();
    site.sockets.arm();
    expect(await told).toBe('readable');
    const again = site.next();
    site.sockets.arm();
    expect(await again).toBe('readable');
  });

  test('one address of several', async () => {
    const [first, second] = [listening(family), listening('ipv4')];
    const site = new Site([first, second]);
    const told = site.next();
    site.sockets.arm();
    await connected(second);
    expect(await told).toBe('readable');
  });

  test('refused: every waiting client is closed, the mode is as before', async () => {
    const listener = listening(family);
    setStatusFlags(listener.fd, getStatusFlags(listener.fd) & ~O_NONBLOCK);
    const baseline = captureBaseline(listener);
    const site = new Site([listener]);
    const clients = await Promise.all([connected(listener), connected(listener), connected(listener)]);
    const closed = Promise.all(clients.map((socket) => {
      socket.resume();
      return once(socket, 'close');
    }));
    expect(site.sockets.refuse()).toBe(3);
    await closed;
    expect(differences(listener, baseline)).toEqual([]);
    expect(site.sockets.refuse()).toBe(0);
  });
});

test('a TCP socket that somebody shut down while the site slept wakes it for the next client all the same', async () => {
  const listener = listening();
  const site = new Site([listener]);
  site.sockets.arm();
  const healed = site.next();
  await shutDown('SHUT_RDWR', listener);
  expect(await healed).toBe('shutDown true');
  const told = site.next();
  await connected(listener);
  expect(await told).toBe('readable');
});

test.each(['SHUT_RD', 'SHUT_RDWR'])('a UNIX socket after %s wakes nobody: it is told, once', async (how) => {
  const [listener, other] = [listening('unix'), listening()];
  const site = new Site([listener, other]);
  site.sockets.arm();
  const lost = site.next();
  await shutDown(how, listener);
  expect(await lost).toBe('shutDown false');
  const told = site.next();
  await connected(other);
  expect(await told).toBe('readable');
  expect(site.told).toEqual(['shutDown false', 'readable']);
  expect(site.sockets.refuse()).toBe(1);
});

describe('while a program shares them', () => {
  test.each(['SHUT_RD', 'SHUT_RDWR'])('%s of a TCP socket is healed with the backlog of its unit', async (how) => {
    const listener = listening();
    listenSocket(listener.fd, 33);
    const site = new Site([listener]);
    site.sockets.choose();
    site.sockets.guard();
    listenSocket(listener.fd, 5);
    const told = site.next();
    await shutDown(how, listener);
    expect(await told).toBe('shutDown true');
    expect(queueOf(listener)).toEqual({ waiting: 0, backlog: 33 });
    const again = site.next();
    await shutDown(how, listener);
    expect(await again).toBe('shutDown true');
    expect(site.sockets.release(true)).toEqual([]);
  });

  test.each(['SHUT_RD', 'SHUT_RDWR'])('%s of a UNIX socket is told once, and the others are still guarded', async (how) => {
    const [unix, tcp] = [listening('unix'), listening()];
    const site = new Site([unix, tcp]);
    site.sockets.guard();
    const told = site.next();
    await shutDown(how, unix);
    expect(await told).toBe('shutDown false');
    const healed = site.next();
    await shutDown(how, tcp);
    expect(await healed).toBe('shutDown true');
    expect(site.told).toEqual(['shutDown false', 'shutDown true']);
    expect(() => site.sockets.verify()).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SOCKET_LOST' }));
  });

  test('clients do not wake anybody', async () => {
    const [listener, other] = [listening(), listening()];
    const site = new Site([listener]);
    const sleeping = new Site([other]);
    site.sockets.arm();
    site.sockets.guard();
    const told = sleeping.next();
    sleeping.sockets.arm();
    await connected(listener);
    await connected(other);
    await told;
    expect(site.told).toEqual([]);
  });
});

describe('after a stop', () => {
  test('the sockets are as their unit made them', () => {
    const [tcp, unix] = [listening(), listening('unix')];
    const site = new Site([tcp, unix]);
    site.sockets.choose();
    for (const { fd } of [tcp, unix]) {
      setIntOption(fd, 1, 9, 1);
      listenSocket(fd, 1);
    }
    expect(() => site.sockets.verify()).toThrow(/SO_KEEPALIVE, backlog/);
    expect(site.sockets.release(true)).toEqual(['SO_KEEPALIVE', 'backlog', 'SO_KEEPALIVE', 'backlog']);
    site.sockets.verify();
  });

  test('a UNIX path that is lost does not leave the other addresses deaf', () => {
    const [unix, tcp] = [listening('unix'), listening()];
    const site = new Site([unix, tcp]);
    site.sockets.hold();
    for (const name of readdirSync(directoryOf(unix))) rmSync(`${directoryOf(unix)}/${name}`);
    expect(() => site.sockets.release(true)).toThrow(/ENOENT/);
    expect(hasFilter(tcp.fd)).toBe(false);
  });
});

describe('TCP clients during a stop', () => {
  test.each(['ipv4', 'ipv6'] as const)('%s: held, and connected once it is over', async (family) => {
    const listener = listening(family);
    const site = new Site([listener]);
    site.sockets.hold();
    const socket = client(listener);
    const events: string[] = [];
    socket.once('connect', () => events.push('connect'));
    const connecting = once(socket, 'connect');
    // Its SYN has been dropped by now: the loopback takes it within connect(2), which this second client is behind of.
    const elsewhere = listening();
    await connected(elsewhere);
    expect(events).toEqual([]);
    expect(site.sockets.waiting()).toBe(0);
    site.sockets.release(false);
    // The kernel sends the SYN again after a second.
    await connecting;
    expect(site.sockets.waiting()).toBe(1);
  }, 10_000);

  test('our own filter is nothing that the program did', () => {
    const site = new Site([listening()]);
    site.sockets.choose();
    site.sockets.hold();
    expect(site.sockets.release(true)).toEqual([]);
    setFilter(site.sockets.listeners[0]?.fd ?? -1, [{ code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff }]);
    expect(site.sockets.release(true)).toEqual(['filter']);
  });

  test('who is connected already is heard, whenever it was accepted', async () => {
    const listener = listening();
    const site = new Site([listener]);
    const [before, during] = [await connected(listener), await connected(listener)];
    const accepted = closedAfterTest(acceptConnection(listener.fd) ?? -1);
    site.sockets.hold();
    const acceptedHeld = closedAfterTest(acceptConnection(listener.fd) ?? -1);
    site.sockets.release(true);
    const answering = pythonDone('import socket\nfor fd in (3, 4):\n s = socket.socket(fileno=fd)\n s.setblocking(True)\n s.sendall(s.recv(100).upper())', [accepted, acceptedHeld]);
    const answers = [before, during].map(async (socket) => ((await once(socket, 'data')) as [Buffer])[0].toString());
    before.write('first');
    during.write('second');
    expect(await Promise.all(answers)).toEqual(['FIRST', 'SECOND']);
    await answering;
  });
});

test('a handshake that began before the hold ends in it, and what it made is heard during and after', async () => {
  const listener = listening();
  const site = new Site([listener]);
  // Only SYNs reach it for now, so that the handshake stays half open.
  setFilter(listener.fd, [
    { code: 0x30, jt: 0, jf: 0, k: 13 },
    { code: 0x54, jt: 0, jf: 0, k: 0x02 },
    { code: 0x15, jt: 1, jf: 0, k: 0 },
    { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ]);
  const socket = await connected(listener);
  site.sockets.hold();
  const told = site.next();
  site.sockets.arm();
  socket.write('first\n');
  expect(await told).toBe('readable');
  // The accepted socket has the filter of the hold, for ever.
  const accepted = closedAfterTest(acceptConnection(listener.fd) ?? -1);
  const echo = python('import socket\ns = socket.socket(fileno=3)\ns.setblocking(True)\nf = s.makefile("rw")\nfor line in f:\n f.write(line.upper())\n f.flush()', [accepted]);
  echo.stdout.resume();
  expect(((await once(socket, 'data')) as [Buffer])[0].toString()).toBe('FIRST\n');
  site.sockets.release(true);
  socket.write('second\n');
  expect(((await once(socket, 'data')) as [Buffer])[0].toString()).toBe('SECOND\n');
}, 10_000);

describe('UNIX clients during a stop', () => {
  test('they wait on a second socket with the options of the first, which the next program is given', async () => {
    const listener = listening('unix');
    setIntOption(listener.fd, 1, 16, 1);
    const site = new Site([listener]);
    await connected(listener);
    site.sockets.hold();
    await connected(listener);
    expect(site.told).toEqual(['spareMade']);
    expect(queueOf(listener)?.waiting).toBe(1);
    expect(site.sockets.waiting()).toBe(2);
    const spare = site.sockets.all.find((one) => one !== listener);
    expect(spare && captureBaseline(spare)).toEqual({ ...captureBaseline(listener), inode: spare?.inode });
    // Who is in the first socket's queue is the dying program's to accept or the next one's.
    site.sockets.release(true);
    expect(site.sockets.unservedWaiting).toBe(true);
    site.sockets.choose();
    expect(site.sockets.listeners).toEqual([spare]);
    await connected(listener);
    expect(spare && queueOf(spare)?.waiting).toBe(2);
    const told = site.next();
    site.sockets.guard();
    expect(await told).toBe('unserved');
  });

  test('nobody waits there: it is given up', () => {
    const listener = listening('unix');
    const site = new Site([listener]);
    site.sockets.hold();
    site.sockets.release(true);
    expect(site.told).toEqual(['spareMade', 'spareDropped']);
    expect(site.sockets.all).toEqual([listener]);
    expect(readdirSync(directoryOf(listener))).toEqual(['socket']);
    site.sockets.verify();
  });

  test('whoever comes in whatever order of stops, nobody is refused or forgotten', async () => {
    type Step = 'connect' | 'hold' | 'unhold' | 'stopped' | 'serve' | 'launch' | 'crash';
    await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom<Step>('connect', 'hold', 'unhold', 'stopped', 'serve', 'launch', 'crash'), { maxLength: 25 }), async (steps) => {
      const directory = temporaryDirectory();
      const listener = openListener({ family: 'unix', path: `${directory}/socket` });
      const everySpare = new Set<number>();
      let site = new Site([listener]);
      let served = 0;
      let clients = 0;
      const serve = (from: readonly Listener[]): void => {
        for (const { fd } of from) {
          for (let connection = acceptConnection(fd); connection !== null; connection = acceptConnection(fd)) {
            closeFd(connection);
            served += 1;
          }
        }
      };
      for (const step of steps) {
        if (step === 'connect') {
          const socket = await connected(listener);
          socket.destroy();
          clients += 1;
        }
        if (step === 'hold') site.sockets.hold();
        if (step === 'unhold') site.sockets.release(false);
        if (step === 'stopped') site.sockets.release(true);
        if (step === 'launch') site.sockets.choose();
        if (step === 'serve') serve(site.sockets.listeners);
        if (step === 'crash') {
          // The store of systemd holds the spare; the next activator has that and the original.
          const spare = site.sockets.all.find((one) => one !== listener);
          site = new Site([listener]);
          site.sockets.undoLeftovers(spare ? new Map([[listener.inode, spare.fd]]) : new Map());
        }
        for (const one of site.sockets.all) if (one !== listener) everySpare.add(one.fd);
        if (!existsSync(`${directory}/socket`)) throw new Error(`after ${step} nothing is at the path`);
      }
      // At the end programs come until nobody waits.
      for (let round = 0; round < 3; round += 1) {
        site.sockets.release(true);
        site.sockets.choose();
        serve(site.sockets.listeners);
      }
      site.sockets.release(true);
      expect(served).toBe(clients);
      expect(site.sockets.waiting()).toBe(0);
      expect(readdirSync(directory)).toEqual(['socket']);
      expect(site.sockets.all).toEqual([listener]);
      closeFd(listener.fd);
    }), { numRuns: 150 });
  }, 30_000);
});

test('clients of other processes find the UNIX path at every instant of a hundred stops, and each is served', async () => {
  const listener = listening('unix');
  const site = new Site([listener]);
  // Connects, waits for the end of its connection, and again; says how many were served, or what went wrong.
  const processes = [1, 2].map(() => python(`
import select, socket, sys
served = 0
while not select.select([sys.stdin], [], [], 0)[0]:
 try:
  s = socket.socket(socket.AF_UNIX)
  s.connect(${JSON.stringify(listener.text)})
  assert s.recv(1) == b""
  served += 1
  if served == 1: print("first", flush=True)
 except OSError as error:
  print(error, flush=True)
  sys.exit()
print(served, flush=True)`));
  let served = 0;
  const serve = (): number => {
    const before = served;
    for (const { fd } of site.sockets.all) {
      for (let connection = acceptConnection(fd); connection !== null; connection = acceptConnection(fd)) {
        closeFd(connection);
        served += 1;
      }
    }
    return served - before;
  };
  const said = processes.map((child) => text(child.stdout));
  for (let stops = 0; stops < 100;) {
    site.sockets.hold();
    const held = serve();
    site.sockets.release(stops % 3 !== 0);
    site.sockets.choose();
    // Only those stops count that somebody met.
    if (held + serve() > 0) stops += 1;
    else await new Promise(setImmediate);
  }
  for (const child of processes) child.stdin.end('stop\n');
  const exits = processes.map((child) => once(child, 'exit'));
  let running = true;
  const allGone = Promise.all(exits).then(() => { running = false; });
  const untilGone = async (): Promise<void> => {
    serve();
    if (running) await new Promise(setImmediate).then(untilGone);
  };
  await untilGone();
  await allGone;
  const counts = (await Promise.all(said)).map((output) => output.trim().split('\n'));
  expect(counts).toEqual([['first', expect.stringMatching(/^\d+$/)], ['first', expect.stringMatching(/^\d+$/)]]);
  expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(served);
}, 30_000);

describe('what a dead activator left is undone', () => {
  test('a SYN filter', async () => {
    const listener = listening();
    new Site([listener]).sockets.hold();
    new Site([listener]).sockets.undoLeftovers(new Map());
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(1);
  });

  test('a path that leads to a spare, with the clients who wait there', async () => {
    const listener = listening('unix');
    const dead = new Site([listener]);
    dead.sockets.hold();
    await connected(listener);
    const site = new Site([listener]);
    site.sockets.undoLeftovers(stored(dead));
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(1);
    expect(site.sockets.waiting()).toBe(2);
    const told = site.next();
    site.sockets.arm();
    expect(await told).toBe('readable');
  });

  test('one that died between the two names', async () => {
    const listener = listening('unix');
    const spare = makeSpare(listener, 10);
    closeFd(spare.fd);
    linkSync(listener.text, `${listener.text}.wakesock-kept`);
    new Site([listener]).sockets.undoLeftovers(new Map());
    expect(readdirSync(directoryOf(listener))).toEqual(['socket']);
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(1);
  });

  test('one that died before it had renamed the spare, where the next hold leads to', async () => {
    const listener = listening('unix');
    const spare = makeSpare(listener, 10);
    linkSync(listener.text, `${listener.text}.wakesock-kept`);
    const site = new Site([listener]);
    site.sockets.undoLeftovers(new Map([[listener.inode, spare.fd]]));
    site.sockets.hold();
    await connected(listener);
    expect(queueOf(spare)?.waiting).toBe(1);
    expect(queueOf(listener)?.waiting).toBe(0);
  });

  test.each([{ stopping: false, reached: 'spare' }, { stopping: true, reached: 'original' }] as const)('a program that serves the spare, stopping $stopping: clients reach the $reached', async ({ stopping, reached }) => {
    const listener = listening('unix');
    const dead = new Site([listener]);
    dead.sockets.hold();
    await connected(listener);
    dead.sockets.release(true);
    dead.sockets.choose();
    if (stopping) dead.sockets.hold();
    const site = new Site([listener]);
    site.sockets.undoLeftovers(stored(dead), stopping, dead.sockets.listeners.map(({ inode }) => inode));
    const [spare] = site.sockets.listeners;
    expect(spare?.inode).toBe(dead.sockets.listeners[0]?.inode);
    expect(spare?.inode).not.toBe(listener.inode);
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(reached === 'original' ? 1 : 0);
    expect(site.sockets.waiting()).toBe(2);
    site.sockets.release(true);
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(reached === 'original' ? 2 : 1);
  });

  test('the path of a socket unit that was started again since is left alone', async () => {
    const directory = temporaryDirectory();
    const former = openListener({ family: 'unix', path: `${directory}/socket` });
    const spare = makeSpare(former, 10);
    leadToSpare(former);
    closeFd(former.fd);
    closeFd(spare.fd);
    const listener = listening('unix', directory);
    new Site([listener]).sockets.undoLeftovers(new Map());
    expect(readdirSync(directory)).toEqual(['socket']);
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(1);
  });

  test('two addresses, each with its own spare', async () => {
    const listeners = [listening('unix'), listening('unix')];
    const spares = listeners.map((listener) => makeSpare(listener, 10));
    const site = new Site(listeners);
    site.sockets.undoLeftovers(new Map(listeners.map(({ inode }, index) => [inode, spares[index]?.fd ?? -1] as const).toReversed()));
    expect(site.sockets.all.map(({ inode }) => inode)).toEqual([listeners[0], spares[0], listeners[1], spares[1]].map((one) => one?.inode));
  });

  test('a socket that its program does not hold, since it was made anew: it is told of its clients, and gives it to the next program', async () => {
    const [held, made] = [listening(), listening()];
    const site = new Site([held, made]);
    site.sockets.undoLeftovers(new Map(), false, [held.inode]);
    expect(site.sockets.served).toEqual([held]);
    site.sockets.guard();
    const told = site.next();
    await connected(made);
    expect(await told).toBe('unserved');
    expect(site.sockets.unservedWaiting).toBe(true);
    site.sockets.choose();
    expect(site.sockets.served).toEqual([held, made]);
    expect(site.sockets.unservedWaiting).toBe(false);
    site.sockets.disarm();
  });

  test('a spare that its program shut down, or of another address, is not taken', async () => {
    const [listener, other] = [listening('unix'), listening('unix')];
    const spare = makeSpare(listener, 10);
    const site = new Site([other]);
    site.sockets.undoLeftovers(new Map([[other.inode, duplicateFd(spare.fd)]]));
    expect(site.sockets.all).toEqual([other]);
    expect(site.told).toEqual(['spareDropped']);
    await shutDown('SHUT_RD', spare);
    const own = new Site([listener]);
    own.sockets.undoLeftovers(new Map([[listener.inode, spare.fd]]));
    expect(own.told).toEqual(['spareDropped']);
    expect(own.sockets.all).toEqual([listener]);
    expect(readdirSync(directoryOf(listener))).toEqual(['socket']);
  });
});

test('a baseline of an earlier activator counts for the socket it was taken of', () => {
  const listener = listening();
  const baseline = captureBaseline(listener);
  setIntOption(listener.fd, 1, 9, 1);
  const events = { readable: () => {}, unserved: () => {}, shutDown: () => {}, spareMade: () => {}, spareDropped: () => {} };
  const known = new SiteSockets([listener], [{ ...baseline, inode: 1 }, baseline], testPoller(), events);
  expect(known.release(true)).toEqual(['SO_KEEPALIVE']);
  setIntOption(listener.fd, 1, 9, 1);
  const unknown = new SiteSockets([inspectListener(listener.fd, 'x')], [{ ...baseline, inode: 1 }], testPoller(), events);
  expect(unknown.release(true)).toEqual([]);
});

function directoryOf({ text }: Listener): string {
  return text.slice(0, text.lastIndexOf('/'));
}
