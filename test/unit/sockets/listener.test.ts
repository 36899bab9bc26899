import { lstatSync, openSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AF_INET, AF_UNIX, O_NONBLOCK, SOCK_DGRAM, SOCK_STREAM } from '../../../src/linux/constants.ts';
import { getStatusFlags } from '../../../src/linux/fd.ts';
import { acceptConnection, bindSocket, openSocket } from '../../../src/linux/socket.ts';
import { addressText, inspectListener, openListener } from '../../../src/sockets/listener.ts';
import { queueOf } from '../../../src/sockets/baseline.ts';
import { closedAfterTest, connected, listening, pythonDone, temporaryDirectory } from './kit.ts';

const refused = (message: RegExp): unknown => expect.objectContaining({ code: 'ERR_WAKESOCK_SOCKET', message: expect.stringMatching(message) });

describe('an inherited descriptor', () => {
  test.each(['ipv4', 'ipv6', 'unix'] as const)('%s', (family) => {
    const opened = listening(family);
    expect(inspectListener(opened.fd, 'blog')).toEqual(opened);
  });

  test('no socket', () => {
    const fd = closedAfterTest(openSync('/dev/null', 'r'));
    expect(() => inspectListener(fd, 'blog')).toThrow(refused(/`blog`.*no socket/));
  });

  test('a datagram socket (ListenDatagram=)', () => {
    const fd = closedAfterTest(openSocket(AF_INET, SOCK_DGRAM));
    bindSocket(fd, { family: 'ipv4', address: '127.0.0.1', port: 0 });
    expect(() => inspectListener(fd, 'blog')).toThrow(refused(/ListenStream=/));
  });

  test.each(['ipv4', 'unix'] as const)('a connection (Accept=yes), %s', async (family) => {
    const listener = listening(family);
    await connected(listener);
    const fd = closedAfterTest(acceptConnection(listener.fd) ?? -1);
    expect(() => inspectListener(fd, 'blog')).toThrow(refused(/Accept=yes/));
  });

  test('never bound', () => {
    expect(() => inspectListener(closedAfterTest(openSocket(AF_INET, SOCK_STREAM)), 'blog')).toThrow(refused(/listening/));
    expect(() => inspectListener(closedAfterTest(openSocket(AF_UNIX, SOCK_STREAM)), 'blog')).toThrow(refused(/listening/));
  });

  test('TCP that a program shut down while no activator was there listens again', async () => {
    const opened = listening();
    await pythonDone('import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)', [opened.fd]);
    expect(inspectListener(opened.fd, 'blog')).toEqual(opened);
    await connected(opened);
    expect(queueOf(opened)?.waiting).toBe(1);
  });
});

describe('opened by us', () => {
  test('it does not block, and lets everybody connect', () => {
    const listener = listening('unix');
    expect(getStatusFlags(listener.fd) & O_NONBLOCK).toBe(O_NONBLOCK);
    expect(statSync(listener.text).mode & 0o777).toBe(0o666);
  });

  test('a socket that somebody left is replaced', async () => {
    const directory = temporaryDirectory();
    listening('unix', directory);
    const second = listening('unix', directory);
    await connected(second);
    expect(queueOf(second)?.waiting).toBe(1);
  });

  test('a file or link in the place of a socket is left alone', () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/file`, 'precious');
    symlinkSync(`${directory}/file`, `${directory}/link`);
    for (const name of ['file', 'link']) {
      expect(() => openListener({ family: 'unix', path: `${directory}/${name}` })).toThrow(refused(/EADDRINUSE/));
    }
    expect(lstatSync(`${directory}/link`).isSymbolicLink()).toBe(true);
  });

  test('a port that somebody has', () => {
    const { address } = listening();
    expect(() => openListener(address)).toThrow(refused(/Cannot listen on 127\.0\.0\.1:\d+: bind: EADDRINUSE/));
  });
});

test.each([
  [{ family: 'ipv4', address: '1.2.3.4', port: 80 }, '1.2.3.4:80'],
  [{ family: 'ipv6', address: '::1', port: 80 }, '[::1]:80'],
  [{ family: 'unix', path: '/run/x' }, '/run/x'],
  [{ family: 'other', number: 16 }, 'family 16'],
] as const)('%j is written %s', (address, text) => {
  expect(addressText(address)).toBe(text);
});
