/** What sleeping sites cost by their number: with sockets of their own, which systemd holds, and behind the front door. */
import { setTimeout as pass } from 'node:timers/promises';
import { contextSwitches, openFiles, openFilesMax, processCpuMs, processMemory } from '../harness/accounting.ts';
import type { EnabledSite } from '../harness/wakesock.ts';
import { median } from '../../src/bench/statistics.ts';
import { tiny } from '../programs/tiny.ts';
import { type Bench, type Scenario, Unavailable } from '../types.ts';
import { rounded } from './loaded.ts';

const systemd = 1;
const wakesMax = 15;
const reloads = 3;
/** What systemd has open beside the sockets of sites. */
const otherFilesMax = 200;

interface Kind {
  readonly subject: string;
  readonly behindFront: boolean;
}

/** systemd keeps the memory that it once needed: whoever needs none comes first. */
const kinds: readonly Kind[] = [{ subject: 'behind the front door', behindFront: true }, { subject: 'own sockets', behindFront: false }];

export const density: Scenario = {
  name: 'density',
  what: 'memory, descriptors, CPU, reload, boot and first byte by the number of sleeping sites',
  steps: ({ density }) => kinds.length * density.length,
  async run(bench) {
    for (const kind of kinds) await growing(kind, bench);
  },
};

async function growing(kind: Kind, bench: Bench): Promise<void> {
  const { wakesock, options } = bench;
  const enabled: EnabledSite[] = [];
  try {
    for (const wanted of options.density.toSorted((a, b) => a - b)) {
      const { sites, note } = kind.behindFront ? { sites: wanted, note: null } : reloadable(wanted);
      await wakesock.install('exits');
      const before = enabled.length;
      const startMs = performance.now();
      enabled.push(...await wakesock.enable(tiny, 'adopt', bench, sites - before, { behindFront: kind.behindFront }));
      const enableMs = performance.now() - startMs;
      if (kind.behindFront) await wakesock.openFront();
      await look(kind, enabled, { 'enableMsPerSite': rounded(enableMs / Math.max(1, sites - before)) }, note === null ? [] : [note], bench);
      bench.step(`density ${sites} sites, ${kind.subject}`);
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario: 'density', subject: kind.subject, skipped: error.message });
  } finally {
    await wakesock.closeFront();
    await wakesock.disable(enabled.map(({ name }) => name));
  }
}

/** systemd opens each socket a second time while it reloads, and says nothing if it cannot: then it goes on with what it knew. */
function reloadable(wanted: number): { readonly sites: number; readonly note: string | null } {
  const max = Math.floor((openFilesMax(systemd) - otherFilesMax) / 200) * 100;
  if (wanted <= max) return { sites: wanted, note: null };
  return { sites: max, note: `${max} instead of ${wanted} sites: process 1 may open ${openFilesMax(systemd)} files here, and daemon-reload takes two for each socket.` };
}

async function look({ subject, behindFront }: Kind, enabled: readonly EnabledSite[], values: Readonly<Record<string, number>>, notes: readonly string[], bench: Bench): Promise<void> {
  const { wakesock, manager, options } = bench;
  const sites = enabled.length;
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
  if (behindFront) await wakesock.openFront();
  // Starts it: systemd hands it all sockets.
  await wakesock.control.report();
  const coldMs = await firstBytes(enabled, 'resident', bench);
  const parameter = `${sites} sites`;
  bench.report({
    scenario: 'density', subject, parameter,
    values: {
      sites, ...values, 'reloadMs': figure(median(reloadMs)), 'systemd.rssBytes': rssBytes, 'systemd.pssBytes': pssBytes, 'systemd.descriptors': systemdFiles,
      'seconds': options.idleMs / 1000, 'systemd.cpuMs': idle.cpuMs, 'systemd.contextSwitches': idle.switches,
      ...ofProcess('activator', await wakesock.activatorPid()), ...behindFront ? ofProcess('front', await wakesock.frontPid()) : {},
    },
    notes: [
      ...notes,
      'Over the seconds all slept and nothing of ours ran; CPU comes in steps of 10 ms. enableMsPerSite: of those that were added to the number before.',
    ],
  });
  for (const [what, samplesMs] of [['zero', zeroMs], ['cold', coldMs]] as const) {
    bench.report({
      scenario: 'density', subject: `${subject}: ${what}`, parameter, samplesMs, p50Ms: median(samplesMs), values: { sites, p50Ms: figure(median(samplesMs)) },
      notes: [`First byte of sleeping sites from the first to the last, at most ${wakesMax} of them; zero: nothing of ours running, cold: all of ours resident.`],
    });
  }
}

function ofProcess(name: string, pid: number): Record<string, number> {
  return { [`${name}.pssBytes`]: processMemory(pid).pssBytes, [`${name}.descriptors`]: openFiles(pid) };
}

/** Of sites spread over all. Before those that count comes one that does not. */
async function firstBytes(enabled: readonly EnabledSite[], stay: 'exits' | 'resident', { client, wakesock, options }: Bench): Promise<number[]> {
  const samplesMs: number[] = [];
  const count = Math.min(wakesMax, options.samples, enabled.length);
  const spread = Array.from({ length: count }).flatMap((_, index) => enabled[Math.floor((index * (enabled.length - 1)) / Math.max(1, count - 1))] ?? []);
  for (const site of [...spread.slice(0, 1), ...spread]) {
    samplesMs.push(rounded(await client.firstByteMs(site)));
    await wakesock.sleep(site.name);
    if (stay === 'exits') await wakesock.allGone(site);
  }
  return samplesMs.slice(1);
}

function figure(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
