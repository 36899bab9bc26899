import { openSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../../../src/linux/constants.ts';
import { acceptConnection, bindSocket, decodeAddress, encodeAddress, getIntOption, openSocket, setIntOption, socketAddress, socketKind, unixPathBytesMax, type SocketAddress } from '../../../src/linux/socket.ts';
import { closedAfterTest, connected, listening, pythonDone, temporaryDirectory } from '../sockets/kit.ts';

const port = fc.integer({ min: 0, max: 65_535 });
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
});
const name = fc.stringMatching(/^[a-zA-Z0-9./_ -]{1,100}$/);
const address = fc.oneof<fc.Arbitrary<SocketAddress>[]>(
  fc.record({ family: fc.constant('ipv4' as const), address: fc.ipV4(), port }),
  fc.record({ family: fc.constant('ipv6' as const), address: ipv6, port }),
  fc.record({ family: fc.constant('unix' as const), path: name.map((text) => `/${text}`) }),
  fc.record({ family: fc.constant('unix' as const), path: name.map((text) => `@${text}`) }),
);

describe('addresses', () => {
  test('come back as they were written', () => {
    fc.assert(fc.property(address, (value) => {
      expect(decodeAddress(encodeAddress(value))).toEqual(value);
    }));
  });

  test('any bytes are some address', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 130 }), (bytes) => {
      expect(decodeAddress(Buffer.from(bytes))).toHaveProperty('family');
    }));
  });

  test.each([1, 15])('%i bytes of an IPv6 address are none', (missing) => {
    const bytes = encodeAddress({ family: 'ipv6', address: '::1', port: 80 });
    expect(decodeAddress(bytes.subarray(0, 24 - missing))).toEqual({ family: 'other', number: AF_INET6 });
  });

  test.each<SocketAddress>([
    { family: 'ipv4', address: '127.0.0.1', port: 0 },
    { family: 'ipv6', address: '::1', port: 0 },
    { family: 'unix', path: '@wakesock-test-äöü' },
  ])('the kernel agrees about %j', (wanted) => {
    const fd = closedAfterTest(openSocket({ ipv4: AF_INET, ipv6: AF_INET6, unix: AF_UNIX, other: 0 }[wanted.family], SOCK_STREAM));
    bindSocket(fd, wanted);
    expect(socketAddress(fd)).toEqual('port' in wanted ? { ...wanted, port: expect.any(Number) } : wanted);
  });

  test('the longest path that sockaddr_un holds', () => {
    const directory = temporaryDirectory();
    const path = `${directory}/${'x'.repeat(unixPathBytesMax - directory.length - 1)}`;
    const fd = closedAfterTest(openSocket(AF_UNIX, SOCK_STREAM));
    bindSocket(fd, { family: 'unix', path });
    expect(socketAddress(fd)).toEqual({ family: 'unix', path });
    expect(() => bindSocket(fd, { family: 'unix', path: `${path}x` })).toThrow(expect.objectContaining({ errnoName: 'ENAMETOOLONG' }));
  });
});

describe('kinds', () => {
  test('a listening TCP socket', () => {
    expect(socketKind(listening().fd)).toEqual({ domain: AF_INET, type: SOCK_STREAM, protocol: IPPROTO_TCP, listening: true });
  });

  test('a datagram socket', () => {
    expect(socketKind(closedAfterTest(openSocket(AF_INET6, SOCK_DGRAM)))).toMatchObject({ domain: AF_INET6, type: SOCK_DGRAM, listening: false });
  });

  test('no socket', () => {
    expect(socketKind(closedAfterTest(openSync('/dev/null', 'r')))).toBeNull();
  });
});

test('options are read as they were set', () => {
  const { fd } = listening();
  setIntOption(fd, SOL_SOCKET, 12, 5);
  expect(getIntOption(fd, SOL_SOCKET, 12)).toBe(5);
});

describe('accepting', () => {
  test('who waits, then nobody', async () => {
    const listener = listening();
    await connected(listener);
    expect(acceptConnection(listener.fd)).toSatisfy((fd: number) => closedAfterTest(fd) > 2);
    expect(acceptConnection(listener.fd)).toBeNull();
  });

  test.each(['ipv4', 'unix'] as const)('nobody, where a program has shut the %s socket down', async (family) => {
    const listener = listening(family);
    await pythonDone('import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)', [listener.fd]);
    expect(acceptConnection(listener.fd)).toBeNull();
  });
});
