/** Everything asleep: what it costs. */
import { setTimeout as pass } from 'node:timers/promises';
import { contextSwitches, ourCgroupMemoryBytes, ourCpuUsec, ourProcesses, processCpuMs, processMemory } from '../harness/accounting.ts';
import { node } from '../programs/node.ts';
import type { Scenario } from '../types.ts';

const systemd = 1;
const sites = 10;

export const idle: Scenario = {
  name: 'idle',
  what: 'a minute of everything asleep: processes, memory, CPU',
  steps: () => 1,
  async run(bench) {
    const { wakesock, client, options } = bench;
    await wakesock.install('exits');
    const enabled = await wakesock.enable(node, 'adopt', bench, sites);
    // Asleep after use, not before any.
    for (const site of enabled) {
      await client.firstByteMs(site);
      await wakesock.sleep(site.name);
      await wakesock.allGone(site);
    }
    const before = { oursUsec: ourCpuUsec(), systemdMs: processCpuMs(systemd), switches: contextSwitches(systemd) };
    // The one wait in here: time is what is measured.
    await pass(options.idleMs);
    const processes = ourProcesses(`${options.checkout}/dist/wakesock.cjs`);
    const after = { oursUsec: ourCpuUsec(), systemdMs: processCpuMs(systemd), switches: contextSwitches(systemd) };
    bench.report({
      scenario: 'idle', subject: 'adopt',
      values: {
        sites, seconds: options.idleMs / 1000,
        processes: processes.length,
        pssBytes: processes.reduce((sum, pid) => sum + processMemory(pid).pssBytes, 0),
        cgroupMemoryBytes: ourCgroupMemoryBytes(),
        cpuUsec: after.oursUsec - before.oursUsec,
        systemdCpuMs: after.systemdMs - before.systemdMs,
        systemdContextSwitches: after.switches - before.switches,
      },
      notes: [
        'Memory is that of processes (PSS), and what cgroups are charged where a memory controller counts (null where not; 0 where none of our cgroups exists).',
        'CPU of ours is cpu.stat of wakesock.slice and wakesock.service, 0 for a cgroup that does not exist; that of PID 1 comes in steps of 10 ms.',
      ],
    });
    await wakesock.disable(enabled.map(({ name }) => name));
    bench.step('idle');
  },
};
