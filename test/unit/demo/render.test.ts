import { describe, expect, test } from 'vitest';

interface Row {
  readonly name: string;
  readonly state: string;
  readonly processes?: number;
  readonly memoryBytes?: number;
  readonly firstMs?: number;
  readonly secondMs?: number;
  readonly phasesMs?: Readonly<Record<string, number>>;
}

// Plain JavaScript, since scripts run before anything is built.
const { formatMemory, formatMs, phaseList, renderScreen, splitPhases } = (await import(new URL('../../../scripts/demo/render.mjs', import.meta.url).href)) as {
  formatMemory(bytes?: number): string;
  formatMs(ms?: number): string;
  phaseList(split: Readonly<Record<string, number>>): string;
  renderScreen(
    model: { rows: readonly Row[]; doing?: string; notes: readonly string[] },
    look: { width: number; unicode: boolean; colour: boolean; tick: number },
  ): string[];
  splitPhases(
    answer: { ms: number; startedAtMs: number },
    lastWake: { at: string; phasesMs: Readonly<Record<string, number | null>> },
  ): Record<string, number>;
};

const plain = { width: 99, unicode: true, colour: false, tick: 0 };
const split = { activator: 60, process: 5, scope: 10, go: 6, listen: 34, answer: 15 };
const model = {
  rows: [
    { name: 'node', state: 'awake', processes: 1, memoryBytes: 9 * 1024 * 1024, firstMs: 130, secondMs: 1.25, phasesMs: split },
    { name: 'redis', state: 'dormant', processes: 0, memoryBytes: 0 },
    { name: 'activator', state: 'running' },
  ],
  doing: 'redis: redis-cli asks',
  notes: [] as string[],
};

describe('splitPhases', () => {
  const at = '2026-01-01T00:00:00.060Z';
  const startedAtMs = Date.parse('2026-01-01T00:00:00.000Z');

  test('turns moments into durations whose sum is the client\'s time', () => {
    const found = splitPhases({ ms: 130, startedAtMs }, { at, phasesMs: { process: 5, scope: 15, go: 21, listen: 55, total: 55 } });
    expect(found).toEqual(split);
  });

  test('gives no time to a phase that was not', () => {
    const found = splitPhases({ ms: 70, startedAtMs }, { at, phasesMs: { process: 5, scope: null, go: 6, listen: 9, total: 9 } });
    expect(found).toMatchObject({ process: 5, scope: 0, go: 1, listen: 3, answer: 1 });
  });

  test('is never negative where the two clocks disagree by a millisecond', () => {
    const phasesMs = { process: 2, scope: 4, go: 6, listen: 8, total: 8 };
    expect(splitPhases({ ms: 10, startedAtMs: Date.parse(at) + 0.4 }, { at, phasesMs })).toMatchObject({ activator: 0, answer: 2 });
    expect(splitPhases({ ms: 10, startedAtMs: Date.parse(at) - 3 }, { at, phasesMs })).toMatchObject({ activator: 2, answer: 0 });
  });
});

test('figures', () => {
  expect([undefined, 0.52, 9.99, 41.4].map((ms) => formatMs(ms))).toEqual(['', '0.5 ms', '10.0 ms', '41 ms']);
  expect([undefined, 0, 1_572_864].map((bytes) => formatMemory(bytes))).toEqual(['', 'none', '1.5 MiB']);
  expect(phaseList(split)).toBe('activator 60 + process 5 + scope 10 + go 6 + listen 34 + answer 15 ms');
});

describe('renderScreen', () => {
  test('is a table of the sites, one of the phases, and what goes on', () => {
    expect(renderScreen(model, plain)).toEqual([
      'SITE       STATE      PROCESSES   MEMORY  FIRST ANSWER  SECOND',
      'node       ● awake            1  9.0 MiB        130 ms  1.3 ms',
      'redis      ○ dormant          0     none',
      'activator  ● running',
      '',
      'MS OF IT  ACTIVATOR  PROCESS  SCOPE  GO  LISTEN  ANSWER',
      'node             60        5     10   6      34      15',
      '',
      '⠋ redis: redis-cli asks',
    ]);
  });

  test('keeps to ASCII where the locale is not UTF-8', () => {
    for (const line of renderScreen(model, { ...plain, unicode: false, width: 30 })) expect(line).toMatch(/^[ -~]*$/);
  });

  test('fits, whatever the width', () => {
    const notes = ['n'.repeat(200)];
    for (const width of [1, 20, 40, 69]) {
      for (const line of renderScreen({ ...model, notes }, { ...plain, width })) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  test('has colours on demand only', () => {
    const coloured = renderScreen(model, { ...plain, colour: true });
    expect(coloured.join('\n')).toContain('\u001B[32m● awake\u001B[0m');
    expect(coloured.map((line) => line.replaceAll(/\u001B\[\d+m/g, ''))).toEqual(renderScreen(model, plain));
  });
});
