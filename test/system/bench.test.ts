/** Every scenario of bench/ in small: that it measures what it says, not how fast this machine is. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { boots } from '../../bench/harness/boots.ts';
import { runIn } from '../../bench/harness/run-in.ts';
import type { Result, RunEvent } from '../../bench/types.ts';
import { testBox } from '../support/test-box.ts';

const box = testBox();
const events: RunEvent[] = [];
const results: Result[] = [];

function run(scenarios: readonly string[], programs: readonly string[]): Promise<void> {
  const options = { scenarios, programs, samples: 2, warmup: 0, idleMs: 500, awake: [1, 2], loadMs: 400, ratePerSecond: 40, storm: [1, 3], density: [2, 22], checkout: process.cwd() };
  return runIn(box, options, (event) => {
    events.push(event);
    if (event.type === 'result') results.push(event.result);
  });
}

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['scripts/bench.mjs', '--bundle-only']);
  await run(['cold', 'zero'], ['tiny', 'node', 'python']);
  await run(['warm', 'storm', 'churn', 'density', 'idle', 'footprint', 'image', 'create', 'born', 'unitfile', 'relay', 'front'], ['tiny']);
  // Some 40 s; three minutes were seen on a very busy machine.
}, 600_000);

/** What needs packages that are not everywhere. */
const peers = new Set([
  'proxyd, crun, as documented', 'proxyd, crun, wait loop', 'proxyd, podman start, wait loop', 'proxyd, nspawn, wait loop', 'uWSGI Emperor, on demand', 'PHP-FPM, ondemand',
]);

function of(scenario: string): Result[] {
  return results.filter((result) => result.scenario === scenario);
}

describe.each([
  { scenario: 'cold', programs: ['tiny', 'node', 'python'], subjects: ['floor', 'adopt', 'listen-fds', 'adopt, front door', 'always on', 'socket unit, crun'] },
  { scenario: 'zero', programs: ['tiny', 'node', 'python'], subjects: ['floor', 'adopt', 'listen-fds', 'adopt, front door'] },
  { scenario: 'image', programs: ['tiny'], subjects: ['floor', 'floor, no seccomp', 'adopt, host', 'adopt, image', 'adopt, image, UserNS=host', 'podman start', 'podman run'] },
  {
    scenario: 'born',
    programs: ['tiny'],
    subjects: ['floor', 'listen-fds', 'cgroup-moved', 'born-by-clone', 'born-by-crun', 'born-by-clone-scope-late', 'born-by-clone-scope-early', 'born-by-crun-scope-late'],
  },
])('$scenario', ({ scenario, programs, subjects }) => {
  test('has every sample of every subject and program', () => {
    const certain = of(scenario).filter(({ subject }) => !peers.has(subject));
    expect(certain.map(({ program, subject }) => `${program} ${subject}`)).toEqual(programs.flatMap((program) => subjects.map((subject) => `${program} ${subject}`)));
    for (const { samplesMs, failures, skipped } of certain) expect({ samples: samplesMs.length, failures, skipped }).toEqual({ samples: 2, failures: 0, skipped: null });
  });

  test('says how each compares with the floor', () => {
    for (const { subject, p50Ms, p99Ms, floorRatio } of of(scenario).filter((result) => !peers.has(result.subject))) {
      expect(p50Ms).toBeGreaterThan(0);
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms ?? Number.NaN);
      if (subject === 'floor') expect(floorRatio).toBeNull();
      else expect(floorRatio?.low).toBeLessThanOrEqual(floorRatio?.high ?? Number.NaN);
    }
  });
});

test('every peer is there: measured, with its version, or with the package that it lacks', () => {
  const own = new Set(['uWSGI Emperor, on demand', 'PHP-FPM, ondemand']);
  for (const peer of peers) {
    const found = of('cold').filter(({ subject }) => subject === peer);
    expect({ peer, results: found.length }).toEqual({ peer, results: own.has(peer) ? 1 : 3 });
    for (const { samplesMs, failures, versions, skipped } of found) {
      if (skipped !== null) expect(skipped).toMatch(/apt-get install|not found|is not there|port 8080/);
      else expect({ answers: samplesMs.length + failures, versions: Object.values(versions ?? {}).every((version) => /^\d/.test(version)) }).toEqual({ answers: 2, versions: true });
    }
  }
});

test('warm: every request at the fixed rate is accounted for, and there is a throughput', () => {
  expect(of('warm').map(({ subject }) => subject)).toEqual(expect.arrayContaining(['always on', 'socket unit, crun', 'adopt', 'listen-fds', 'adopt, front door']));
  for (const { samplesMs, failures, values, parameter } of of('warm').filter(({ skipped, program }) => skipped === null && program === 'tiny')) {
    // 40/s for 400 ms in eight turns.
    expect({ answers: samplesMs.length, failures, parameter, requests: values?.['requests'] }).toEqual({ answers: 16, failures: 0, parameter: '40/s', requests: 16 });
    expect(values?.['perSecond']).toBeGreaterThan(0);
  }
});

test('warm: our client and wrk say the same of a server whose speed is known', () => {
  const [found, ...others] = of('warm').filter(({ program }) => program === 'paced');
  expect(others).toEqual([]);
  if (found?.skipped) return expect(found.skipped).toContain('apt-get install wrk');
  expect({ agrees: found?.values?.['agrees'], failures: found?.failures }, found?.notes.join('\n')).toEqual({ agrees: 1, failures: 0 });
});

