/** What a whole-system test works with: the product in the box, clients of its sites, the journal to wait on. */
import { realpathSync } from 'node:fs';
import { expect } from 'vitest';
import type { Machine } from '../box/machine.ts';
import type { SiteStatus, StatusReport } from '../../src/control/types.ts';
import { Clients, type Answer } from './clients.ts';
import { Journal, type Entry } from './journal.ts';
import { Product, programs } from './product.ts';

/** Keys of a site file, by section; a list is several assignments. */
export type SiteKeys = Partial<Record<'Unit' | 'Container' | 'Service' | 'X-Wakesock', Readonly<Record<string, string | number | readonly (string | number)[]>>>>;

export const service = 'wakesock.service';
export const socketUnit = (site: string): string => `wakesock-site-${site}.socket`;
export const scopeUnit = (site: string): string => `wakesock-site-${site}.scope`;

const ownNode = realpathSync(process.execPath);
const isInUsr = ownNode.startsWith('/usr/');
/** The Node that runs the tests, for a site's command. One that is not in /usr is not in the host's root as sites see it either. */
export const node = isInUsr ? ownNode : '/opt/node';

/** A site that runs `command` with test/programs at /programs, on the host's root. The program's port is 3000. */
export function siteFile(command: string, keys: SiteKeys): string {
  const sections = {
    Unit: keys.Unit ?? {},
    Container: { Exec: command, Volume: [`${programs}:/programs:ro`, ...(isInUsr ? [] : [`${ownNode}:${node}:ro`])], Environment: 'PYTHONDONTWRITEBYTECODE=1', ...keys.Container },
    Service: keys.Service ?? {},
    'X-Wakesock': { ...(keys.Container?.['Rootfs'] === undefined ? { Root: 'host' } : {}), IdleSec: '5min', ...keys['X-Wakesock'] },
  };
  return siteText(sections);
}

export function siteText(sections: SiteKeys): string {
  return Object.entries(sections).map(([name, section]) => `[${name}]\n${Object.entries(section)
    .flatMap(([key, value]) => [value].flat().map((one) => `${key}=${String(one)}\n`)).join('')}`).join('\n');
}

/** The usual: listens on `port` of every IPv4 address, the program binds 3000. */
export function tcpSite(command: string, port: number, keys: SiteKeys = {}): string {
  return siteFile(command, { ...keys, 'X-Wakesock': { ListenStream: port, Port: 3000, ...keys['X-Wakesock'] } });
}

export const python = (program: string): string => `/usr/bin/python3 /programs/${program}`;

