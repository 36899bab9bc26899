/** What the subjects `adopt`, `listen-fds` and `adopt, front door` share: sites of the built product. */
import type { Bench, Crowd, Handoff, Member, Program, Subject } from '../types.ts';
import type { EnabledSite } from '../harness/wakesock.ts';

interface SubjectOptions {
  readonly name?: string;
  /** Its clients ask the front door for it. */
  readonly behindFront?: boolean;
  readonly note?: string;
}

/** @param stay `resident`: the activator runs before the client comes; `exits`: nothing of ours does */
export function wakesockSubject(handoff: Handoff, stay: 'resident' | 'exits', { name = handoff, behindFront = false, note }: SubjectOptions = {}): Subject {
  const startMany = async (program: Program, bench: Bench, count: number): Promise<Crowd> => {
    const { wakesock } = bench;
    const sites = await wakesock.enable(program, handoff, bench, count, { behindFront });
    if (behindFront) await wakesock.openFront();
    return {
      members: sites.map((site) => member(site, stay, bench, note)),
      async stop() {
        if (behindFront) await wakesock.closeFront();
        await wakesock.disable(sites.map((site) => site.name));
      },
    };
  };
  return {
    name, startMany,
    async start(program, bench) {
      const { members: [one], stop } = await startMany(program, bench, 1);
      if (one === undefined) throw new Error('Expected one site, got none');
      return { ...one, stop };
    },
  };
}

function member(site: EnabledSite, stay: 'resident' | 'exits', { wakesock }: Bench, note: string | undefined): Member {
  const { port, host } = site;
  return {
    port, ...host === undefined ? {} : { host }, ...note === undefined ? {} : { note },
    async sleep() {
      const { lastWake } = await wakesock.sleep(site.name);
      if (stay === 'exits') await wakesock.allGone(site);
      return { ...lastWake?.phasesMs };
    },
  };
}
