/** Reading unit files: how fast the parser is, and what a hundred thousand sites cost the first time and from the cache. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../../src/base/paths.ts';
import { SiteCache } from '../../src/site/site-cache.ts';
import { mergeUnits, parseUnit } from '../../src/unitfile/index.ts';
import type { Bench, Scenario } from '../types.ts';

const scenario = 'unitfile';
/** At the default of 200 samples these are the 100,000 sites that are asked for. */
const sitesPerSample = 500;
const parsesPerSample = 200;

export const unitfile: Scenario = {
  name: scenario,
  what: 'parsing a typical site file; loading many sites, first time and from the cache',
  steps: () => 3,
  async run(bench) {
    parse(bench, 'parse 1 KB', typical(0));
    parse(bench, 'parse 1 MB', `${typical(0)}${'# A comment that says why.\nEnvironment=NAME=value\n'.repeat(20_000)}`.slice(0, 1_000_000));
    bench.step('parsed');
    load(bench);
  },
};

function parse(bench: Bench, subject: string, text: string): void {
  const rounds = Math.max(1, Math.round(parsesPerSample * 1000 / text.length));
  const samplesMs: number[] = [];
  for (let i = 0; i < bench.options.warmup + bench.options.samples; i++) {
    const start = performance.now();
    for (let k = 0; k < rounds; k++) mergeUnits([parseUnit(text, 'a.container')]);
    if (i >= bench.options.warmup) samplesMs.push((performance.now() - start) / rounds);
  }
  const median = samplesMs.toSorted((a, b) => a - b)[samplesMs.length >> 1] as number;
  bench.report({ scenario, subject, samplesMs, p50Ms: median, values: { bytes: text.length, usecPerFile: Math.round(median * 1000), megabytesPerSecond: Math.round(text.length / median / 100) / 10 } });
}

function load(bench: Bench): void {
  const sites = bench.options.samples * sitesPerSample;
  const directory = join(bench.directory, 'sites');
  mkdirSync(directory, { recursive: true });
  const names = Array.from({ length: sites }, (_unused, i) => `site-${i}`);
  for (const [i, name] of names.entries()) writeFileSync(join(directory, `${name}.container`), typical(i));
  bench.step('written');
  const paths: Paths = { siteDirs: [directory], stateDir: join(bench.directory, 'state'), runtimeDir: join(bench.directory, 'run'), controlPath: join(bench.directory, 'run/control.sock') };
  // All are held, so that the second round is from the cache alone.
  const cache = new SiteCache(paths, { sitesMax: sites, bytesMax: Number.MAX_SAFE_INTEGER });
  const before = process.memoryUsage().rss;
  for (const subject of ['load first', 'load cached']) {
    const start = performance.now();
    for (const name of names) cache.load(name);
    const totalMs = performance.now() - start;
    const residentBytes = process.memoryUsage().rss - before;
    bench.report({ scenario, subject, samplesMs: [totalMs / sites], p50Ms: totalMs / sites, values: { sites, totalMs: Math.round(totalMs), usecPerSite: Math.round(totalMs / sites * 1000), residentBytesPerSite: Math.round(residentBytes / sites) } });
  }
  bench.step('loaded');
  rmSync(directory, { recursive: true });
}

/** About 1 KB, as people write them. */
function typical(i: number): string {
  return `# Site ${i}, one of many. Quadlet's keys are in [Container], limits in [Service], and what is wakesock's alone in [X-Wakesock],
# which systemd and podman pass over. Ask the owner of the shop before you change the limits.
[Unit]
Description=Shop number ${i}
Documentation=https://example.com/shops/${i}

[Container]
Rootfs=/srv/roots/shop
Exec=/usr/bin/node --max-old-space-size=128 /app/server.js --listen 3000 --name "Shop ${i}"
Environment=NODE_ENV=production PORT=3000 "SHOP_NAME=Shop ${i}"
Environment=DATABASE_URL=postgres://shop${i}@localhost/shop${i} \\
  CACHE_SIZE=64M LOG_LEVEL=info
Volume=/srv/shops/${i}/data:/data
Volume=/srv/shops/${i}/uploads:/uploads
Tmpfs=/tmp:size=64m
User=1000:1000
WorkingDir=/app
ReadOnly=yes
NoNewPrivileges=yes
DropCapability=all

[Service]
MemoryMax=256M
MemoryHigh=192M
CPUQuota=50%
TasksMax=128
TimeoutStartSec=20
TimeoutStopSec=10s

; Where clients come from.
[X-Wakesock]
ListenStream=127.0.0.1:${1024 + (i % 60_000)}
Host=shop${i}.example.com www.shop${i}.example.com
Port=3000
IdleSec=5min
`;
}
