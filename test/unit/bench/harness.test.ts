/** What is made of results: tables, verdicts, what has changed. */
import { describe, expect, it } from 'vitest';
import { report } from '../../../bench/harness/report.ts';
import { withTable } from '../../../bench/harness/readme.ts';
import { changes, kept, type Line } from '../../../bench/harness/since.ts';
import { markdown, plainText, tablesOf } from '../../../bench/harness/tables.ts';
import { verdict, verdictText } from '../../../bench/harness/verdict.ts';
import { independent } from '../../../src/bench/statistics.ts';
import type { Machine, Result } from '../../../bench/types.ts';

const machine: Machine = {
  at: '2026-11-01T00:00:00.000Z', target: 'debian12', commit: 'aaaaaaa', kernel: '6.18', systemd: '252', crun: '1.8.1', node: '20', cpu: 'CPU', cpus: 2, load: [0, 0, 0],
};

function result(changed: Partial<Result>): Result {
  return {
    scenario: 'cold', subject: 'adopt', program: 'tiny', parameter: null, samplesMs: [], groups: null, failures: 0, p50Ms: 1, p99Ms: 1, floorRatio: null, phasesMs: null,
    values: null, notes: [], versions: null, skipped: null, ...changed,
  };
}

const line = (changed: Partial<Line>): Line => ({ ...machine, ...result({ samplesMs: around(10) }), ...changed });

const around = (ms: number): number[] => Array.from({ length: 40 }, (_, index) => ms + (index % 7) / 10);

describe('verdict', () => {
  it('is given where the intervals of the medians do not overlap', () => {
    expect(verdict(independent(around(20)), independent(around(10)))?.word).toBe('slower');
    expect(verdict(independent(around(10)), independent(around(20)))?.word).toBe('faster');
  });

  it('is not given where they do, whatever the ratio', () => {
    const found = verdict(independent(around(10.1)), independent(around(10)));
    expect(found?.word).toBeNull();
    expect(verdictText(found)).toMatch(/^1\.0\d \(\d\.\d\d–\d\.\d\d\)$/);
  });

  it('is not given by a few samples, nor by a few turns under load, however far apart', () => {
    const [few, others] = [around(20).slice(0, 5), around(10).slice(0, 5)];
    expect(verdict(independent(few), independent(others))?.word).toBeNull();
    const turns = verdict({ values: around(20), groups: [10, 10, 10, 10] }, independent(around(10)));
    expect(turns?.word).toBeNull();
    expect(verdictText(turns)).toBe('1.97');
  });

  it('is none of nothing', () => {
    expect(verdictText(verdict(independent([]), independent(around(1))))).toBe('');
  });
});

describe('what has changed', () => {
  const later = { at: '2026-11-02T00:00:00.000Z', commit: 'bbbbbbb' };

  it('is the newest line beside the one before it, of the same machine', () => {
    const { rows } = changes([line({ ...later, samplesMs: around(20), p50Ms: 20 }), line({ p50Ms: 10 }), line({ at: '2026-10-01T00:00:00.000Z', samplesMs: around(99) })], null);
    expect(rows).toEqual([['debian12', 'cold', 'tiny', 'adopt', '', 'aaaaaaa 2026-11-01', '10.0', 'bbbbbbb 2026-11-02', '20.0', expect.stringMatching(/^1\.9\d .* slower$/)]]);
  });

  it('is not told between two machines, kernels, targets, programs or parameters', () => {
    for (const other of [{ cpu: 'other' }, { kernel: '6.19' }, { target: 'debian13' }, { program: 'node' }, { parameter: '50 sites' }, { cpus: 4 }] as const) {
      const { rows, notes } = changes([line({}), line({ ...later, ...other })], null);
      expect(rows).toEqual([]);
      expect(notes[0]).toContain('Nothing to compare');
    }
  });

  it('can be asked for since a commit', () => {
    const lines = [line({ at: '2026-10-01T00:00:00.000Z', commit: 'ccccccc' }), line({}), line(later)];
    expect(changes(lines, 'ccccccc').rows[0]?.[5]).toBe('ccccccc 2026-10-01');
    expect(changes(lines, 'ddddddd').rows).toEqual([]);
  });

  it('takes lines of before there were parameters and groups', () => {
    const { parameter: _parameter, groups: _groups, ...old } = line({});
    expect(changes([old as Line, line(later)], null).rows).toHaveLength(1);
  });
});

describe('the newest results', () => {
  it('are one of each kind, for each target', () => {
    const later = { at: '2026-11-02T00:00:00.000Z', commit: 'bbbbbbb' };
    const runs = kept([line({ ...later, p50Ms: 20 }), line({ p50Ms: 10 }), line({ program: 'node', p50Ms: 30 }), line({ parameter: '10 sites', p50Ms: 40 }), line({ target: 'debian13', p50Ms: 50 })]);
    expect(runs.map(({ target, results }) => [target, results.map(({ p50Ms }) => p50Ms).toSorted()])).toEqual([['debian12', [20, 30, 40]], ['debian13', [50]]]);
    expect(runs[0]?.headline).toContain('not of one run; of the newest: debian12, 2026-11-02, bbbbbbb');
  });
});

