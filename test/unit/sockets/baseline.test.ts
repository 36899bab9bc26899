import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { O_NONBLOCK } from '../../../src/linux/constants.ts';
import { setStatusFlags, getStatusFlags } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { getOption, listenSocket, setOption } from '../../../src/linux/socket.ts';
import { refusedSocketOptions } from '../../../src/runtime/seccomp-profile.ts';
import { captureBaseline, differences, listens, queueOf, restoreBaseline } from '../../../src/sockets/baseline.ts';
import { holdSyns } from '../../../src/sockets/hold.ts';
import { openListener, type Listener } from '../../../src/sockets/listener.ts';
import { connected, listening, pythonDone } from './kit.ts';

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const pair = (first: number, second: number): Buffer => Buffer.concat([int(first), int(second)]);
const time = (seconds: number): Buffer => Buffer.concat([int(seconds), Buffer.alloc(12)]);

/** What a hostile or careless program sets: name, level, number, value. One row for each option that is looked after. */
const hostile: Record<string, readonly [level: number, number: number, value: Buffer]> = {
  SO_REUSEADDR: [1, 2, int(0)],
  SO_DONTROUTE: [1, 5, int(1)],
  SO_SNDBUF: [1, 7, int(5000)],
  SO_RCVBUF: [1, 8, int(5000)],
  SO_BUF_LOCK: [1, 72, int(3)],
  SO_KEEPALIVE: [1, 9, int(1)],
  SO_OOBINLINE: [1, 10, int(1)],
  SO_PRIORITY: [1, 12, int(3)],
  SO_LINGER: [1, 13, pair(1, 0)],
  SO_REUSEPORT: [1, 15, int(1)],
  SO_PASSCRED: [1, 16, int(1)],
  SO_RCVLOWAT: [1, 18, int(1000)],
  SO_RCVTIMEO: [1, 20, time(5)],
  SO_SNDTIMEO: [1, 21, time(5)],
  SO_TIMESTAMP: [1, 29, int(1)],
  SO_PASSSEC: [1, 34, int(1)],
  SO_TIMESTAMPNS: [1, 35, int(1)],
  SO_MARK: [1, 36, int(7)],
  SO_TIMESTAMPING: [1, 37, int(0b11)],
  SO_PEEK_OFF: [1, 42, int(4)],
  SO_BUSY_POLL: [1, 46, int(50)],
  SO_MAX_PACING_RATE: [1, 47, Buffer.from('e803000000000000', 'hex')],
  SO_INCOMING_CPU: [1, 49, int(0)],
  SO_PASSPIDFD: [1, 76, int(1)],
  SO_PASSRIGHTS: [1, 83, int(0)],
  IP_TOS: [0, 1, int(0x10)],
  IP_TTL: [0, 2, int(1)],
  IP_MTU_DISCOVER: [0, 10, int(2)],
  IP_RECVERR: [0, 11, int(1)],
  IP_MINTTL: [0, 21, int(255)],
  IPV6_UNICAST_HOPS: [41, 16, int(1)],
  IPV6_MTU_DISCOVER: [41, 23, int(2)],
  IPV6_RECVERR: [41, 25, int(1)],
  IPV6_HOPOPTS: [41, 54, Buffer.from('0000010400000000', 'hex')],
  IPV6_RTHDRDSTOPTS: [41, 55, Buffer.from('0000010400000000', 'hex')],
  // A segment routing header by way of ::1.
  IPV6_RTHDR: [41, 57, Buffer.from('000204000000000000000000000000000000000000000001', 'hex')],
  IPV6_DSTOPTS: [41, 59, Buffer.from('0000010400000000', 'hex')],
  IPV6_TCLASS: [41, 67, int(0x20)],
  IPV6_MINHOPCOUNT: [41, 73, int(255)],
  TCP_NODELAY: [6, 1, int(1)],
  TCP_MAXSEG: [6, 2, int(100)],
  TCP_CORK: [6, 3, int(1)],
  TCP_KEEPIDLE: [6, 4, int(5)],
  TCP_KEEPINTVL: [6, 5, int(5)],
  TCP_KEEPCNT: [6, 6, int(2)],
  TCP_SYNCNT: [6, 7, int(1)],
  TCP_LINGER2: [6, 8, int(1)],
  TCP_DEFER_ACCEPT: [6, 9, int(30)],
  TCP_WINDOW_CLAMP: [6, 10, int(3000)],
  TCP_CONGESTION: [6, 13, Buffer.from('reno')],
  TCP_THIN_LINEAR_TIMEOUTS: [6, 16, int(1)],
  TCP_USER_TIMEOUT: [6, 18, int(1)],
  TCP_FASTOPEN: [6, 23, int(5)],
  TCP_NOTSENT_LOWAT: [6, 25, int(1)],
  TCP_FASTOPEN_NO_COOKIE: [6, 34, int(1)],
  TCP_SAVE_SYN: [6, 27, int(1)],
  TCP_INQ: [6, 36, int(1)],
  TCP_TX_DELAY: [6, 37, int(1000)],
  TCP_RTO_MAX_MS: [6, 44, int(1000)],
  TCP_RTO_MIN_US: [6, 45, int(100_000)],
  TCP_DELACK_MAX_US: [6, 46, int(100_000)],
};

