/** Which descriptor is whose: listening sockets of sites, the control socket, and what the fd store kept for us. */
import { closeFd } from '../linux/libc.ts';
import { killAndWait } from '../linux/pidfd.ts';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leaseSocketPath, type Paths } from '../base/paths.ts';
import { emptyOut } from '../sockets/empty-out.ts';
import { addressText, inspectListener, openListener, type Listener } from '../sockets/listener.ts';
import type { ControlListen } from '../control/listen.ts';
import type { ControlSocket } from '../control/route.ts';
import { recordEnabled } from '../runtime/enabled.ts';
import { storedKinds } from '../systemd/fd-names.ts';
import { takeListenFds } from '../systemd/listen-fds.ts';
import { controlFdName, leaseFdName } from '../systemd/unit-names.ts';
import type { StoredFds } from './parts.ts';
import { processIdentity, readRuntimeState } from './runtime-state.ts';

export interface Inheritance {
  /** The activator's own. */
  readonly control: ReadonlyMap<ControlSocket, ControlListen>;
  /** Descriptors by the name of their site. Nobody has looked at them yet: with thousands of them that would take longer than the wake that we are started for. */
  readonly sites: ReadonlyMap<string, readonly number[]>;
  /** Looks at the sockets of a site, once. What cannot be used is said and closed: nobody may wait for it any more. */
  listeners(site: string): readonly Listener[];
  /** Of these sites the only socket is one that the activator made (loopback-sites.ts). */
  readonly loopback: readonly string[];
  /** Every socket that systemd would start us again for; those that are given up leave it. */
  readonly everyFd: readonly number[];
  /** Sites of which something was stored that nobody has asked for yet. */
  readonly storedSites: readonly string[];
  stored(site: string): StoredFds;
  /** Stored descriptors of sites that have no socket any more: `drop` takes them out of the store. */
  closeUnclaimed(has: (site: string) => boolean, drop: (name: string) => void): void;
}

/** `KIND=SITE`, of spares `spare.INODE=SITE`: `=` is in no site's name and in no unit's. */
const storedName = /^(notify|stdout|stderr|listen|spare\.\d+)=(.+)$/;

const ownSockets: ReadonlyMap<string, ControlSocket> = new Map([[controlFdName, 'control'], [leaseFdName, 'lease']]);

export function inherit(env: NodeJS.ProcessEnv, log: Log): Inheritance {
  const control = new Map<ControlSocket, ControlListen>();
  const sites = new Map<string, number[]>();
  const store = new Map<string, Map<string, number>>();
  const everyFd: number[] = [];
  for (const { fd, name: given } of takeListenFds(env)) {
    // systemd's own default is the unit's full name (FileDescriptorName= of systemd.socket(5)).
    const name = given.endsWith('.socket') ? given.slice(0, -'.socket'.length) : given;
    const stored = storedName.exec(name);
    if (stored) {
      const [, kind, site = ''] = stored;
      const of = store.get(site) ?? new Map<string, number>();
      of.set(kind ?? '', fd);
      store.set(site, of);
      continue;
    }
    everyFd.push(fd);
    const own = ownSockets.get(name);
    if (own !== undefined) {
      control.set(own, { fd });
      continue;
    }
    const fds = sites.get(name);
    if (fds) fds.push(fd);
    else sites.set(name, [fd]);
  }
  const giveUp = (fd: number): void => {
    everyFd.splice(everyFd.indexOf(fd), 1);
    emptyOut(fd);
    closeFd(fd);
  };
  const inspect = (site: string, fd: number): Listener[] => {
    try {
      return [inspectListener(fd, site)];
    } catch (error) {
      log.error('An inherited descriptor cannot be used', { name: site, ...describeError(error) });
      giveUp(fd);
      return [];
    }
  };
  const own = loopbackListeners(store, log);
  const listeners = new Map<string, readonly Listener[]>();
  const listenersOf = (site: string): readonly Listener[] => {
    // With a socket unit since: the program that runs is still the other socket's.
    const known = listeners.get(site) ?? [...(sites.get(site) ?? []).flatMap((fd) => inspect(site, fd)), ...own.get(site) ?? []];
    listeners.set(site, known);
    return known;
  };
  const loopback = [...own].filter(([site, ours]) => listenersOf(site).length === ours.length).map(([site]) => site);
  for (const site of loopback) sites.set(site, []);
  return {
    control, sites, listeners: listenersOf, loopback, everyFd,
    get storedSites() {
      return [...store.keys()];
    },
    stored: (site) => {
      const of = store.get(site) ?? new Map<string, number>();
      store.delete(site);
      return storedFds(of);
    },
    closeUnclaimed: (has, drop) => {
      for (const [site, of] of store) {
        if (has(site)) continue;
        log.warn('Gave up what an earlier activator kept of a site that has no socket', { site });
        for (const [kind, fd] of of) {
          drop(`${kind}=${site}`);
          closeFd(fd);
        }
      }
    },
  };
}

/** Sockets that an earlier activator made itself, by site. Nobody but a lease's holder connects there: none is a reason for systemd to start us. */
function loopbackListeners(store: ReadonlyMap<string, Map<string, number>>, log: Log): Map<string, readonly Listener[]> {
  const own = new Map<string, readonly Listener[]>();
  for (const [site, of] of store) {
    const fd = of.get('listen');
    if (fd === undefined) continue;
    of.delete('listen');
    try {
      own.set(site, [inspectListener(fd, `listen=${site}`)]);
    } catch (error) {
      log.error('A socket of our own cannot be used any more', { site, ...describeError(error) });
      closeFd(fd);
    }
  }
  return own;
}

/** Embedded: the sockets of every site are opened here, and their bundles prepared. */
export async function openOwn(paths: Paths, log: Log): Promise<Inheritance> {
  const { listSiteNames } = await import('../site/index.ts');
  const { prepareSiteWithPodman } = await import('../site/prepare.ts');
  const { imageFinder } = await import('../image/podman.ts');
  const { hostEtcOnce } = await import('../runtime/host-root.ts');
  const syncEtc = hostEtcOnce(paths);
  const images = imageFinder({ progress: process.stderr });
  const sites = new Map<string, readonly Listener[]>();
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
  return {
    control: new Map([['control', { path: paths.controlPath }], ['lease', { path: leaseSocketPath(paths) }]]), sites: new Map([...sites].map(([name, listeners]) => [name, listeners.map(({ fd }) => fd)])), listeners: (site) => sites.get(site) ?? [],
    loopback: [], everyFd, storedSites: [], stored: () => storedFds(new Map()), closeUnclaimed: () => {},
  };
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
