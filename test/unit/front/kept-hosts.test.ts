import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { KeptHosts } from '../../../src/front/kept-hosts.ts';
import { RouteSource } from '../../../src/front/route-source.ts';
import type { SiteHosts } from '../../../src/front/site-hosts.ts';
import { SiteFiles } from '../site/site-files.ts';

const log = createLog({ level: 'error', interactive: true });
/** Long after the files were written. */
const laterMs = Date.now() + 3_600_000;
/** A whole second: what is set back to it is so to the last digit. */
const writtenS = 1_000_000_000;
let files: SiteFiles;
let path: string;

beforeEach(() => {
  files = new SiteFiles();
  path = `${files.paths.stateDir}/front/hosts.json`;
});
afterEach(() => files.remove());

const siteText = (host: string): string => `[Container]\nExec=/bin/true\n[X-Wakesock]\nRoot=host\nListenStream=8081\nPort=80\nHost=${host}\n`;

function enable(name: string, host: string): string {
  files.write(`etc/${name}.container`, siteText(host));
  mkdirSync(`${files.paths.stateDir}/sites/${name}`, { recursive: true });
  const path = `${files.paths.siteDirs[0]}/${name}.container`;
  utimesSync(path, writtenS, writtenS);
  return path;
}

/** What a front door that starts now reads, by way of what is kept. */
async function started(program = 'this'): Promise<RouteSource> {
  const routes = new RouteSource(files.paths, log, new KeptHosts(path, program));
  await routes.ready;
  routes.close();
  return routes;
}

/** Of how many sites is kept what was read. */
function keptSites(): number {
  return (JSON.parse(readFileSync(path, 'utf8')) as { sites: unknown[] }).sites.length;
}

/** Says what nobody wrote into a file: who knows it has it from here. */
function keepAs(host: string, program = 'this'): void {
  const kept = JSON.parse(readFileSync(path, 'utf8')) as { program: string; sites: [string, SiteHosts][] };
  writeFileSync(path, JSON.stringify({ program, sites: kept.sites.map(([name, site]) => [name, { ...site, hosts: [host] }]) }));
}

/** A front door that starts at that time. By default as if the files had been there for long. */
async function keep(nowMs = laterMs): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
  try {
    await started();
  } finally {
    vi.useRealTimers();
  }
}

test('a file that is as it was is not read again', async () => {
  enable('a', 'a.example');
  await keep();
  keepAs('kept.example');
  expect((await started()).table.find('kept.example')).toBe('a');
});

test.each<[string, (file: string) => void]>([
  ['written again', (file) => writeFileSync(file, siteText('b.example'))],
  ['replaced by one of the same size and time', (file) => {
    writeFileSync(`${file}.other`, siteText('b.example'));
    utimesSync(`${file}.other`, writtenS, writtenS);
    renameSync(`${file}.other`, file);
  }],
  ['changed in its place, and its time set back', (file) => {
    const { ctimeMs } = statSync(file);
    // The clock of the file system goes in steps: until it has made one.
    do {
      writeFileSync(file, siteText('b.example'));
      utimesSync(file, writtenS, writtenS);
    } while (statSync(file).ctimeMs === ctimeMs);
  }],
])('one that was %s is', async (_, change) => {
  const file = enable('a', 'a.example');
  await keep();
  change(file);
  const { table } = await started();
  expect([table.find('a.example'), table.find('b.example')]).toEqual([null, 'a']);
});

test('one that lost its right to be read is looked at again, and one that is gone has no routes', async () => {
  const file = enable('a', 'a.example');
  enable('b', 'b.example');
  await keep();
  keepAs('kept.example');
  const { ctimeMs } = statSync(file);
  do chmodSync(file, 0o600); while (statSync(file).ctimeMs === ctimeMs);
  truncateSync(`${files.paths.siteDirs[0]}/b.container`);
  expect((await started()).table.find('kept.example')).toBeNull();
});

test('a drop-in counts at once', async () => {
  enable('a', 'a.example');
  await keep();
  files.write('etc/a.container.d/10.conf', '[X-Wakesock]\nHost=more.example\n');
  expect((await started()).table.find('more.example')).toBe('a');
});

test('a site that is not enabled any more has no routes, and a new one has', async () => {
  enable('a', 'a.example');
  await keep();
  renameSync(`${files.paths.stateDir}/sites/a`, `${files.paths.stateDir}/gone`);
  enable('b', 'b.example');
  const { table } = await started();
  expect([table.find('a.example'), table.find('b.example')]).toEqual([null, 'b']);
});

test('what was changed a moment before it was read is not kept: it may be changed again within the same tick', async () => {
  const changedMs = statSync(enable('a', 'a.example')).ctimeMs;
  await keep(Math.floor(changedMs) + 2_000);
  expect(keptSites()).toBe(0);
  await keep(Math.floor(changedMs) + 2_001);
  expect(keptSites()).toBe(1);
});

test.each(['', 'null', '{}', '{"program":"this"}', '{"program":"this","sites":[1]}', '\0\0\0', '{"program":"this","sites":[["a",null]]}'])('what cannot be used is passed over: %j', async (text) => {
  enable('a', 'a.example');
  mkdirSync(`${files.paths.stateDir}/front`, { recursive: true });
  writeFileSync(path, text);
  expect((await started()).table.find('a.example')).toBe('a');
});

test('what another program has read is passed over', async () => {
  enable('a', 'a.example');
  await keep();
  keepAs('kept.example', 'other');
  expect((await started()).table.find('a.example')).toBe('a');
});

test('where nothing has changed nothing is written', async () => {
  enable('a', 'a.example');
  await keep();
  const { ino } = statSync(path);
  await keep();
  expect(statSync(path).ino).toBe(ino);
  enable('b', 'b.example');
  await keep();
  expect(statSync(path).ino).not.toBe(ino);
});

test('no room for it: the next one reads the files', async () => {
  enable('a', 'a.example');
  mkdirSync(path, { recursive: true });
  expect((await started()).table.find('a.example')).toBe('a');
});
