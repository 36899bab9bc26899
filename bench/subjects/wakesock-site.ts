/** What the subjects `adopt` and `listen-fds` share: a site of the built product. */
import type { Handoff, Program, Running, Subject } from '../types.ts';

/** @param stay `resident`: the activator runs before the client comes; `exits`: nothing of ours does */
export function wakesockSubject(handoff: Handoff, stay: 'resident' | 'exits'): Subject {
  return {
    name: handoff,
    async start(program: Program, bench): Promise<Running> {
      const { wakesock } = bench;
      const [site] = await wakesock.enable(program, handoff, bench);
      if (site === undefined) throw new Error('Expected one site, got none');
      return {
        port: site.port,
        async sleep() {
          const { lastWake } = await wakesock.sleep(site.name);
          if (stay === 'exits') await wakesock.activatorGone(site.name);
          return { ...lastWake?.phasesMs };
        },
        stop: () => wakesock.disable([site.name]),
      };
    },
  };
}
