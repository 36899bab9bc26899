/** What `enable` does once so that waking need not: checks a site, renders its bundle, and writes both to the state directory. */
import { lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { bundleConfigBytesMax } from '../base/limits.ts';
import { preparedDir, type Paths } from '../base/paths.ts';
import { preparedVersion, type PreparedSite, type Site, type SourceState } from '../base/site.ts';
import { sourceState } from '../base/sources.ts';
import { bpfAnnotation, environmentOf, hostNameOf, pathDefault, renderBundle, type BundlePlaces } from './bundle.ts';
import { boundingSet } from './capabilities.ts';
import { hostEtcDirectory, hostRootSources, makeHostRoot, syncHostEtc } from './host-root.ts';
import { resolveIdentity } from './identity.ts';
import { mountsOf, type MountPlaces } from './mounts.ts';
import { ociText, type OciConfig, type OciMount } from './oci.ts';
import { checkProgram } from './program.ts';
import { highestLimits } from './rlimits.ts';
import type { Architecture } from './seccomp-profile.ts';
import { SiteTree, type TreePart } from './site-tree.ts';
import { makeStateDirectory, replaceFiles, stateError, withinStateDirectory } from './state-files.ts';

export interface PrepareExtra {
  /** Files of the site that the caller read. */
  readonly sources: readonly SourceState[];
  readonly warnings: readonly string[];
  /** The site was seen shutting its listener down. */
  readonly notifyShutdown: boolean;
  /** Brings the copy of /etc up to date ({@link hostEtcOnce}); asked only for `Root=host`. */
  readonly syncEtc?: () => void;
}

/** Where the activator takes notify descriptors: `linux.seccomp.listenerPath`. */
export function seccompSocketPath(paths: Paths): string {
  return `${paths.runtimeDir}/seccomp.sock`;
}

/**
 * Checks `site`, renders its bundle and writes `config.json` and `site.json`. If it throws, what was prepared before stays.
 *
 * @throws WakesockError `ERR_WAKESOCK_ROOTFS` (also for a missing source of `Volume=`), `ERR_WAKESOCK_PROGRAM`, `ERR_WAKESOCK_SITE_FILE`
 * (unknown user), `ERR_WAKESOCK_NOT_SUPPORTED`, `ERR_WAKESOCK_LIMIT`, `ERR_WAKESOCK_STATE_DIR`
 */
export function prepareBundle(site: Site, paths: Paths, { sources, warnings, notifyShutdown, syncEtc = () => syncHostEtc(paths) }: PrepareExtra): PreparedSite {
  const directory = preparedDir(paths, site.name);
  const root = rootOf(site, directory);
  checkVolumes(site);
  makeStateDirectory(`${paths.stateDir}/sites`, 0o755);
  return withinStateDirectory(directory, 0o700, () => {
    if (site.root.kind === 'host') {
      makeHostRoot(root);
      syncEtc();
    }
    const places = placesOf(site, paths, root, notifyShutdown);
    const tree = new SiteTree([{ target: '/', source: root }, ...mountsOf(site, places).flatMap(treePart)]);
    const identity = resolveIdentity(tree, site.user, site.group);
    checkProgram(tree, site.exec[0], environmentOf(site, identity)['PATH'] ?? pathDefault, site.workingDir ?? '/');
    const prepared: PreparedSite = {
      version: preparedVersion, site, uid: identity.uid, gid: identity.gid, warnings,
      sources: [...sources, ...ownSources(site, tree).map(sourceState)],
    };
    const config = configText(renderBundle(site, identity, places));
    replaceFiles(directory, [
      // Read in the container by whoever the program runs as.
      { name: 'hosts', data: hostsText(site), mode: 0o644 },
      // Hold the site's environment, and secrets stand in environments.
      { name: 'config.json', data: config, mode: 0o600 },
      { name: 'site.json', data: `${JSON.stringify(prepared)}\n`, mode: 0o600 },
    ]);
    return prepared;
  });
}

/** Removes all that {@link prepareBundle} made. Nothing there is no error. */
export function removePrepared(paths: Paths, name: string): void {
  const directory = preparedDir(paths, name);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    throw stateError(directory, error);
  }
}

