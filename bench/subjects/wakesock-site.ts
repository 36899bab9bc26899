/** What the subjects `adopt` and `listen-fds` share: sites of the built product. */
import type { Bench, Crowd, Handoff, Member, Program, Subject } from '../types.ts';
import type { EnabledSite } from '../harness/wakesock.ts';

/** @param stay `resident`: the activator runs before the client comes; `exits`: nothing of ours does */
export function wakesockSubject(handoff: Handoff, stay: 'resident' | 'exits'): Subject {
  const startMany = async (program: Program, bench: Bench, count: number): Promise<Crowd> => {
    const sites = await bench.wakesock.enable(program, handoff, bench, count);
    return { members: sites.map((site) => member(site, stay, bench)), stop: () => bench.wakesock.disable(sites.map(({ name }) => name)) };
  };
  return {
    name: handoff, startMany,
    async start(program, bench) {
      const { members: [one], stop } = await startMany(program, bench, 1);
      if (one === undefined) throw new Error('Expected one site, got none');
      return { ...one, stop };
    },
  };
}

function member({ name, port }: EnabledSite, stay: 'resident' | 'exits', { wakesock }: Bench): Member {
  return {
    port,
    async sleep() {
      const { lastWake } = await wakesock.sleep(name);
      if (stay === 'exits') await wakesock.activatorGone(name);
      return { ...lastWake?.phasesMs };
    },
  };
}
