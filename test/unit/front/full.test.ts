/** Programs whose backlog is full, and clients who wait for one that is not there yet. */
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { once } from 'node:events';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { pieceBytes, pipelinedBytesMax } from '../../../src/base/limits.ts';
import { PatientConnect } from '../../../src/front/patient-connect.ts';
import { listenSocket } from '../../../src/linux/socket.ts';
import { addressText } from '../../../src/sockets/listener.ts';
import { listening } from '../sockets/kit.ts';
import { get, ok, Scene } from './scene.ts';

let scene: Scene | null = null;
afterEach(async () => {
  await scene?.close();
  scene = null;
});

/** A listener that accepts nobody, with room for one. @returns where it listens */
async function full(family: 'ipv4' | 'unix'): Promise<string> {
  const listener = listening(family);
  listenSocket(listener.fd, 0);
  const address = addressText(listener.address);
  const first = connect(family === 'unix' ? { path: address } : { host: '127.0.0.1', port: Number(address.split(':')[1]) });
  onTestFinished(() => { first.destroy(); });
  await once(first, 'connect');
  return address;
}

test('a TCP program whose backlog is full answers nothing at all: it is waited for no longer than one that refuses', async () => {
  const address = await full('ipv4');
  const patient = new PatientConnect({ family: 'ipv4', address });
  await expect(patient.connect(AbortSignal.timeout(60_000), 50)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

test('a UNIX socket whose backlog is full is 503, to be asked again: nothing is wrong with its program', async () => {
  scene = await Scene.open();
  scene.elsewhere = { family: 'unix', address: await full('unix') };
  const client = scene.client();
  client.send(get.replace('GET', 'DELETE'));
  expect(await client.rest()).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 1\r\n[^]*EAGAIN/);
  client.socket.destroy();
});

test('who sends single bytes to a program that is not there yet is read no further than what the pieces cost, and loses nothing', async () => {
  scene = await Scene.open();
  scene.patienceMs = 60_000;
  await scene.stopProgram();
  const count = Math.ceil(pipelinedBytesMax / pieceBytes) + 100;
  let sent = 0;
  const client = new Duplex({ read() { this.push(sent++ < count ? 'x' : null); }, write: (_chunk, _encoding, done) => done(), readableHighWaterMark: 1 });
  scene.attachRaw(client);
  while (!client.isPaused()) await new Promise((resolve) => { setImmediate(resolve); });
  expect(sent).toBeLessThanOrEqual(pipelinedBytesMax / pieceBytes + 2);
  await scene.startProgram();
  const program = await scene.program();
  expect((await program.rest()).length).toBe(count);
  program.send(ok);
  client.destroy();
});
