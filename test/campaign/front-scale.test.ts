/** What the front door costs at scale: memory of ten thousand idle clients, and whether it stays the same over a million requests. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FrontLoad } from '../support/front-load.ts';
import { testBox } from '../support/test-box.ts';
import { node, pollUntil, Scene, tcpSite } from '../support/scene.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const idleClients = Number(process.env['WAKESOCK_FRONT_IDLE'] ?? 10_000);
const requests = Number(process.env['WAKESOCK_FRONT_REQUESTS'] ?? 1_000_000);
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({ scale: tcpSite(`${node} /programs/usual-server.mjs`, 8591, { 'X-Wakesock': { Host: 'scale.example' } }) });
  await scene.box.run(['systemctl', 'start', frontSocket]);
  await scene.box.run(['curl', '--silent', '--fail', '--header', 'Host: scale.example', 'http://127.0.0.1/']);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.close();
});

const log = (line: string): void => void process.stderr.write(`front-scale: ${line}\n`);

async function memory(): Promise<number> {
  const { MainPID: pid = '' } = await scene.show(front, 'MainPID');
  return Number(/^Rss:\s*(\d+) kB$/m.exec(await scene.box.run(['cat', `/proc/${pid}/smaps_rollup`]))?.[1]) * 1024;
}

async function wrk(seconds: number): Promise<number> {
  const said = await scene.box.run(['wrk', '-t1', '-c32', `-d${seconds}s`, '-H', 'Host: scale.example', 'http://127.0.0.1/']);
  expect(said).not.toContain('Non-2xx');
  expect(said).not.toContain('Socket errors');
  return Number(/(\d+) requests in/.exec(said)?.[1]);
}

test(`${requests} requests: memory is the same after all of them as after the first tenth`, async () => {
  let sent = 0;
  while (sent < requests / 10) sent += await wrk(2);
  const first = await memory();
  while (sent < requests) sent += await wrk(10);
  const last = await memory();
  log(`RSS ${Math.round(first / 1e6)} MB after a tenth, ${Math.round(last / 1e6)} MB after ${sent} requests`);
  expect(last - first).toBeLessThan(25e6);
});

test(`${idleClients} idle clients are all served again, and cost what limits.ts says`, async () => {
  const before = await memory();
  const idle = new FrontLoad(scene.box, { what: 'idle', hosts: ['scale.example'], clients: idleClients });
  expect(await idle.next()).toEqual({ statuses: { 200: idleClients } });
  const after = await memory();
  idle.go();
  expect(await idle.next()).toEqual({ statuses: { 200: idleClients } });
  log(`RSS ${Math.round(before / 1e6)} MB before, ${Math.round(after / 1e6)} MB with ${idleClients} idle clients: ${Math.round((after - before) / idleClients)} bytes each`);
  expect((after - before) / idleClients).toBeLessThan(10_000);
  idle.end();
  await pollUntil('their connections to be gone', async () => Number(await scene.box.run(['sh', '-c', 'ss --tcp --no-header state established "( sport = :80 )" | wc -l'])) === 0);
});
