/** What sleeping sites cost by their number: systemd holds a socket for each. */
import { setTimeout as pass } from 'node:timers/promises';
import { contextSwitches, openFiles, processCpuMs, processMemory } from '../harness/accounting.ts';
import type { EnabledSite } from '../harness/wakesock.ts';
import { median } from '../../src/bench/statistics.ts';
import { tiny } from '../programs/tiny.ts';
import { type Bench, type Scenario, Unavailable } from '../types.ts';
import { rounded } from './loaded.ts';

const systemd = 1;
const subject = 'own sockets';
const wakes = 5;
const reloads = 3;

export const density: Scenario = {
  name: 'density',
  what: 'memory, descriptors, CPU, reload and first byte by the number of sleeping sites',
  steps: ({ density }) => density.length,
  async run(bench) {
    const { wakesock, options } = bench;
    // Its place: behind the front door a site without a socket unit costs systemd nothing.
    bench.report({ scenario: 'density', subject: 'behind the front door', skipped: 'not measured yet: this scenario makes only sites with sockets' });
    const enabled: EnabledSite[] = [];
    try {
      for (const sites of [...options.density].toSorted((a, b) => a - b)) {
        await wakesock.install('exits');
        enabled.push(...await wakesock.enable(tiny, 'adopt', bench, sites - enabled.length));
        await look(sites, enabled, bench);
        bench.step(`density ${sites} sites`);
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      bench.report({ scenario: 'density', subject, skipped: error.message });
    } finally {
      await wakesock.disable(enabled.map(({ name }) => name));
    }
  },
};

async function look(sites: number, enabled: readonly EnabledSite[], bench: Bench): Promise<void> {
  const { wakesock, manager, options } = bench;
  const reloadMs: number[] = [];
  for (let count = 0; count < reloads; count += 1) {
    const startMs = performance.now();
    await manager.reload();
    reloadMs.push(performance.now() - startMs);
  }
  const before = { cpuMs: processCpuMs(systemd), switches: contextSwitches(systemd) };
  // The one wait in here: time is what is measured.
  await pass(options.idleMs);
  const idle = { cpuMs: processCpuMs(systemd) - before.cpuMs, switches: contextSwitches(systemd) - before.switches };
  const { pssBytes, rssBytes } = processMemory(systemd);
  const systemdFiles = openFiles(systemd);

  const zeroMs = await firstBytes(enabled, 'exits', bench);
  await wakesock.install('resident');
  // Starts it: systemd hands it all sockets.
  await wakesock.control.report();
  const coldMs = await firstBytes(enabled, 'resident', bench);
  const pid = await wakesock.activatorPid();
  const activator = processMemory(pid);
  bench.report({
    scenario: 'density', subject, parameter: `${sites} sites`,
    values: {
      sites, 'reloadMs': figure(median(reloadMs)), 'systemd.rssBytes': rssBytes, 'systemd.pssBytes': pssBytes, 'systemd.descriptors': systemdFiles,
      'seconds': options.idleMs / 1000, 'systemd.cpuMs': idle.cpuMs, 'systemd.contextSwitches': idle.switches,
      'zeroP50Ms': figure(median(zeroMs)), 'coldP50Ms': figure(median(coldMs)),
      'activator.pssBytes': activator.pssBytes, 'activator.descriptors': openFiles(pid),
    },
    notes: [
      'Over the seconds all slept and nothing of ours ran; CPU comes in steps of 10 ms. zeroP50Ms: first byte from there; coldP50Ms: activator resident.',
      `First bytes are medians of ${wakes}, of sites from the first to the last.`,
    ],
  });
}

/** Of sites spread over all. */
async function firstBytes(enabled: readonly EnabledSite[], stay: 'exits' | 'resident', { client, wakesock }: Bench): Promise<number[]> {
  const samplesMs: number[] = [];
  const count = Math.min(wakes, enabled.length);
  for (let index = 0; index < count; index += 1) {
    const site = enabled[Math.floor((index * (enabled.length - 1)) / Math.max(1, count - 1))];
    if (site === undefined) continue;
    samplesMs.push(await client.firstByteMs(site.port));
    await wakesock.sleep(site.name);
    if (stay === 'exits') await wakesock.activatorGone(site.name);
  }
  return samplesMs;
}

function figure(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
