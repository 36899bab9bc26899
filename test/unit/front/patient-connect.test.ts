import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { connectTo, PatientConnect } from '../../../src/front/patient-connect.ts';
import { AF_UNIX, SOCK_DGRAM } from '../../../src/linux/constants.ts';
import { bindSocket, openSocket } from '../../../src/linux/socket.ts';
import { closedAfterTest, temporaryDirectory } from '../sockets/kit.ts';
import { bundle } from '../bundle.ts';

/** The one port that this network has for clients is the one that is connected to. */
const oneClientPort = 'ip link set lo up && echo 40001 40001 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"';
const program = `
const { createServer } = require('node:net');
const { PatientConnect } = require('./program.cjs');
const connecting = new PatientConnect({ family: 'ipv4', address: '127.0.0.1:40001' });
void connecting.connect(new AbortController().signal, 50).then((socket) => socket.localPort + ' to ' + socket.remotePort, ({ code }) => code).then((outcome) => {
  const server = createServer();
  server.on('error', ({ code }) => console.log(outcome, code)).listen(40001, '127.0.0.1', () => {
    console.log(outcome, 'listens');
    server.close();
  });
});
`;

test('a port of those that the kernel gives to clients, on which nobody listens: not connected to itself, and still free for the program', async () => {
  const directory = dirname(await bundle('src/front/patient-connect.ts'));
  writeFileSync(`${directory}/waits.cjs`, program);
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', oneClientPort, 'sh', process.execPath, `${directory}/waits.cjs`]);
  expect(stdout).toBe('ECONNREFUSED listens\n');
});

test('what no waiting mends is told at once, also when it comes while there is nothing yet', async () => {
  const directory = temporaryDirectory();
  const never = (name: string): Promise<unknown> => new PatientConnect({ family: 'unix', address: `${directory}/${name}` }).connect(new AbortController().signal, 3_600_000);
  const datagrams = (name: string): void => bindSocket(closedAfterTest(openSocket(AF_UNIX, SOCK_DGRAM)), { family: 'unix', path: `${directory}/${name}` });
  datagrams('there');
  await expect(never('there')).rejects.toThrow(expect.objectContaining({ code: 'EPROTOTYPE' }));
  const waiting = never('later');
  datagrams('later');
  await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'EPROTOTYPE' }));
});

test('how long nobody may listen there says nothing of how long the connection may be silent', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = await new PatientConnect({ family: 'ipv4', address: `127.0.0.1:${(server.address() as AddressInfo).port}` }).connect(new AbortController().signal, 10_000);
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  expect(socket.timeout ?? 0).toBe(0);
});

test('what comes before anybody takes it is kept, in its order', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connectTo({ family: 'ipv4', address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  const [program] = await accepted;
  for (const [text, bytes] of [['early ', 6], ['late', 10]] as const) {
    program.write(text);
    while (socket.bytesRead < bytes) await new Promise((resolve) => { setImmediate(resolve); });
  }
  program.end();
  let taken = '';
  socket.on('data', (chunk) => { taken += String(chunk); });
  await once(socket, 'end');
  expect(taken).toBe('early late');
});
