/** Which descriptor is whose: listening sockets of sites, the control socket, and what the fd store kept for us. */
import { closeFd } from '../linux/libc.ts';
import { killAndWait } from '../linux/pidfd.ts';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import { emptyOut } from '../sockets/empty-out.ts';
import { addressText, inspectListener, openListener, type Listener } from '../sockets/listener.ts';
import type { ControlListen } from '../control/listen.ts';
import { recordEnabled } from '../runtime/enabled.ts';
import { storedKinds } from '../systemd/fd-names.ts';
import { takeListenFds } from '../systemd/listen-fds.ts';
import type { StoredFds } from './parts.ts';
import { processIdentity, readRuntimeState } from './runtime-state.ts';

export interface Inheritance {
  readonly control: ControlListen | null;
  readonly sites: ReadonlyMap<string, readonly Listener[]>;
  /** Of these sites the only socket is one that the activator made (loopback-sites.ts). */
  readonly loopback: readonly string[];
  /** Every socket that systemd would start us again for. */
  readonly everyFd: readonly number[];
  stored(site: string): StoredFds;
  /** Stored descriptors of sites that have no socket any more: `drop` takes them out of the store. */
  closeUnclaimed(sites: ReadonlySet<string>, drop: (name: string) => void): void;
}

/** `KIND=SITE`, of spares `spare.INODE=SITE`: `=` is in no site's name and in no unit's. */
const storedName = /^(notify|stdout|stderr|listen|spare\.\d+)=(.+)$/;

export function inherit(env: NodeJS.ProcessEnv, log: Log): Inheritance {
  let control: ControlListen | null = null;
  const sites = new Map<string, Listener[]>();
  const store = new Map<string, Map<string, number>>();
  const everyFd: number[] = [];
  for (const { fd, name: given } of takeListenFds(env)) {
    // systemd's own default is the unit's full name (FileDescriptorName= of systemd.socket(5)).
    const name = given.replace(/\.socket$/, '');
    const stored = storedName.exec(name);
    if (stored) {
      const [, kind, site = ''] = stored;
      const of = store.get(site) ?? new Map<string, number>();
      of.set(kind ?? '', fd);
      store.set(site, of);
      continue;
    }
    if (name === 'control') {
      control = { fd };
      everyFd.push(fd);
      continue;
    }
    try {
      const listener = inspectListener(fd, name);
      sites.set(name, [...(sites.get(name) ?? []), listener]);
      everyFd.push(fd);
    } catch (error) {
      log.error('An inherited descriptor cannot be used', { name, ...describeError(error) });
      emptyOut(fd);
      closeFd(fd);
    }
  }
  const loopback = addLoopback(sites, store, log);
  return {
    control, sites, loopback, everyFd,
    stored: (site) => {
      const of = store.get(site) ?? new Map<string, number>();
      store.delete(site);
      return storedFds(of);
    },
    closeUnclaimed: (known, drop) => {
      for (const [site, of] of store) {
        if (known.has(site)) continue;
        log.warn('Gave up what an earlier activator kept of a site that has no socket', { site });
        for (const [kind, fd] of of) {
          drop(`${kind}=${site}`);
          closeFd(fd);
        }
      }
    },
  };
}

/** Sockets that an earlier activator made itself. Nobody but a lease's holder connects there: none is a reason for systemd to start us. */
function addLoopback(sites: Map<string, Listener[]>, store: ReadonlyMap<string, Map<string, number>>, log: Log): string[] {
  const alone: string[] = [];
  for (const [site, of] of store) {
    const fd = of.get('listen');
    if (fd === undefined) continue;
    of.delete('listen');
    try {
      const listener = inspectListener(fd, `listen=${site}`);
      if (!sites.has(site)) alone.push(site);
      // With a socket unit since: the program that runs is still the other socket's.
      sites.set(site, [...(sites.get(site) ?? []), listener]);
    } catch (error) {
      log.error('A socket of our own cannot be used any more', { site, ...describeError(error) });
      closeFd(fd);
    }
  }
  return alone;
}

/** Embedded: the sockets of every site are opened here, and their bundles prepared. */
export async function openOwn(paths: Paths, log: Log): Promise<Inheritance> {
  const { listSiteNames } = await import('../site/index.ts');
  const { prepareSiteWithPodman } = await import('../site/prepare.ts');
  const { imageFinder } = await import('../image/podman.ts');
  const { hostEtcOnce } = await import('../runtime/host-root.ts');
  const syncEtc = hostEtcOnce(paths);
  const images = imageFinder({ progress: process.stderr });
  const sites = new Map<string, Listener[]>();
  const everyFd: number[] = [];
  for (const name of listSiteNames(paths)) {
    try {
      endLeftover(paths, name);
      const { site } = await prepareSiteWithPodman(paths, name, images, { syncEtc });
      if (site.listen.length === 0) recordEnabled(paths, name);
      if (site.handoff === 'relay' || site.listen.length === 0) {
        log.info(site.handoff === 'relay' ? `${name} is relayed: its clients are the front door's` : `${name} sleeps, and is woken through the front door`, { site: name });
        continue;
      }
      const listeners = site.listen.map((address) => openListener(address));
      sites.set(name, listeners);
      everyFd.push(...listeners.map(({ fd }) => fd));
      log.info(`${name} sleeps at ${listeners.map(({ address }) => addressText(address)).join(', ')}`, { site: name });
    } catch (error) {
      log.error(`${name} is not served: ${describeError(error).message}`, { site: name, code: describeError(error).code });
    }
  }
  return { control: null, sites, loopback: [], everyFd, stored: () => storedFds(new Map()), closeUnclaimed: () => {} };
}

/** The container of an embedded activator that was killed: it holds the address, and nothing of it can be taken over. */
function endLeftover(paths: Paths, name: string): void {
  const left = readRuntimeState(paths, name)?.process;
  if (left && processIdentity(left.pid)?.startTime === left.startTime) killAndWait(left.pid);
}

function storedFds(of: ReadonlyMap<string, number>): StoredFds {
  const container = storedKinds.flatMap((kind) => of.get(kind) ?? []);
  return {
    notify: of.get('notify') ?? null,
    stdout: of.get('stdout') ?? null,
    stderr: of.get('stderr') ?? null,
    spares: new Map([...of].flatMap(([kind, fd]): [number, number][] => (kind.startsWith('spare.') ? [[Number(kind.slice('spare.'.length)), fd]] : []))),
    closeContainer: () => {
      for (const fd of container) closeFd(fd);
    },
  };
}