/** The kernel takes no value back from 0 on a listening socket (EINVAL): the seccomp profile keeps programs from it. */
const neverRestored = new Set(['TCP_WINDOW_CLAMP']);

test('what cannot be put back is refused', () => {
  const refused = new Set(refusedSocketOptions.flatMap(({ options }) => Object.keys(options)));
  expect([...neverRestored].filter((name) => !refused.has(name))).toEqual([]);
  const listener = listening();
  const baseline = captureBaseline(listener);
  setOption(listener.fd, 6, 10, int(3000));
  restoreBaseline(listener, baseline);
  expect(differences(listener, baseline)).toEqual(['TCP_WINDOW_CLAMP']);
});

describe.each(['ipv4', 'ipv6', 'unix'] as const)('%s', (family) => {
  const names = Object.keys(captureBaselineOnce(family));

  test('there is a row for every option that is looked after', () => {
    expect(names.filter((name) => !(name in hostile))).toEqual([]);
  });

  test.each(names.filter((name) => !neverRestored.has(name)))('%s is seen and put back', (name) => {
    const listener = listening(family);
    const baseline = captureBaseline(listener);
    const [level, number, value] = hostile[name] ?? [0, 0, Buffer.alloc(0)];
    // Only TCP listeners are opened with it.
    setOption(listener.fd, level, number, name === 'SO_REUSEADDR' && family === 'unix' ? int(1) : value);
    expect(differences(listener, baseline)).toContain(name);
    expect(restoreBaseline(listener, baseline)).toContain(name);
    expect(differences(listener, baseline)).toEqual([]);
    expect(restoreBaseline(listener, baseline)).toEqual([]);
  });

  test('all at once', () => {
    const listener = listening(family);
    const baseline = captureBaseline(listener);
    for (const name of names.filter((one) => !neverRestored.has(one))) {
      const [level, number, value] = hostile[name] ?? [0, 0, Buffer.alloc(0)];
      setOption(listener.fd, level, number, value);
    }
    restoreBaseline(listener, baseline);
    expect(differences(listener, baseline)).toEqual([]);
  });

  test('a unit that set options itself gets those back', () => {
    const listener = listening(family);
    setOption(listener.fd, 1, 33, int(3_000_000));
    setOption(listener.fd, 1, 12, int(5));
    setOption(listener.fd, 1, 9, int(1));
    const baseline = captureBaseline(listener);
    setOption(listener.fd, 1, 8, int(5000));
    setOption(listener.fd, 1, 9, int(0));
    if (family === 'ipv4') setOption(listener.fd, 0, 1, int(0x10));
    expect(differences(listener, baseline)).toEqual(expect.arrayContaining(['SO_RCVBUF', 'SO_KEEPALIVE']));
    restoreBaseline(listener, baseline);
    expect(differences(listener, baseline)).toEqual([]);
  });

  test('backlog and blocking mode', () => {
    const listener = listening(family);
    const baseline = captureBaseline(listener);
    listenSocket(listener.fd, 5);
    setStatusFlags(listener.fd, getStatusFlags(listener.fd) & ~O_NONBLOCK);
    expect(differences(listener, baseline)).toEqual(['flags', 'backlog']);
    expect(restoreBaseline(listener, baseline)).toEqual(['flags', 'backlog']);
    expect(differences(listener, baseline)).toEqual([]);
    expect(queueOf(listener)?.backlog).toBe(baseline.backlog);
  });

  test('who waits is counted', async () => {
    const listener = listening(family);
    expect(queueOf(listener)?.waiting).toBe(0);
    await connected(listener);
    await connected(listener);
    expect(queueOf(listener)?.waiting).toBe(2);
  });

  test('it is plain data', () => {
    const baseline = captureBaseline(listening(family));
    expect(JSON.parse(JSON.stringify(baseline))).toEqual(baseline);
  });

  test.each(['SHUT_RD', 'SHUT_RDWR'])('%s by another holder is seen', async (how) => {
    const listener = listening(family);
    const baseline = captureBaseline(listener);
    expect(listens(listener)).toBe(true);
    await pythonDone(`import socket; socket.socket(fileno=3).shutdown(socket.${how})`, [listener.fd]);
    expect(listens(listener)).toBe(false);
    expect(differences(listener, baseline)).toContain('shutdown');
    expect(restoreBaseline(listener, baseline)).toContain('shutdown');
    expect(differences(listener, baseline)).toEqual(family === 'unix' ? ['shutdown'] : []);
  });
});

