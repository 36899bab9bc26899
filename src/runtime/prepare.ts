/** What `enable` does once so that waking need not: checks a site, renders its bundle, and writes both to the state directory. */
import { lstatSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { bundleConfigBytesMax } from '../base/limits.ts';
import { preparedDir, runtimeSiteDir, type Paths } from '../base/paths.ts';
import { preparedVersion, type FoundVolume, type PreparedImage, type PreparedSite, type Site, type SiteRoot, type SourceState } from '../base/site.ts';
import { sourceState } from '../base/sources.ts';
import { bpfAnnotation, environmentOf, imageAnnotation, pathDefault, renderBundle, type BundlePlaces } from './bundle.ts';
import { boundingSet } from './capabilities.ts';
import { findDevices, type FoundDevices } from './devices.ts';
import { distributionProfilePaths, readDistributionProfile } from './distribution-profile.ts';
import { hostEtcDirectory, hostRootSources, makeHostRoot, syncHostEtc } from './host-root.ts';
import { makeRootMount, withFreshRoot, type Layers } from './image-root.ts';
import { resolveIdentity, type Identity } from './identity.ts';
import { hostHostsFile, hostsText } from './hosts-file.ts';
import { mountsOf, type MountPlaces } from './mounts.ts';
import { releaseAddresses } from './addresses.ts';
import { netavarkInput } from './netavark.ts';
import { networkFiles, networkService } from './network.ts';
import { readNetwork } from './podman-network.ts';
import { ociText, type OciConfig, type OciMount } from './oci.ts';
import { checkProgram } from './program.ts';
import { hostResolvConf, resolvConf } from './resolv-conf.ts';
import { highestLimits } from './rlimits.ts';
import type { Architecture } from './seccomp-profile.ts';
import { secretMounts, secretsDirectory } from './secret-mount.ts';
import { SiteTree, type TreePart } from './site-tree.ts';
import { checkVolumes, settleVolumes, volumePaths } from './volumes.ts';
import { giveUserNamespace, rootTarget } from './user-namespace.ts';
import { ensureDirectory, makeStateDirectory, replaceFiles, stateError, withinStateDirectory } from './state-files.ts';

/** What `Image=` stands for, found in podman's storage. */
export interface ImageRoot extends Layers {
  readonly image: PreparedImage;
  /** Directories that the image wants to outlive its container. */
  readonly volumes: readonly string[];
}

export interface PrepareExtra {
  /** Files of the site that the caller read. */
  readonly sources: readonly SourceState[];
  readonly warnings: readonly string[];
  /** The site was seen shutting its listener down. */
  readonly notifyShutdown: boolean;
  /** Brings the copy of /etc up to date ({@link hostEtcOnce}); asked only for `Root=host`. */
  readonly syncEtc?: () => void;
  /** Of a site with an image, which `site` has been completed by. */
  readonly image?: ImageRoot;
  /** Volumes of podman's, as they were found. */
  readonly volumes?: readonly FoundVolume[];
  readonly secretStore?: string | null;
  /** Volumes that are new are filled and given to the site's user, which may take any time. A wake only looks whether they are ready. */
  readonly settle?: boolean;
}

/** Where the activator takes notify descriptors: `linux.seccomp.listenerPath`. */
export function seccompSocketPath(paths: Paths): string {
  return `${paths.runtimeDir}/seccomp.sock`;
}

/**
 * Checks `site`, renders its bundle and writes `config.json` and `site.json`. If it throws, what was prepared before stays.
 *
 * @throws WakesockError `ERR_WAKESOCK_NETWORK`, `ERR_WAKESOCK_ROOTFS` (also for a missing directory of `Volume=`), `ERR_WAKESOCK_VOLUME`, `ERR_WAKESOCK_DEVICE`, `ERR_WAKESOCK_PROGRAM`, `ERR_WAKESOCK_SITE_FILE`
 * (unknown user), `ERR_WAKESOCK_NOT_SUPPORTED`, `ERR_WAKESOCK_LIMIT`, `ERR_WAKESOCK_STATE_DIR`
 */
export function prepareBundle(site: Site, paths: Paths, extra: PrepareExtra): PreparedSite {
  const { sources, warnings, image, volumes = [], secretStore = null, syncEtc = () => syncHostEtc(paths) } = extra;
  const directory = preparedDir(paths, site.name);
  if (site.root.kind === 'none') return prepareRelayed(site, paths, { sources, warnings });
  const root = rootOf(site.root, paths, directory);
  checkSources(site);
  const devices = findDevices(site.devices);
  const network = networkService(site, networkFiles(paths, site.name));
  // Before they are read: what changes meanwhile is seen by the next wake.
  const networkSources = networkSourcesOf(site).map(sourceState);
  const resolv = resolvConf(site.network);
  makeStateDirectory(`${paths.stateDir}/sites`, 0o755);
  return withinStateDirectory(directory, 0o700, () => {
    if (site.root.kind === 'host') {
      makeHostRoot(root);
      syncEtc();
    }
    const input = allotNetworks(site, paths);
    const rootMount = image ? makeRootMount(directory, root, image, null) : null;
    if (site.secrets.length + site.credentials.length > 0) ensureDirectory(secretsDirectory(paths), 0o755);
    const look = (): Looked => lookInto(site, paths, { root, devices: devices.nodes, extra });
    const { identity, config: rendered, ownSources, emptyVolumes, found } = rootMount === null ? look() : withFreshRoot(rootMount, look);
    for (const path of emptyVolumes) ensureDirectory(path, 0o755);
    const { config, warnings: idWarnings, ...isolation } = giveUserNamespace(site, paths, { config: rendered, rootMount }, devices.nodes);
    const prepared: PreparedSite = {
      version: preparedVersion, site: { ...site, resources: [...site.resources, ...devices.allowed] }, image: image?.image ?? null, ...isolation,
      network, volumes, secretStore, uid: identity.uid, gid: identity.gid,
      warnings: [...warnings, ...found, ...idWarnings], sources: [...sources, ...networkSources, ...ownSources, ...devices.sources],
    };
    replaceFiles(directory, [
      // Read in the container by whoever the program runs as.
      { name: 'hosts', data: hostsText(site), mode: 0o644 },
      ...input === null ? [] : [{ name: 'netavark.json', data: input, mode: 0o600 }],
      ...resolv === null ? [] : [{ name: 'resolv.conf', data: resolv, mode: 0o644 }],
      // Hold the site's environment, and secrets stand in environments.
      { name: 'config.json', data: configText(config), mode: 0o600 },
      { name: 'site.json', data: `${JSON.stringify(prepared)}\n`, mode: 0o600 },
    ]);
    return prepared;
  });
}

/** What serves it is no affair of ours: `site.json` is all that waking needs. */
function prepareRelayed(site: Site, paths: Paths, { sources, warnings }: Pick<PrepareExtra, 'sources' | 'warnings'>): PreparedSite {
  const directory = preparedDir(paths, site.name);
  makeStateDirectory(`${paths.stateDir}/sites`, 0o755);
  return withinStateDirectory(directory, 0o700, () => {
    // Of a site that was a container on a network before.
    releaseAddresses(paths, site.name);
    const prepared: PreparedSite = { version: preparedVersion, site, image: null, rootMount: null, uid: 0, gid: 0, warnings, sources };
    replaceFiles(directory, [{ name: 'site.json', data: `${JSON.stringify(prepared)}\n`, mode: 0o600 }]);
    return prepared;
  });
}

interface Looked {
  readonly identity: Identity;
  readonly config: OciConfig;
  readonly ownSources: readonly SourceState[];
  /** Of the image, that are to be made. */
  readonly emptyVolumes: readonly string[];
  /** Warnings. */
  readonly found: readonly string[];
}

interface LookParts {
  readonly root: string;
  readonly devices: FoundDevices['nodes'];
  readonly extra: PrepareExtra;
}

/** All for which the root must be there. */
function lookInto(site: Site, paths: Paths, { root, devices, extra }: LookParts): Looked {
  const { image, volumes = [] } = extra;
  const prepared = preparedDir(paths, site.name);
  const imageVolumes = image ? volumesToMount(site, prepared, root, image) : [];
  const places = { ...placesOf(site, paths, root, extra, imageVolumes), devices, annotations: image ? { [imageAnnotation]: image.image.id } : {} };
  const bare = new SiteTree([{ target: '/', source: root }]);
  const tree = new SiteTree([{ target: '/', source: root }, ...mountsOf(site, places).flatMap(treePart)]);
  const identity = image ? identityInImage(tree, site, image.image) : resolveIdentity(tree, site.user, site.group, site.addGroups);
  // Only an image's root is nobody else's to change while it is copied.
  const found = extra.settle === true ? settleVolumes(site, places.volumePaths, volumes, image ? bare : null, identity) : [];
  checkVolumes(site, places.volumePaths, identity);
  checkProgram(tree, site.exec[0], environmentOf(site, identity)['PATH'] ?? pathDefault, site.workingDir ?? '/');
  return {
    identity, found, config: renderBundle(site, identity, places), emptyVolumes: imageVolumes.flatMap(({ source }) => source ?? []),
    ownSources: [
      // Layers do not change.
      ...image ? [] : ownSources(site, tree), ...distributionProfilePaths, ...site.timezone === 'local' ? ['/etc/localtime'] : [],
    ].map(sourceState),
  };
}

/** Whose file names a user that is not there, the site's or the image's, is the same to who reads of it: it is not in the image. */
function identityInImage(tree: SiteTree, site: Site, { asked }: PreparedImage): Identity {
  try {
    return resolveIdentity(tree, site.user, site.group, site.addGroups);
  } catch (error) {
    if (!(error instanceof WakesockError) || error.code !== 'ERR_WAKESOCK_SITE_FILE') throw error;
    throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: ${error.message}`, { cause: error });
  }
}

/**
 * Volumes of an image are in the site's own directory as everything is that its program writes. What is left: one that the image
 * lacks is made, and one in a read-only root must be writable, if only in memory.
 */
function volumesToMount(site: Site, directory: string, root: string, { volumes }: ImageRoot): MountPlaces['imageVolumes'] {
  const tree = new SiteTree([{ target: '/', source: root }]);
  return volumes.flatMap((target): MountPlaces['imageVolumes'] => {
    if (!tree.find(target)) return [{ target, source: `${directory}/volumes/${encodeURIComponent(target)}` }];
    return site.readOnly ? [{ target, source: null }] : [];
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

function rootOf(root: Exclude<SiteRoot, { kind: 'none' }>, paths: Paths, directory: string): string {
  if (root.kind === 'image') return rootTarget(paths);
  if (root.kind === 'host') return `${directory}/root`;
  const { path } = root;
  if (!path.startsWith('/')) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected an absolute path`);
  const stats = statOnMachine(path);
  if (!stats) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected a directory, nothing is there`);
  if (!stats.isDirectory()) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Rootfs=${path}: expected a directory, it is none`);
  return path;
}