describe('tables', () => {
  const results = [
    result({ samplesMs: around(20), p50Ms: 20, values: { requests: 40, other: null } }),
    result({ subject: 'socket unit, crun', samplesMs: around(10), p50Ms: 10, parameter: null, values: { requests: 40 } }),
    result({ subject: 'proxyd', skipped: 'systemd-socket-proxyd is not there' }),
  ];

  it('say how each does beside adopt, and what did not run', () => {
    const text = tablesOf(results).map(plainText).join('\n');
    expect(text).toMatch(/socket unit, crun .* 0\.5\d \(.*\) faster/);
    expect(text).toContain('proxyd, tiny: not run: systemd-socket-proxyd is not there');
    expect(text).toContain('not known');
    expect(tablesOf(results)[0]?.head).not.toContain('phases, ms');
  });

  it('are the same as Markdown and on the page', () => {
    const [table] = tablesOf(results);
    const rows = markdown(table!).split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(4);
    const html = report([{ headline: 'a machine', target: 'debian12', results }]);
    for (const cell of table!.rows.flat()) expect(html).toContain(cell);
    expect(html).toContain('proxyd: not run: systemd-socket-proxyd is not there');
  });

  it('put figures by the number of sites side by side', () => {
    const density = [10, 1000].map((sites) => result({ scenario: 'density', subject: 'own sockets', program: null, parameter: `${sites} sites`, values: { sites, reloadMs: sites / 10 } }));
    expect(tablesOf(density)[0]).toMatchObject({ head: ['subject', 'figure', '10 sites', '1000 sites'], rows: [['own sockets', 'sites', '10', '1000'], ['own sockets', 'reloadMs', '1', '100']] });
    expect(report([{ headline: '', target: 'debian12', results: density }])).toContain('<polyline');
    const boot = result({ scenario: 'density', subject: 'boot', program: null, parameter: '0 sites', values: { sites: 0, bootMs: 100 } });
    expect(tablesOf([...density, boot])[0]).toMatchObject({ head: ['subject', 'figure', '0 sites', '10 sites', '1000 sites'], rows: [
      ['own sockets', 'sites', '', '10', '1000'], ['own sockets', 'reloadMs', '', '1', '100'], ['boot', 'sites', '0', '', ''], ['boot', 'bootMs', '100', '', ''],
    ] });
  });
});

describe('README\'s table', () => {
  const place = 'before\n<!-- npm run bench -- --readme writes from here -->\nold\n<!-- to here -->\nafter\n';
  const lines = [
    line({ at: '2026-10-01T00:00:00.000Z', commit: 'old', p50Ms: 99 }),
    line({ subject: 'floor', samplesMs: around(5), p50Ms: 5.2, p99Ms: 6 }), line({ p50Ms: 10.3, p99Ms: 11, floorRatio: { p50: 1.98, low: 1.9, high: 2.1 } }),
    line({ subject: 'proxyd', samplesMs: around(100), p50Ms: 100, p99Ms: 101 }), line({ subject: 'proxyd', program: 'python', skipped: 'it is not there', p50Ms: null }),
    line({ subject: 'PHP-FPM', program: 'php', p50Ms: 7, p99Ms: 8 }), line({ subject: 'documented', samplesMs: [], failures: 30, p50Ms: null }),
    line({ scenario: 'zero', p50Ms: 60, p99Ms: 70 }), line({ scenario: 'warm', p50Ms: 1 }), line({ target: 'debian13', p50Ms: 11, p99Ms: 12 }),
  ];

  it('is of the newest run of each target and scenario, and takes the place of the old one', () => {
    const text = withTable(place, lines);
    expect(text).toMatch(/^before\n[^]*\nafter\n$/);
    expect(text).not.toMatch(/\bold\b|99\.0|warm/);
    expect(text.match(/^\| (?:cold|zero) \|/gm)).toHaveLength(3);
    expect(text).toContain('2026-11-01, aaaaaaa: Linux 6.18');
    expect(withTable(text, lines)).toBe(text);
  });

  it('has every subject, what it says beside the floor and adopt, and why one did not run', () => {
    const rows = withTable(place, lines).split('\n');
    expect(rows).toEqual(expect.arrayContaining([
      '| cold | tiny | python |', '| **floor** | 5.2 / 6.0 ms |  |', '| **adopt** | 10.3 / 11.0 ms, 1.98 × |  |', '| proxyd | 100.0 / 101.0 ms, slower | not run |',
      '| PHP-FPM |  | 7.0 / 8.0 ms, a program of its own (php) |', '| documented | no answer to 30 |  |', 'proxyd: not run: it is not there',
    ]));
  });

  it('needs a place and results', () => {
    expect(() => withTable('nothing', lines)).toThrow('Expected README.md');
    expect(() => withTable(place, [line({ scenario: 'warm' })])).toThrow('There are no results');
  });
});