test('storm: all sites answer, for each number of them', () => {
  expect(of('storm').map(({ subject, parameter, samplesMs, failures }) => [subject, parameter, samplesMs.length, failures])).toEqual(
    [1, 3].flatMap((sites) => ['socket unit, crun', 'adopt', 'listen-fds', 'adopt, front door'].map((subject) => [subject, `${sites} sites`, 2 * sites, 0])),
  );
});

test('churn: nobody is lost while sites stop and wake', () => {
  for (const { samplesMs, failures, values, notes } of of('churn')) {
    expect({ failures, requests: values?.['requests'] }, notes.join('\n')).toEqual({ failures: 0, requests: samplesMs.length });
    expect(values?.['wakes']).toBeGreaterThan(0);
  }
  expect(of('churn').map(({ subject }) => subject)).toEqual(['adopt', 'listen-fds', 'adopt, front door']);
});

function densityOf(subject: string): Result['values'][] {
  return of('density').filter((result) => result.subject === subject).map(({ values }) => values);
}

describe('density', () => {
  test.each([
    { subject: 'own sockets', more: 20, give: 6, whose: ['systemd', 'activator'] },
    // Those that were woken have sockets of the activator's own making, and their leases are held for a while.
    { subject: 'behind the front door', more: 0, give: 16, whose: ['systemd', 'front'] },
  ])('$subject: $whose hold $more descriptors more for twenty sites more', ({ subject, more, give, whose: holders }) => {
    const [few, many] = densityOf(subject);
    expect([few?.['sites'], many?.['sites']]).toEqual([2, 22]);
    for (const whose of holders) {
      const found = (many?.[`${whose}.descriptors`] ?? 0) - (few?.[`${whose}.descriptors`] ?? 0);
      // Both have some that come and go, as for the output of a service that has just ended.
      expect(Math.abs(found - more), `${whose}: ${found}`).toBeLessThan(give);
    }
  });

  test('there are first bytes of sites from the first to the last, and memory of whoever answers', () => {
    for (const kind of ['own sockets', 'behind the front door']) {
      for (const what of ['zero', 'cold']) expect(of('density').filter(({ subject }) => subject === `${kind}: ${what}`).map(({ samplesMs }) => samplesMs.length)).toEqual([2, 2]);
    }
    expect(densityOf('behind the front door')[0]?.['front.pssBytes']).toBeGreaterThan(0);
  });

  test('boots with that many sites, beside one without', async () => {
    const steps: string[] = [];
    const found = await boots({ target: box.info.target, checkout: process.cwd(), density: [3], rounds: 1, step: (what) => steps.push(what) });
    expect(steps).toEqual(['boot with 0 sites', 'boot with 3 sites']);
    expect(found.map(({ subject, parameter, samplesMs }) => [subject, parameter, samplesMs.length])).toEqual([['own sockets: boot', '0 sites', 1], ['own sockets: boot', '3 sites', 1]]);
    for (const { p50Ms } of found) expect(p50Ms).toBeGreaterThan(0);
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
  const values = Object.fromEntries(of('footprint').map(({ subject, values: each }) => [subject, each]));
  for (const subject of ['adopt', 'front door']) expect(values[subject]?.['awake1.pssBytes']).toBeGreaterThan(0);
  expect(values['adopt']?.['perSite.descriptors']).toBeGreaterThan(0);
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
  for (const { values, failures, subject, versions } of ran.filter(({ values: each }) => each !== null && '32.requestsPerSecond' in each)) {
    expect({ subject, failures }).toEqual({ subject, failures: 0 });
    expect(values?.['32.requestsPerSecond']).toBeGreaterThan(0);
    if (!subject.startsWith('wakesock')) expect({ subject, versions: Object.values(versions ?? {}) }).toEqual({ subject, versions: [expect.stringMatching(/^\d/)] });
    expect(values?.['32.cpuUsecPerRequest']).toBeGreaterThan(0);
  }
  expect(ran.at(-1)?.values).toMatchObject({ sites: 2 });
  expect(ran.at(-1)?.values?.['frontP50Ms']).toBeGreaterThan(0);
});

test('memory of the front door by idle connections and by names', () => {
  expect(of('front').map(({ subject, skipped }) => ({ subject, skipped }))).toEqual([
    { subject: 'idle connections', skipped: null }, { subject: 'names of files', skipped: null }, { subject: 'names of instances', skipped: null },
  ]);
  for (const { values } of of('front')) {
    expect(values?.['count']).toBeGreaterThan(10);
    // That so few of them are more than what a collection of garbage, or another Node process that shares its program, takes away is chance.
    for (const figure of ['pssBytes', 'before.pssBytes', 'privateBytes']) expect(values?.[figure], figure).toBeGreaterThan(2 ** 20);
    expect(values?.['each.pssBytes']).toEqual(expect.any(Number));
  }
});

test('progress ends with all that was promised', () => {
  const last = events.findLast((event) => event.type === 'progress');
  expect(last?.done).toBe(last?.total);
});

test('nothing is left in the box', async () => {
  expect(await box.run(['sh', '-c', 'systemctl list-units --all --plain --no-legend "wakesock-site-bench-*" "wakesock-bench-*"; ls -d /run/systemd/system/wakesock-bench-* /var/lib/wakesock-bench /run/systemd/system/wakesock*.d 2>/dev/null || :'])).toBe('');
});
