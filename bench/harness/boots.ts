/** How long systemd takes to start with so many sites enabled. A box for each boot, so this is done from outside. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, quantile } from '../../src/bench/statistics.ts';
import { socketUnitText } from '../../src/cli/socket-unit.ts';
import { renderUnit } from '../../src/cli/unit-templates.ts';
import { controlSocketUnitName, leaseSocketUnitName, serviceUnitName, sliceUnitName, socketUnitName } from '../../src/systemd/unit-names.ts';
import { bootBox } from '../../test/box/box.ts';
import type { BoxTarget } from '../../test/box/box.ts';
import { noFigures, type Result } from '../types.ts';
import { processCpuMs, processMemory } from './accounting.ts';

const portFirst = 20_000;
const bootMsMax = 180_000;

interface Boot {
  readonly ms: number;
  readonly systemdCpuMs: number;
  readonly systemdRssBytes: number;
}

export interface BootsOptions {
  readonly target: BoxTarget;
  readonly checkout: string;
  /** Numbers of sites, beside none. */
  readonly density: readonly number[];
  readonly rounds: number;
  readonly step: (what: string) => void;
}

/** In turn, each round begun with another number. */
export async function boots({ target, checkout, density, rounds, step }: BootsOptions): Promise<Result[]> {
  const numbers = [0, ...density.toSorted((a, b) => a - b)];
  const taken = new Map<number, Boot[]>(numbers.map((sites) => [sites, []]));
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-bench-boots-'));
  try {
    for (const sites of numbers) writeUnits(join(directory, String(sites)), sites, checkout);
    for (let round = 0; round < rounds; round += 1) {
      const first = round % numbers.length;
      for (const sites of [...numbers.slice(first), ...numbers.slice(0, first)]) {
        taken.get(sites)?.push(await boot(target, join(directory, String(sites))));
        step(`boot with ${sites} sites`);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  const of = (sites: number, figure: (boot: Boot) => number): number | null => median((taken.get(sites) ?? []).map(figure));
  const none = of(0, ({ ms }) => ms) ?? Number.NaN;
  const resultOf = (sites: number): Result => {
    const samplesMs = (taken.get(sites) ?? []).map(({ ms }) => ms);
    const ms = median(samplesMs) ?? Number.NaN;
    return {
      ...noFigures, scenario: 'density', subject: 'own sockets: boot', parameter: `${sites} sites`, samplesMs, p50Ms: ms, p99Ms: quantile(samplesMs, 0.99),
      values: {
        sites, bootMs: Math.round(ms), moreThanWithoutMs: Math.round(ms - none),
        'boot.systemdCpuMs': of(sites, ({ systemdCpuMs }) => systemdCpuMs), 'boot.systemdRssBytes': of(sites, ({ systemdRssBytes }) => systemdRssBytes),
      },
      notes: ['boot: from systemd\'s start to the end of its start-up, with the units that `install` and `enable` write and little else. Sites behind the front door have no units: they add nothing.'],
    };
  };
  return numbers.map(resultOf);
}

async function boot(target: BoxTarget, units: string): Promise<Boot> {
  const box = await bootBox({ target, units, bootMsMax });
  try {
    const shown = await box.run(['systemctl', 'show', '--property=UserspaceTimestampMonotonic,FinishTimestampMonotonic']);
    const usec = (property: string): number => Number(new RegExp(`^${property}=(\\d+)$`, 'm').exec(shown)?.[1] ?? Number.NaN);
    return {
      ms: (usec('FinishTimestampMonotonic') - usec('UserspaceTimestampMonotonic')) / 1000,
      systemdCpuMs: processCpuMs(box.info.pid), systemdRssBytes: processMemory(box.info.pid).rssBytes,
    };
  } finally {
    await box.stop();
  }
}

/** What `install` and `enable` would have written. */
function writeUnits(directory: string, sites: number, checkout: string): void {
  const wants = join(directory, 'sockets.target.wants');
  mkdirSync(wants, { recursive: true });
  const want = (name: string): void => symlinkSync(`../${name}`, join(wants, name));
  for (const name of [serviceUnitName, controlSocketUnitName, leaseSocketUnitName, sliceUnitName]) {
    const text = readFileSync(join(checkout, 'units', name), 'utf8');
    writeFileSync(join(directory, name), renderUnit(text, { node: process.execPath, program: join(checkout, 'dist/wakesock.cjs'), systemdVersion: null }));
  }
  want(controlSocketUnitName);
  // `install` makes the groups; here there are units only.
  for (const name of [controlSocketUnitName, leaseSocketUnitName]) {
    mkdirSync(join(directory, `${name}.d`));
    writeFileSync(join(directory, `${name}.d/bench.conf`), '[Socket]\nSocketGroup=root\n');
  }
  for (let site = 1; site <= sites; site += 1) {
    const port = portFirst + site;
    const address = { family: 'ipv4', address: '0.0.0.0', port, text: `0.0.0.0:${port}` } as const;
    const name = `bench-${site}`;
    writeFileSync(join(directory, socketUnitName(name)), socketUnitText({ name, description: '', handoff: 'adopt', listen: [address] }));
    want(socketUnitName(name));
  }
}