function checkSources({ mounts }: Site): void {
  for (const { kind, source, target } of mounts) {
    if (kind !== 'bind' || source === null) continue;
    if (!statOnMachine(source)) throw new WakesockError('ERR_WAKESOCK_ROOTFS', `Volume=${source}:${target}: expected ${source} to be there, it is not`);
  }
}

function placesOf(site: Site, paths: Paths, root: string, { notifyShutdown, volumes = [] }: PrepareExtra, imageVolumes: MountPlaces['imageVolumes']): Omit<BundlePlaces, 'annotations' | 'devices'> {
  const host = site.root.kind === 'host';
  const prepared = preparedDir(paths, site.name);
  const hasEtc = host || lstatSync(`${root}/etc`, { throwIfNoEntry: false })?.isDirectory() === true;
  const mountPlaces: MountPlaces = {
    hostsFile: hasEtc ? `${prepared}/hosts` : null,
    resolvConf: hasEtc && site.network.mode.kind !== 'none' ? `${prepared}/resolv.conf` : null,
    hostEtc: host ? hostEtcDirectory(paths) : null,
    imageVolumes,
    fileSources: new Set(site.mounts.flatMap(({ kind, source }) => (kind === 'bind' && source !== null && statOnMachine(source)?.isDirectory() === false ? [source] : []))),
    volumePaths: volumePaths(site, prepared, volumes),
    secrets: secretMounts(site, secretsDirectory(paths)),
    localtime: site.timezone === null ? null : timezoneFile(site.timezone),
  };
  const availableCapabilities = boundingSet(readFileSync('/proc/self/status', 'utf8'));
  return {
    ...mountPlaces, distributionProfile: readDistributionProfile(), root, notifyShutdown,
    networkAt: site.network.mode.kind === 'pasta' || site.network.mode.kind === 'named' ? runtimeSiteDir(paths, site.name) : null,
    architecture: architecture(), seccompSocket: seccompSocketPath(paths), availableCapabilities,
    highestLimits: highestLimits(
      readFileSync('/proc/self/limits', 'utf8'), availableCapabilities.includes('CAP_SYS_RESOURCE'), BigInt(readFileSync('/proc/sys/fs/nr_open', 'utf8').trim()),
    ),
  };
}