function rootOf(site: Site, directory: string): string {
  if (site.handoff === 'relay') throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', 'Handoff=relay: such a site has no container of ours to prepare');
  if (site.root.kind === 'image') throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Image=${site.root.image} is not supported yet: use Rootfs= or Root=host`);
  if (site.root.kind === 'host') return `${directory}/root`;
  const { path } = site.root;
  if (!path.startsWith('/')) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected an absolute path`);
  const stats = statOnMachine(path);
  if (!stats) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected a directory, nothing is there`);
  if (!stats.isDirectory()) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected a directory, it is none`);
  return path;
}

function checkVolumes({ volumes }: Site): void {
  for (const { source, target } of volumes) {
    if (!source.startsWith('/')) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Volume=${source}:${target}: expected an absolute path; named volumes are not supported yet`);
    if (!statOnMachine(source)) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Volume=${source}:${target}: expected ${source} to be there, it is not`);
  }
}

function placesOf(site: Site, paths: Paths, root: string, notifyShutdown: boolean): BundlePlaces {
  const host = site.root.kind === 'host';
  const hasEtc = host || lstatSync(`${root}/etc`, { throwIfNoEntry: false })?.isDirectory() === true;
  const mountPlaces: MountPlaces = {
    hostsFile: hasEtc ? `${preparedDir(paths, site.name)}/hosts` : null,
    hostEtc: host ? hostEtcDirectory(paths) : null,
    fileVolumes: new Set(site.volumes.map(({ source }) => source).filter((source) => statOnMachine(source)?.isDirectory() === false)),
  };
  const availableCapabilities = boundingSet(readFileSync('/proc/self/status', 'utf8'));
  return {
    ...mountPlaces, root, notifyShutdown, architecture: architecture(), seccompSocket: seccompSocketPath(paths), availableCapabilities,
    highestLimits: highestLimits(
      readFileSync('/proc/self/limits', 'utf8'), availableCapabilities.includes('CAP_SYS_RESOURCE'), BigInt(readFileSync('/proc/sys/fs/nr_open', 'utf8').trim()),
    ),
  };
}

function architecture(): Architecture {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Expected an x64 or arm64 machine, found ${process.arch}`);
}

/** A tmpfs that starts with what lies below it hides nothing. */
function treePart({ destination, type, source, options }: OciMount): TreePart[] {
  if (options.includes('tmpcopyup')) return [];
  return [{ target: destination, source: type === 'bind' ? source : null }];
}

/** Changes of these make the rendered bundle wrong, though no file of the site changed. */
function ownSources(site: Site, tree: SiteTree): string[] {
  if (site.root.kind === 'host') return [...hostRootSources];
  if (site.user === null && site.group === null) return [];
  return ['/etc/passwd', '/etc/group'].flatMap((path) => tree.find(path)?.path ?? []);
}

function configText(config: OciConfig): string {
  const text = `${ociText(config)}\n`;
  const length = Buffer.byteLength(text);
  if (length <= bundleConfigBytesMax) return text;
  const rest = Buffer.byteLength(JSON.stringify(config.process.env));
  throw new WakesockError('ERR_WAKESOCK_LIMIT', `config.json: expected at most ${bundleConfigBytesMax} bytes, found ${length}, of which the environment takes ${rest}, the filter ${config.annotations[bpfAnnotation]?.length ?? 0}`);
}

/** An empty network namespace has no resolver: `localhost` and the container's own name are all there is. */
function hostsText(site: Site): string {
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${hostNameOf(site)}\n`;
}

function statOnMachine(path: string): ReturnType<typeof statSync> | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // ENOTDIR, ELOOP, EACCES: nothing that could be mounted.
    return undefined;
  }
}