test.each(['ipv4', 'ipv6'] as const)('every one of these that this kernel has on an %s socket is looked after', (family) => {
  const { fd } = listening(family);
  const names = Object.keys(captureBaselineOnce(family));
  const readable = Object.entries(hostile).filter(([, [level, number, value]]) => {
    try {
      return getOption(fd, level, number, value.length).length > 0;
    } catch {
      return false;
    }
  });
  expect(readable.map(([name]) => name).filter((name) => !name.startsWith('SO_PASS') && !names.includes(name))).toEqual([]);
});

/** Each shutdown after the first fails, and leaves a mark. */
const shutDown = (hows: readonly string[], { fd }: Listener): Promise<void> => pythonDone([
  'import socket', 'listener = socket.socket(fileno=3)', `for how in [${hows.map((how) => `socket.${how}`).join()}]:`, '    try: listener.shutdown(how)', '    except OSError: pass',
].join('\n'), [fd]);

describe.each(['SHUT_RDWR', 'SHUT_RDWR SHUT_RDWR', 'SHUT_RD SHUT_RD', 'SHUT_RD SHUT_WR', 'SHUT_RDWR SHUT_RD SHUT_WR'])('after %s', (hows) => {
  test.each(['ipv4', 'ipv6'] as const)('new clients are let in again, and can talk, %s', async (family) => {
    const listener = listening(family);
    const baseline = captureBaseline(listener);
    await shutDown(hows.split(' '), listener);
    expect(restoreBaseline(listener, baseline)).toContain('shutdown');
    expect(differences(listener, baseline)).toEqual([]);
    const socket = await connected(listener);
    expect(queueOf(listener)).toEqual({ waiting: 1, backlog: baseline.backlog });
    const said = once(socket, 'data');
    await pythonDone('import socket; connection, _ = socket.socket(fileno=3).accept(); connection.sendall(connection.getpeername()[0].encode())', [listener.fd]);
    expect(String((await said)[0])).toContain('127.0.0.1');
  });
});

test('one that listens again and kept the mark of a second shutdown is seen', async () => {
  const listener = listening();
  const baseline = captureBaseline(listener);
  await shutDown(['SHUT_RDWR', 'SHUT_RDWR'], listener);
  listenSocket(listener.fd, baseline.backlog);
  expect(listens(listener)).toBe(true);
  expect(differences(listener, baseline)).toEqual(['shutdown']);
  expect(restoreBaseline(listener, baseline)).toEqual(['shutdown']);
  expect(differences(listener, baseline)).toEqual([]);
});

test('a filter is taken off', () => {
  const listener = listening();
  const baseline = captureBaseline(listener);
  holdSyns(listener.fd);
  expect(differences(listener, baseline)).toEqual(['filter']);
  expect(restoreBaseline(listener, baseline)).toEqual(['filter']);
  expect(differences(listener, baseline)).toEqual([]);
});

test('what cannot be put back does not keep the rest from it', () => {
  const listener = listening();
  const baseline = captureBaseline(listener);
  for (const name of ['TCP_WINDOW_CLAMP', 'TCP_CONGESTION', 'SO_KEEPALIVE']) {
    const [level, number, value] = hostile[name] ?? [0, 0, Buffer.alloc(0)];
    setOption(listener.fd, level, number, value);
  }
  listenSocket(listener.fd, 1);
  holdSyns(listener.fd);
  expect(restoreBaseline(listener, baseline)).toEqual(['filter', 'SO_KEEPALIVE', 'TCP_WINDOW_CLAMP', 'TCP_CONGESTION', 'backlog']);
  expect(differences(listener, baseline)).toEqual(['TCP_WINDOW_CLAMP']);
});

function captureBaselineOnce(family: 'ipv4' | 'ipv6' | 'unix'): Readonly<Record<string, string>> {
  const listener = openListener(family === 'unix' ? { family, path: `/tmp/wakesock-baseline-${process.pid}` } : { family, address: family === 'ipv4' ? '127.0.0.1' : '::', port: 0 });
  try {
    return captureBaseline(listener).options;
  } finally {
    closeFd(listener.fd);
    if (listener.address.family === 'unix') rmSync(listener.address.path);
  }
}
