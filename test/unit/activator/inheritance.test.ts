import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { AF_INET, SOCK_DGRAM } from '../../../src/linux/constants.ts';
import { acceptConnection, bindSocket, openSocket } from '../../../src/linux/socket.ts';
import { makeBundle } from '../bundle.ts';
import { closedAfterTest, connected, listening, pythonDone, temporaryDirectory } from '../sockets/kit.ts';

let program = '';
beforeAll(async () => {
  const made = await makeBundle('test/unit/activator/inherit-child.ts');
  program = made.program;
  return made.remove;
});

/** A process that inherits these descriptors under these names. */
async function inherited(fds: readonly (readonly [name: string, fd: number])[], sites: readonly string[] = []): Promise<Record<string, unknown>> {
  const env = { LISTEN_FDS: `${fds.length}`, LISTEN_FDNAMES: fds.map(([name]) => name).join(':') };
  const child = spawn(process.execPath, [program, ...sites], { stdio: ['ignore', 'pipe', 'inherit', ...fds.map(([, fd]) => fd)], env: { ...process.env, ...env } });
  return JSON.parse(await text(child.stdout as NodeJS.ReadableStream)) as Record<string, unknown>;
}

/** A file of its own: what becomes of it is seen by its name. */
const nothing = (): number => closedAfterTest(openSync(`${temporaryDirectory()}/kept`, 'w'));

const good = (): readonly [string, number] => ['shop', listening().fd];

test('each socket to its site, several of a site in order', async () => {
  expect(await inherited([['blog', listening().fd], ['shop', listening('unix').fd], ['control', listening('unix').fd], ['blog', listening('ipv6').fd], ['control=lease', listening('unix').fd]])).toMatchObject({
    sites: { blog: ['3 ipv4', '6 ipv6'], shop: ['4 unix'] }, control: { control: { fd: 5 }, lease: { fd: 7 } }, everyFd: [3, 4, 5, 6, 7], said: [], open: [3, 4, 5, 6, 7],
  });
});

test('nobody has looked at them before they are asked for', async () => {
  const fd = closedAfterTest(openSocket(AF_INET, SOCK_DGRAM));
  expect(await inherited([['blog', fd], good(), ['blog', listening().fd]])).toMatchObject({
    unlooked: { everyFd: [3, 4, 5], sites: { blog: [3, 5], shop: [4] } }, everyFd: [4, 5], sites: { blog: ['5 ipv4'], shop: ['4 ipv4'] },
  });
});

test('nothing was inherited', async () => {
  expect(await inherited([])).toMatchObject({ sites: {}, control: {}, everyFd: [] });
});

describe('what cannot be used is said and closed, and the others are served', () => {
  test('a datagram socket', async () => {
    const fd = closedAfterTest(openSocket(AF_INET, SOCK_DGRAM));
    bindSocket(fd, { family: 'ipv4', address: '127.0.0.1', port: 0 });
    expect(await inherited([['blog', fd], good()])).toMatchObject({ sites: { shop: ['4 ipv4'] }, said: ['error blog: An inherited descriptor cannot be used'], open: [4], everyFd: [4] });
  });

  test('a connection (Accept=yes)', async () => {
    const listener = listening();
    await connected(listener);
    expect(await inherited([['blog', closedAfterTest(acceptConnection(listener.fd) ?? -1)], good()])).toMatchObject({ sites: { shop: ['4 ipv4'] }, open: [4] });
  });

  test('but a TCP socket that its program shut down listens again', async () => {
    const [tcp, other] = [listening(), good()];
    await pythonDone('import socket; socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)', [tcp.fd]);
    expect(await inherited([['blog', tcp.fd], other])).toMatchObject({ sites: { blog: ['3 ipv4'], shop: ['4 ipv4'] }, said: [] });
  });
});

describe('the fd store', () => {
  test('gives a site what was kept of it', async () => {
    expect(await inherited([['notify=blog', nothing()], ['stdout=blog', nothing()], ['blog', listening().fd], ['stderr=shop', nothing()]], ['blog', 'shop', 'new'])).toMatchObject({
      sites: { blog: ['5 ipv4'] }, everyFd: [5],
      kept: {
        blog: { notify: 3, stdout: 4, stderr: null }, shop: { notify: null, stdout: null, stderr: 6 }, new: { notify: null, stdout: null, stderr: null },
      },
      open: [3, 4, 5, 6], storedSites: ['blog', 'shop'],
    });
  });

  test('a socket that an earlier activator made is the site\'s, and may be its only one', async () => {
    expect(await inherited([['listen=blog', listening().fd], ['shop', listening().fd], ['listen=shop', listening().fd]])).toMatchObject({
      sites: { blog: ['3 ipv4'], shop: ['4 ipv4', '5 ipv4'] }, everyFd: [4], loopback: ['blog'], storedSites: ['blog', 'shop'],
    });
  });

  test('each UNIX socket of a site has a spare of its own', async () => {
    expect(await inherited([['spare.12=blog', nothing()], ['notify=blog', nothing()], ['spare.13=blog', nothing()]], ['blog'])).toMatchObject({
      kept: { blog: { notify: 4, spares: [[12, 3], [13, 5]] } }, open: [3, 4, 5], dropped: [],
    });
  });

  test('closes what no site asks for, and takes it out of the store', async () => {
    expect(await inherited([['notify=gone', nothing()], ['blog', listening().fd], ['spare.7=gone', nothing()]], ['blog'])).toMatchObject({
      open: [4], dropped: ['notify=gone', 'spare.7=gone'], said: ['warn gone: Gave up what an earlier activator kept of a site that has no socket'],
    });
  });
});
