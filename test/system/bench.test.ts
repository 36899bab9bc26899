/** Every scenario of bench/ in small: that it measures what it says, not how fast this machine is. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { runInBox } from '../../bench/harness/run-in-box.ts';
import type { Result, RunEvent } from '../../bench/types.ts';
import { testBox } from '../support/test-box.ts';

const box = testBox();
const events: RunEvent[] = [];
const results: Result[] = [];

function run(scenarios: readonly string[], programs: readonly string[]): Promise<void> {
  const options = { scenarios, programs, samples: 2, warmup: 0, idleMs: 500, awake: [1, 2], checkout: process.cwd() };
  return runInBox(box, options, (event) => {
    events.push(event);
    if (event.type === 'result') results.push(event.result);
  });
}

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['scripts/bench.mjs', '--bundle-only']);
  await run(['cold', 'zero'], ['tiny', 'node', 'python']);
  await run(['idle', 'footprint', 'image', 'create', 'born', 'unitfile', 'relay'], ['tiny']);
  // Some 40 s; a busy machine takes longer.
}, 180_000);

function of(scenario: string): Result[] {
  return results.filter((result) => result.scenario === scenario);
}

describe.each([
  { scenario: 'cold', programs: ['tiny', 'node', 'python'], subjects: ['floor', 'adopt', 'listen-fds'] },
  { scenario: 'zero', programs: ['tiny', 'node', 'python'], subjects: ['floor', 'adopt', 'listen-fds'] },
  { scenario: 'image', programs: ['tiny'], subjects: ['floor', 'floor, no seccomp', 'adopt, host', 'adopt, image', 'adopt, image, UserNS=host', 'podman start', 'podman run'] },
  {
    scenario: 'born',
    programs: ['tiny'],
    subjects: ['floor', 'listen-fds', 'cgroup-moved', 'born-by-clone', 'born-by-crun', 'born-by-clone-scope-late', 'born-by-clone-scope-early', 'born-by-crun-scope-late'],
  },
])('$scenario', ({ scenario, programs, subjects }) => {
  test('has every sample of every subject and program', () => {
    expect(of(scenario).map(({ program, subject }) => `${program} ${subject}`))
      .toEqual(programs.flatMap((program) => subjects.map((subject) => `${program} ${subject}`)));
    for (const { samplesMs, failures, notes, skipped } of of(scenario)) {
      expect({ samples: samplesMs.length, failures, notes, skipped }).toEqual({ samples: 2, failures: 0, notes: [], skipped: null });
    }
  });

  test('says how each compares with the floor', () => {
    for (const { subject, p50Ms, p99Ms, floorRatio } of of(scenario)) {
      expect(p50Ms).toBeGreaterThan(0);
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms ?? Number.NaN);
      if (subject === 'floor') expect(floorRatio).toBeNull();
      else expect(floorRatio?.low).toBeLessThanOrEqual(floorRatio?.high ?? Number.NaN);
    }
  });
});

test('what wakesock says of its wakes is kept, in the order in which the steps were done', () => {
  const phases = [...of('cold'), ...of('zero')].filter(({ subject }) => subject === 'adopt').map(({ phasesMs }) => phasesMs);
  expect(phases).toHaveLength(6);
  for (const each of phases) {
    const { rest, ...steps } = each ?? {};
    expect(rest).toBeGreaterThan(0);
    expect(Object.keys(steps)).toEqual(['process', 'scope', 'go', 'listen', 'total']);
    expect(Object.values(steps)).toEqual(Object.values(steps).toSorted((a, b) => a - b));
  }
});

test('asleep there is no process of ours, no memory, no CPU', () => {
  expect(of('idle')[0]?.values).toMatchObject({ sites: 10, processes: 0, pssBytes: 0, cpuUsec: 0 });
});

test('the footprint grows by descriptors with each site that is awake', () => {
  const values = of('footprint')[0]?.values ?? {};
  expect(values['awake1.pssBytes']).toBeGreaterThan(0);
  expect(values['perSite.descriptors']).toBeGreaterThan(0);
});

test('a new site of an image copies nothing of it', () => {
  const { imageBytes, createP50Ms, siteBytesMax } = of('create')[0]?.values ?? {};
  expect(createP50Ms).toBeGreaterThan(0);
  expect(siteBytesMax).toBeLessThan((imageBytes ?? 0) / 100);
});

test('reading unit files: the parser, and sites the first time and from the cache', () => {
  expect(of('unitfile').map(({ subject, values }) => [subject, values?.['sites'] ?? null])).toEqual([['parse 1 KB', null], ['parse 1 MB', null], ['load first', 1000], ['load cached', 1000]]);
  for (const { values } of of('unitfile')) for (const value of Object.values(values ?? {})) expect(value).not.toBeNaN();
});

test('requests through the front door and others, or why not; and the way to a sleeping site', () => {
  const ran = of('relay').filter(({ skipped }) => skipped === null);
  for (const { skipped } of of('relay')) expect(skipped).not.toBe('');
  const names = ran.map(({ subject }) => subject);
  // A box without the load generator says so once.
  if (!of('relay').some(({ subject }) => subject === 'throughput')) expect(names).toEqual(expect.arrayContaining(['back end direct', 'wakesock front', 'wakesock front, relayed socket']));
  for (const { values, failures, subject } of ran.filter(({ values: each }) => each !== null && '32.requestsPerSecond' in each)) {
    expect({ subject, failures }).toEqual({ subject, failures: 0 });
    expect(values?.['32.requestsPerSecond']).toBeGreaterThan(0);
    expect(values?.['32.cpuUsecPerRequest']).toBeGreaterThan(0);
  }
  expect(ran.at(-1)?.values).toMatchObject({ sites: 2 });
  expect(ran.at(-1)?.values?.['frontP50Ms']).toBeGreaterThan(0);
});

test('progress ends with all that was promised', () => {
  const last = events.findLast((event) => event.type === 'progress');
  expect(last?.done).toBe(last?.total);
});

test('nothing is left in the box', async () => {
  expect(await box.run(['sh', '-c', 'systemctl list-units --all --plain --no-legend "wakesock-site-bench-*"; ls -d /var/lib/wakesock-bench /run/systemd/system/wakesock.service.d 2>/dev/null || :'])).toBe('');
});
