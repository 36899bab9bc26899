import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { benchText } from '../../../src/cli/bench-text.ts';
import { summarize } from '../../../src/bench/summary.ts';
import { siteStatus } from '../control/fake-backend.ts';
import { start, temporaryDirectory } from '../control/fake.ts';
import { FakeContext, wakesock } from './fake-context.ts';

const phasesMs = { process: 1, scope: 2, go: 3, listen: 4, total: 4 };

async function siteThatAnswers(status = 200) {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host} ${request.url}`);
    response.writeHead(status).end('ok\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => { server.close(); });
  const { port } = server.address() as AddressInfo;
  const { path, backend } = await start();
  const blog = siteStatus({ listen: [`0.0.0.0:${port}`], lastWake: { at: '2026-01-01T00:00:00.000Z', by: 'connection', phasesMs } });
  backend.site = async () => blog;
  backend.sites = async () => [blog];
  return { asked, port, backend, control: `--control=${path}` };
}

test('puts the site to sleep for each wake, and says what it measured', async () => {
  const { asked, backend, control } = await siteThatAnswers();
  const { code, out, err } = await wakesock(['bench', '--cold=3', '--rate=0', '--yes', '--json', control, 'blog']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(backend.calls).toEqual(['sleep blog by force', 'sleep blog by force', 'sleep blog by force']);
  expect(asked).toEqual(Array.from({ length: 3 }, () => 'GET blog.example.com /'));
  const { site, cold, warm } = JSON.parse(out);
  expect({ site, warm, samples: cold.samplesMs.length, count: cold.summary.count, failed: cold.failed }).toEqual({ site: 'blog', warm: null, samples: 3, count: 3, failed: [] });
  expect(cold.stepsMs).toMatchObject({ process: 1, scope: 1, go: 1, listen: 1 });
});

test.each([
  ['its host name', (port: number) => `http://blog.example.com:${port}/shop?page=2`],
  ['its port', (port: number) => `http://127.0.0.1:${port}/shop?page=2`],
])('a URL is of the site with %s', async (what, url) => {
  const { asked, port, backend, control } = await siteThatAnswers();
  const { code, out } = await wakesock(['bench', '--cold=1', '--rate=0', '--yes', '--json', control, url(port)]);
  expect(backend.calls).toEqual(['sleep blog by force']);
  if (what === 'its port') expect({ code, asked }).toEqual({ code: 0, asked: [`GET 127.0.0.1:${port} /shop?page=2`] });
  else expect(JSON.parse(out)).toMatchObject({ site: 'blog' });
});

test('an answer of 500 and above is a failure', async () => {
  const { control } = await siteThatAnswers(503);
  const { code, out } = await wakesock(['bench', '--cold=2', '--rate=0', '--yes', control, 'blog']);
  expect(code).toBe(1);
  // Nothing of what is not there is shown: neither steps nor a histogram.
  expect(out).toMatch(/\n {2}no answer\n {2}2 failed: answered 503\n$/);
});

test('a site that does not start is not tried again and again', async () => {
  const { backend, control } = await siteThatAnswers(503);
  const broken = siteStatus({ ...await backend.site('blog'), state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED', message: 'exit status 3' } });
  backend.site = async () => broken;
  const { code, err } = await wakesock(['bench', '--cold=9', '--rate=0', '--yes', control, 'blog']);
  expect({ code, err }).toEqual({ code: 1, err: 'wakesock: blog cannot be measured, it does not start: exit status 3 (ERR_WAKESOCK_EXITED)\n' });
  expect(backend.calls).toHaveLength(1);
});

test('nobody can be asked, and nobody said yes: nothing is stopped', async () => {
  const { backend, control } = await siteThatAnswers();
  const { code, err } = await wakesock(['bench', control, 'blog']);
  expect(code).toBe(2);
  expect(err).toContain('This stops blog 30 times and cuts off whoever uses it; say --yes');
  expect(backend.calls).toEqual([]);
});

test.each([['y\n', 0, 1], ['yes\n', 0, 1], ['n\n', 1, 0], ['\n', 1, 0], ['', 1, 0]])('who answers %j at a terminal is taken at his word', async (input, code, sleeps) => {
  const { backend, control } = await siteThatAnswers();
  const result = await wakesock(['bench', '--cold=1', '--rate=0', control, 'blog'], new FakeContext({ input }));
  expect(result.code).toBe(code);
  expect(result.err).toContain('This stops blog 1 times and cuts off whoever uses it. Go on? [y/N]');
  expect(backend.calls).toHaveLength(sleeps);
});

test.each([
  [['bench'], 'Expected one site or URL, found 0'],
  [['bench', '--cold=many', 'blog'], 'Expected --cold to be a whole number up to 10000, got many'],
  [['bench', '--rate=99999', 'blog'], 'Expected --rate to be a whole number up to 5000, got 99999'],
  [['bench', '--yes', 'https://blog.example.com/'], 'begins with http://, got https://blog.example.com/'],
  [['bench', '--yes', 'http://other.example.com/'], 'No site has the host name other.example.com or listens on port 80'],
])('%j is refused', async (args, message) => {
  const { control } = await siteThatAnswers();
  const { code, err } = await wakesock([...args, control]);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
});

test('--html writes a page of its own', async () => {
  const { control } = await siteThatAnswers();
  const file = join(await temporaryDirectory(), 'page.html');
  await wakesock(['bench', '--cold=2', '--rate=0', '--yes', `--html=${file}`, control, 'blog']);
  expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>[\s\S]*wakesock bench blog[\s\S]*Steps of a wake/);
});

test('fits 60 columns, in plain letters where there is no terminal', () => {
  const samplesMs = Array.from({ length: 60 }, (_, index) => 20 + (index * 7) % 13 + (index === 30 ? 400 : 0));
  const measured = {
    site: 'blog', handoff: 'adopt', url: 'http://0.0.0.0:8081/', at: '2026-01-01T00:00:00.000Z',
    cold: { samplesMs, summary: summarize(samplesMs), stepsMs: { process: 1.5, scope: 3, go: 6, listen: 12, answer: 1 }, failed: ['answered 503'] },
    warm: { ratePerSecond: 20, durationMs: 10_000, samplesMs: samplesMs.map((ms) => ms / 50), summary: summarize(samplesMs.map((ms) => ms / 50)), failures: 0, reasons: {}, lateMsMax: 1.2 },
  };
  const terminal = benchText(measured, new FakeContext({ columns: 60, env: { LANG: 'C.UTF-8', NO_COLOR: '1' } }));
  expect(terminal).toMatchSnapshot();
  for (const line of terminal.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  expect(benchText(measured, new FakeContext())).toMatch(/^[\x20-\x7E\n]*$/);
});