/** Only for what announces itself to nobody: looks again until it is so. */
export async function pollUntil(what: string, isSo: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`Expected ${what} within ${timeoutMs} ms, it did not come to pass`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

const activatorStarted = ({ unit, text }: Entry): boolean => unit === service && text.startsWith(`Started ${service}`);
/** As systemd tells of an end with another status than 0. */
const activatorDied = ({ unit, text }: Entry): boolean => unit === service && text.startsWith(`${service}: Main process exited`);
const activatorEnded = ({ unit, text }: Entry): boolean => unit === service && text === `${service}: Deactivated successfully.`;

const isOver = (entry: Entry): boolean => activatorEnded(entry) || activatorDied(entry);

export class Scene {
  readonly box: Machine;
  readonly product: Product;
  readonly clients: Clients;
  readonly journal: Journal;
  readonly #sites = new Set<string>();

  private constructor(box: Machine, journal: Journal, program?: string) {
    this.box = box;
    this.product = new Product(box, program);
    this.clients = new Clients(box);
    this.journal = journal;
  }

  static async open(box: Machine, exitIdleTime = '200ms', program?: string): Promise<Scene> {
    const scene = await Scene.of(box, program);
    await scene.product.install(exitIdleTime);
    return scene;
  }

  /** Of a machine in which it was installed before. `program`: dist/wakesock.cjs, by default the checkout's. */
  static async of(box: Machine, program?: string): Promise<Scene> {
    return new Scene(box, await Journal.follow(box), program);
  }

  /** Disables the sites of this scene and waits until nothing of ours runs. */
  async close(): Promise<void> {
    await this.remove(...this.#sites);
    this.clients.end();
    this.journal.end();
  }

  /** Writes the site files and enables all of them at once. */
  async enable(sites: Readonly<Record<string, string>>): Promise<void> {
    await this.write(sites);
    await this.product.run('enable', ...Object.keys(sites));
  }

  async write(sites: Readonly<Record<string, string>>): Promise<void> {
    for (const [site, text] of Object.entries(sites)) {
      this.#sites.add(site);
      await this.box.writeFile(`/etc/wakesock/sites/${site}.container`, text);
    }
  }

  async remove(...sites: readonly string[]): Promise<void> {
    if (sites.length === 0) return;
    for (const site of sites) this.#sites.delete(site);
    await this.product.remove(...sites);
  }

  status(site: string): Promise<SiteStatus> {
    return this.product.status(site);
  }

  async report(): Promise<StatusReport> {
    return JSON.parse(await this.product.run('status', '--json')) as StatusReport;
  }

  /** Properties of a unit, as systemctl prints them. */
  async show(unit: string, ...properties: readonly string[]): Promise<Record<string, string>> {
    const text = await this.box.run(['systemctl', 'show', `--property=${properties.join(',')}`, unit]);
    return Object.fromEntries(text.trim().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }

  mark(): Promise<number> {
    return this.journal.mark();
  }

  /** The activator said that the site has come into this state. @returns the place behind that */
  async inState(site: string, state: string, from: number): Promise<number> {
    const { behind } = await this.journal.until(
      // Of an activator that ended before its log was open, as text: its fields are behind it.
      ({ unit, text }) => unit === service && (state === 'failed' ? text.startsWith(`${site} failed: `) : text.startsWith(`${site}: `) && `${text} `.includes(` → ${state} `)),
      { from, what: `${site} → ${state}` },
    );
    return behind;
  }

  /** systemd said that the activator has ended by itself with 0. */
  async activatorEnded(from: number): Promise<void> {
    try {
      await this.journal.until(activatorEnded, { from, what: 'the end of the activator' });
    } catch (error) {
      const busy = (await this.report()).sites.filter(({ state }) => state !== 'dormant').map(({ name, state }) => `${name} ${state}`);
      throw new Error(`${(error as Error).message}\nIt has: ${busy.join(', ') || 'all asleep'}`, { cause: error });
    }
  }

  /** As often as systemd has said since the mark that the activator was started, it has said that it ended. */
  async activatorAtRest(from: number): Promise<void> {
    await this.mark();
    while (this.journal.since(from, activatorStarted).length > this.journal.since(from, isOver).length) await this.journal.until(isOver, { from: this.journal.position, what: 'the end of the activator' });
  }

  /** No activator is there, nor one that is about to end or to be started again. */
  async activatorGone(): Promise<void> {
    await pollUntil('the activator to be gone', async () => (await this.show(service, 'ActiveState'))['ActiveState'] === 'inactive', 20_000 * this.box.slowness);
  }

  /** The site's program printed this line. */
  async printed(site: string, line: string, from: number): Promise<void> {
    await this.journal.until(({ identifier, text }) => identifier === site && text === line, { from, what: `${site} says ${line}` });
  }

  async activatorPid(): Promise<number> {
    return Number((await this.show(service, 'MainPID'))['MainPID']);
  }

  /** SIGKILL to the activator alone; its sites go on. */
  async killActivator(): Promise<void> {
    await this.box.run(['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', service]);
  }

  /** So many activators have died since the mark, at whatever point of their lives, and the one after them is there. */
  async nextActivator(from: number, deaths = 1): Promise<void> {
    let dead = 0;
    await this.journal.until((entry) => {
      if (activatorDied(entry)) dead += 1;
      return dead === deaths && activatorStarted(entry);
    }, { from, what: `an activator after ${deaths} that died` });
  }

  /** What `ss` says of the listening socket: backlog, and who waits. */
  async queue(port: number): Promise<{ waiting: number; backlog: number }> {
    const text = await this.box.run(['ss', '--listening', '--tcp', '--numeric', '--no-header', `sport = :${port}`]);
    const [, waiting = '', backlog = ''] = text.trim().split(/\s+/);
    return { waiting: Number(waiting), backlog: Number(backlog) };
  }

  /** A client of the site is turned away, and everybody who asks is told why; systemd is not bothered. */
  async expectFailed(site: string, code: string, to: string, text: RegExp | string = ''): Promise<void> {
    const from = await this.mark();
    await this.clients.turnedAway(to);
    const logged = await this.journal.until(({ unit, text, fields }) => unit === service && (fields['code'] === code || text.includes(`(${code})`)), { from, what: `an error of ${site} with ${code}` });
    expect(logged.text).toMatch(text);
    const { state, error } = await this.status(site);
    expect({ state, code: error?.code }).toEqual({ state: 'failed', code });
    expect(error?.message).toMatch(text);
    await this.expectSocketUp(site);
  }

  /** What failed is tried again with the next client, after a back-off that nobody announces. */
  async healed(to: string): Promise<Answer> {
    let answer: Answer | undefined;
    await pollUntil(`a client of ${to} to be served again`, async () => {
      answer = await this.clients.ask(to).catch(() => undefined);
      return answer !== undefined;
    }, 15_000 * this.box.slowness);
    if (!answer) throw new Error('unreachable');
    return answer;
  }

  async expectSocketUp(site: string, unit = socketUnit(site)): Promise<void> {
    expect(await this.show(unit, 'ActiveState', 'Result')).toEqual({ ActiveState: 'active', Result: 'success' });
  }

  /**
   * Since the mark the activator has ended only by itself: with 0, or with 75 where a client came just as it
   * ended, which no test can rule out.
   */
  async expectNoCrash(from = 0): Promise<void> {
    await this.mark();
    const ends = this.journal.since(from, ({ unit, text }) => unit === service && text.includes('Main process exited, '));
    expect(ends.map(({ text }) => text).filter((text) => !text.includes('code=exited, status=75'))).toEqual([]);
  }

  /** CPU time of the activator while a second passes: what spins uses all of it. */
  async expectCalm(): Promise<void> {
    const usage = async () => Number(/^usage_usec (\d+)$/m.exec(await this.box.run(['sh', '-c', 'cat /sys/fs/cgroup/system.slice/wakesock.service/cpu.stat 2>/dev/null || echo usage_usec 0']))?.[1]);
    const [before, starts] = [await usage(), (await this.starts()).length];
    await new Promise((resolve) => { setTimeout(resolve, 1_000); });
    expect((await usage()) - before, 'CPU time of the activator within a second, in µs').toBeLessThan(300_000);
    expect((await this.starts()).length - starts, 'starts of the activator within a second').toBeLessThanOrEqual(1);
  }

  /** Every start of the activator that the journal knows of. */
  async starts(): Promise<string[]> {
    const text = await this.box.run(['journalctl', '--output=cat', '--unit', service, '--grep', `^Started `]).catch(() => '');
    return text.split('\n').filter(Boolean);
  }

  /** Every process of ours and of our sites: none when all is dormant and the activator has ended. */
  async processes(): Promise<string[]> {
    const text = await this.box.run(['sh', '-c', 'cat /sys/fs/cgroup/system.slice/wakesock.service/cgroup.procs /sys/fs/cgroup/wakesock.slice/*/cgroup.procs 2>/dev/null || :']);
    return text.split('\n').filter(Boolean);
  }
}
