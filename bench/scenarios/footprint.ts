/** What the activator takes while sites are awake, and what one more takes. */
import { openFiles, processMemory, type ProcessMemory } from '../harness/accounting.ts';
import { node } from '../programs/node.ts';
import { tiny } from '../programs/tiny.ts';
import { type Bench, type Scenario, Unavailable } from '../types.ts';

export const footprint: Scenario = {
  name: 'footprint',
  what: 'the activator\'s memory and descriptors with sites awake',
  steps: ({ awake }) => awake.length,
  async run(bench) {
    const { wakesock, client, options } = bench;
    await wakesock.install('resident');
    const most = Math.max(...options.awake);
    const enabled = await wakesock.enable(programHere(bench), 'adopt', bench, most);
    // An activator of its own: the heap of an old one says more about what it has been through.
    await wakesock.stopActivator();
    const measured: (ProcessMemory & { readonly awake: number; readonly descriptors: number })[] = [];
    let woken = 0;
    for (const count of options.awake) {
      for (; woken < count; woken += 1) await client.firstByteMs(enabled[woken]?.port ?? 0);
      // Answered by the activator when what came before has been dealt with.
      await wakesock.control.report();
      const pid = await wakesock.activatorPid();
      measured.push({ awake: count, descriptors: openFiles(pid), ...processMemory(pid) });
      bench.step('footprint');
    }
    const [first, last] = [measured[0], measured.at(-1)];
    const perSite = (key: 'pssBytes' | 'privateBytes' | 'descriptors'): number | null =>
      first && last && last.awake > first.awake ? Math.round(((last[key] - first[key]) / (last.awake - first.awake)) * 10) / 10 : null;
    bench.report({
      scenario: 'footprint', subject: 'adopt',
      values: {
        ...Object.fromEntries(measured.flatMap(({ awake, ...figures }) => Object.entries(figures).map(([name, value]) => [`awake${awake}.${name}`, value]))),
        'perSite.pssBytes': perSite('pssBytes'), 'perSite.privateBytes': perSite('privateBytes'), 'perSite.descriptors': perSite('descriptors'),
      },
      notes: [
        'PSS shares the Node program with every other Node process of the machine, those of the benchmark among them: alone it is higher, at most RSS.',
        'The heap grows with every wake until it is collected: what a site adds is an upper bound.',
      ],
    });
    for (const { name } of enabled.slice(0, woken)) await wakesock.sleep(name);
    await wakesock.disable(enabled.map(({ name }) => name));
  },
};

/** The activator does not care which program it is. */
function programHere(bench: Bench): typeof tiny {
  try {
    tiny.prepare(bench);
    return tiny;
  } catch (error) {
    if (error instanceof Unavailable) return node;
    throw error;
  }
}