function timezoneFile(timezone: string): string {
  const path = timezone === 'local' ? '/etc/localtime' : `/usr/share/zoneinfo/${timezone}`;
  if (statOnMachine(path)?.isFile()) return realpathSync(path);
  throw new WakesockError('ERR_WAKESOCK_SITE_FILE', `Timezone=${timezone}: expected a time zone at ${path}, found none`);
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
  if (site.user === null && site.group === null && site.addGroups.length === 0) return [];
  return ['/etc/passwd', '/etc/group'].flatMap((path) => tree.find(path)?.path ?? []);
}

function configText(config: OciConfig): string {
  const text = `${ociText(config)}\n`;
  const length = Buffer.byteLength(text);
  if (length <= bundleConfigBytesMax) return text;
  const rest = Buffer.byteLength(JSON.stringify(config.process.env));
  throw new WakesockError('ERR_WAKESOCK_LIMIT', `config.json: expected at most ${bundleConfigBytesMax} bytes, found ${length}, of which the environment takes ${rest}, the filter ${config.annotations[bpfAnnotation]?.length ?? 0}`);
}

/** What netavark is to read at each start; null for a site on no named network, which has no address any more. */
function allotNetworks(site: Site, paths: Paths): string | null {
  const { mode } = site.network;
  const networks = mode.kind === 'named' ? mode.networks : [];
  releaseAddresses(paths, site.name, new Set(networks.map(({ name }) => readNetwork(name).name)));
  return networks.length > 0 ? netavarkInput(site, networks, paths) : null;
}

/** Of these the site's own files are made. */
function networkSourcesOf({ network: { mode } }: Site): readonly string[] {
  if (mode.kind === 'none') return [];
  return [...hostResolvConf, ...mode.kind === 'host' ? [hostHostsFile] : [], ...mode.kind === 'named' ? mode.networks.flatMap(({ name }) => readNetwork(name).files) : []];
}

function statOnMachine(path: string): ReturnType<typeof statSync> | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // ENOTDIR, ELOOP, EACCES: nothing that could be mounted.
    return undefined;
  }
}
