/** What the activator and the front door take while sites are awake, and what one more takes. */
import { openFiles, processMemory, type ProcessMemory } from '../harness/accounting.ts';
import { node } from '../programs/node.ts';
import { tiny } from '../programs/tiny.ts';
import type { EnabledSite } from '../harness/wakesock.ts';
import { type Bench, type Scenario, Unavailable } from '../types.ts';

export const footprint: Scenario = {
  name: 'footprint',
  what: 'memory and descriptors of the activator, and of the front door, with sites awake',
  steps: ({ awake }) => 2 * awake.length,
  async run(bench) {
    const { wakesock, client, options } = bench;
    await wakesock.install('resident');
    const most = Math.max(...options.awake);
    const enabled = await wakesock.enable(programHere(bench), 'adopt', bench, most, { own: (name) => [`Host=${name}`] });
    // An activator of its own: the heap of an old one says more about what it has been through.
    await wakesock.stopActivator();
    const steps = async (ask: (site: EnabledSite) => Promise<unknown>, pid: () => Promise<number>): Promise<Record<string, number | null>> => {
      const measured: Measured[] = [];
      let asked = 0;
      for (const count of options.awake) {
        for (const site of enabled.slice(asked, count)) await ask(site);
        asked = count;
        // Answered by the activator when what came before has been dealt with.
        await wakesock.control.report();
        measured.push({ awake: count, descriptors: openFiles(await pid()), ...processMemory(await pid()) });
        bench.step('footprint');
      }
      return valuesOf(measured);
    };
    const activator = await steps((site) => client.firstByteMs(site), () => wakesock.activatorPid());
    await wakesock.openFront();
    // They are awake by now: what is counted is the front door, which has been asked for each of them.
    const front = await steps(({ name }) => client.firstByteMs({ port: wakesock.frontPort, host: name }), () => wakesock.frontPid());
    await wakesock.closeFront();
    bench.report({
      scenario: 'footprint', subject: 'front door', values: front,
      notes: ['The front door has been asked once for each of the sites that are awake.'],
    });
    bench.report({
      scenario: 'footprint', subject: 'adopt', values: activator,
      notes: [
        'PSS shares the Node program with every other Node process of the machine, those of the benchmark among them: alone it is higher, at most RSS.',
        'The heap grows with every wake until it is collected: what a site adds is an upper bound.',
      ],
    });
    for (const { name } of enabled) await wakesock.sleep(name);
    await wakesock.disable(enabled.map(({ name }) => name));
  },
};

type Measured = ProcessMemory & { readonly awake: number; readonly descriptors: number };

function valuesOf(measured: readonly Measured[]): Record<string, number | null> {
  const [first, last] = [measured[0], measured.at(-1)];
  const perSite = (key: 'pssBytes' | 'privateBytes' | 'descriptors'): number | null =>
    first && last && last.awake > first.awake ? Math.round(((last[key] - first[key]) / (last.awake - first.awake)) * 10) / 10 : null;
  return {
    ...Object.fromEntries(measured.flatMap(({ awake, ...figures }) => Object.entries(figures).map(([name, value]) => [`awake${awake}.${name}`, value]))),
    'perSite.pssBytes': perSite('pssBytes'), 'perSite.privateBytes': perSite('privateBytes'), 'perSite.descriptors': perSite('descriptors'),
  };
}

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
