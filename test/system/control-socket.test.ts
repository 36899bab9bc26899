/** Clients of the control socket while the activator ends: it may stay for as short a time as it likes, everybody is answered. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatusReport } from '../../src/control/types.ts';
import type { Connection } from '../support/clients.ts';
import { python, Scene, service, tcpSite } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

const socket = '/run/wakesock/control.sock';
const request = 'GET /v1/sites HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1ms');
  await scene.enable({ asked: tcpSite(`${python('plain.py')} 3000`, 8721) });
});
afterAll(() => scene.close());

async function reportOn(connection: Connection): Promise<StatusReport> {
  const status = await connection.line();
  let last = '';
  for await (const line of linesOf(connection)) last = line;
  return { status, ...JSON.parse(last) } as StatusReport & { status: string };
}

/** To the end of the only line of JSON. */
async function* linesOf(connection: Connection): AsyncGenerator<string> {
  for (;;) {
    const line = await connection.line();
    yield line;
    if (line.startsWith('{')) return;
  }
}

test('one after another, each as the one before is answered, whatever the activator is at just then', async () => {
  const pids = new Set<number | null>();
  const from = await scene.mark();
  // Until it was met at its end.
  for (let round = 0; round < 60 || pids.size < 2; round++) {
    const report = await reportOn(scene.clients.open(socket, request));
    expect(report).toMatchObject({ status: expect.stringMatching(/^HTTP\/1\.1 200 /), activator: { state: 'running' } });
    pids.add(report.activator.pid);
  }
  await scene.mark();
  // None was started only to end before it has answered.
  const started = scene.journal.since(from, ({ unit, text }) => unit === service && text.startsWith(`Started ${service}`));
  expect(started.length).toBeLessThanOrEqual(pids.size);
  // And none before it had said that it is ready, which would be a failure (Type=notify).
  expect(scene.journal.since(from, ({ unit, text }) => unit === service && /result 'protocol'/.test(text))).toEqual([]);
});

test('all at once', async () => {
  const reports = await Promise.all(Array.from({ length: 60 }, () => reportOn(scene.clients.open(socket, request))));
  expect(reports.map(({ sites }) => sites.length)).toEqual(reports.map(() => 1));
});

test('who was accepted and takes his time is answered by the activator that has accepted him', async () => {
  const slow = scene.clients.open(socket);
  await slow.connected;
  const pids = new Set<number | null>();
  for (let round = 0; round < 20; round++) pids.add((await reportOn(scene.clients.open(socket, request))).activator.pid);
  slow.command({ do: 'send', send: request });
  pids.add((await reportOn(slow)).activator.pid);
  expect([...pids]).toHaveLength(1);
});

test('a wake by name, which is another client each time', async () => {
  for (let round = 0; round < 5; round++) {
    expect(await scene.product.exec('wake', 'asked')).toMatchObject({ code: 0, stderr: '' });
    expect(await scene.product.exec('sleep', '--force', 'asked')).toMatchObject({ code: 0, stderr: '' });
  }
  await scene.expectNoCrash();
});
