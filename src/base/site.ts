/** A site, as its files say. Plain data: it can be written as JSON and read back equal. */
export interface Site {
  readonly name: string;
  readonly description: string;
  /** What is read by whom: see design section 4. */
  readonly handoff: 'adopt' | 'listen-fds' | 'relay';
  /** Addresses of `ListenStream=`, or of `PublishPort=` where there is none. May be empty. */
  readonly listen: readonly ListenAddress[];
  /**
   * What the program binds, paired with {@link listen} by index. Empty unless `handoff` is `adopt`, and, as the files of a site
   * with an image say it, where the image's only exposed port is meant.
   */
  readonly ports: readonly ProgramPort[];
  readonly hosts: readonly string[];
  /** `Target=` of a relayed site: where what serves it listens. */
  readonly target: ListenAddress | null;
  /** `Unit=` of a relayed site: the systemd unit that is started for it, and stopped. Null: what serves it is always there. */
  readonly unit: string | null;
  readonly idleMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly root: SiteRoot;
  /** `AutoUpdate=` of a site with an image: what `wakesock auto-update` does about new versions. */
  readonly autoUpdate: 'registry' | 'local' | null;
  /** Program and arguments. Of a site with an image, as its files say, only the words of `Exec=`. */
  readonly exec: readonly string[];
  /** `Entrypoint=` of a site with an image; null: the image's. Elsewhere it is part of {@link exec}. */
  readonly entrypoint: readonly string[] | null;
  /** Variables in order, later ones win; EnvironmentFile= is already read in. */
  readonly environment: Readonly<Record<string, string>>;
  /** What `Volume=`, `Mount=` and `Tmpfs=` ask for, in this order; no target twice. */
  readonly mounts: readonly SiteMount[];
  readonly network: SiteNetwork;
  /** `Sysctl=`: kernel settings of the container's own namespaces, by name with dots. */
  readonly sysctls: Readonly<Record<string, string>>;
  readonly secrets: readonly SiteSecret[];
  readonly credentials: readonly SiteCredential[];
  readonly devices: readonly SiteDevice[];
  /** `User=` and `Group=` as written: a name or number, resolved in the root when the bundle is rendered. */
  readonly user: string | null;
  readonly group: string | null;
  /** `GroupAdd=`, likewise. */
  readonly addGroups: readonly string[];
  readonly workingDir: string | null;
  readonly hostName: string | null;
  /** A user namespace of its own with so many ids; `required`: the file asks for it, so that without it there is no site. Null: the machine's. */
  readonly userNs: { readonly ids: number; readonly required: boolean } | null;
  readonly readOnly: boolean;
  /** A read-only root has /tmp, /run and /var/tmp in memory. */
  readonly readOnlyTmpfs: boolean;
  /** `Timezone=`: a file below /usr/share/zoneinfo, or `local`, the machine's. */
  readonly timezone: string | null;
  /** Bytes of /dev/shm, decimal; 0: as many as there are. Null: 64 MiB. */
  readonly shmBytes: string | null;
  /** `Mask=`, and `Unmask=` as patterns with `*`; `ALL` is everything. */
  readonly mask: readonly string[];
  readonly unmask: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly noNewPrivileges: boolean;
  /** `default`: what the distribution's profile for containers refuses is refused, beside our own table. */
  readonly seccompProfile: 'default' | 'unconfined';
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  /** `Ulimit=`, by name without RLIMIT_ and in lower case. Decimal, since they have 64 bits; `-1`: as much as the machine gives. */
  readonly ulimits: Readonly<Record<string, { readonly soft: string; readonly hard: string }>>;
  /** Name without SIG, e.g. `TERM`. Null: the image's, which may have none either. */
  readonly stopSignal: string | null;
  /** Properties of the scope, already in D-Bus form. */
  readonly resources: readonly ScopeProperty[];
}

/** `Network=` and what belongs to it. */
export interface SiteNetwork {
  readonly mode: NetworkMode;
  /** Lines of the container's /etc/resolv.conf; null: the key is not there. */
  readonly dns: { readonly servers: readonly string[] | null; readonly search: readonly string[] | null; readonly options: readonly string[] | null };
  /** `AddHost=`: lines of the container's /etc/hosts. */
  readonly hosts: readonly { readonly names: readonly string[]; readonly address: string }[];
}

export type NetworkMode =
  /** A network namespace that holds nothing but `lo`. */
  | { readonly kind: 'none' }
  /** No namespace of its own. */
  | { readonly kind: 'host' }
  /** @see `pasta(1)`; options as the program takes them */
  | { readonly kind: 'pasta'; readonly options: readonly string[] }
  /** Networks of podman's, in the order of the interfaces `eth0`, `eth1`, …; at least one. */
  | { readonly kind: 'named'; readonly networks: readonly NamedNetwork[] };

export interface NamedNetwork {
  /** As written: the name of the network, or of its Quadlet file, `NAME.network`. */
  readonly name: string;
  /** Addresses that the site asks for, at most one of each family; of a family without one is allotted. */
  readonly addresses: readonly string[];
  /** Names of the site on this network besides its own. */
  readonly aliases: readonly string[];
}

export type SiteRoot =
  | { readonly kind: 'rootfs'; readonly path: string }
  | { readonly kind: 'host' }
  | { readonly kind: 'image'; readonly image: string }
  /** Of a relayed site: no container of ours. */
  | { readonly kind: 'none' };

export type ListenAddress =
  | { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly port: number; readonly text: string }
  | { readonly family: 'unix'; readonly path: string; readonly text: string };

/** What the program itself binds inside the container: a TCP port, or the path of a UNIX socket. */
export type ProgramPort =
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/**
 * Something that is mounted into a site's root. What differs between kinds is only where it comes from: whoever must treat all
 * binds alike finds them here.
 */
export interface SiteMount {
  /** `bind`: a path of the machine. `volume`: a volume of podman's, or one of the site's own. `tmpfs`: memory. */
  readonly kind: 'bind' | 'volume' | 'tmpfs';
  /** `bind`: absolute. `volume`: podman's name of it; null: the site's own, known by its target. `tmpfs`: null. */
  readonly source: string | null;
  /** Absolute, in the container; not the root. */
  readonly target: string;
  readonly readOnly: boolean;
  /** What may be done with files on it. Devices are opened by `AddDevice=` only, whatever this says. */
  readonly exec: boolean;
  readonly suid: boolean;
  readonly dev: boolean;
  /** `bind`: with what is mounted below it. */
  readonly recursive: boolean;
  /** It is given to the container's user (`:U`): all of it, and for good; a tmpfs at each start. */
  readonly chown: boolean;
  /** What the root has at the target is in it: in a volume once, when it is new; in a tmpfs at each start. */
  readonly copyUp: boolean;
  /** A volume of podman's that is not there is made. */
  readonly create: boolean;
  /** Further options of a tmpfs, e.g. `size=64m`. */
  readonly data: readonly string[];
}

/** `Secret=`: a secret of podman's, by name. */
export interface SiteSecret {
  readonly name: string;
  readonly as: { readonly kind: 'env'; readonly variable: string }
    | { readonly kind: 'file'; readonly target: string; readonly uid: number; readonly gid: number; readonly mode: number };
}

/** `LoadCredential=` and its kin (systemd.exec(5)), by its ID. */
export interface SiteCredential {
  readonly id: string;
  /** A file; a relative name is looked for in systemd's credential stores. */
  readonly load: { readonly path: string; readonly encrypted: boolean } | null;
  /** In base64. Counts where there is nothing to load. */
  readonly set: { readonly base64: string; readonly encrypted: boolean } | null;
}

/** `AddDevice=` */
export interface SiteDevice {
  /** On the machine: a device, or a directory of them. */
  readonly source: string;
  readonly target: string;
  /** Of `r`, `w` and `m` (mknod). */
  readonly access: string;
  /** It may be missing. */
  readonly optional: boolean;
}

/** Ids of users and groups alike: what a site calls 0…count-1 is `first`… on the machine. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** One property of StartTransientUnit. 64-bit integers are decimal strings, so that JSON keeps them whole. */
export interface ScopeProperty {
  /** D-Bus name, e.g. `MemoryMax`, `CPUQuotaPerSecUSec`. */
  readonly name: string;
  /** D-Bus signature: `t`, `u`, `b`, `s`, `ay`, `a(st)`, `a(ss)`, … */
  readonly signature: string;
  readonly value: string | number | boolean | readonly number[] | readonly (readonly [text: string, number: string])[];
}

/**
 * Of what {@link PreparedSite} and the bundle beside it are made from the same files: one more with each release that makes
 * anything else of them. What an older one made still tells of a site that is awake, and is made anew at the next wake.
 */
export const preparedVersion = 5;

/** `site.json`: all that waking needs to know, so that waking parses no unit file. */
export interface PreparedSite {
  readonly version: number;
  /** With what its image says where its files say nothing. */
  readonly site: Site;
  /** Of a site with an image; null of any other. Not there in what was written before version 3. */
  readonly image?: PreparedImage | null;
  readonly rootMount?: RootMount | null;
  /** Of a site whose network somebody must make. Not there in what was written before version 5. */
  readonly network?: NetworkService | null;
  /** Volumes of podman's that it has, as they were found. Not there in what was written before version 4, like the next. */
  readonly volumes?: readonly FoundVolume[];
  /** Where podman keeps its secrets; null: the site has none of them. */
  readonly secretStore?: string | null;
  /** Of its user namespace; null: it has none. Not there in what was written before version 4. */
  readonly ids?: IdRange | null;
  /** With a user namespace: directories that are bound, and what was mounted below them. Another answer means rendering again. */
  readonly mountsBelow?: MountsBelow | null;
  /** Files and directories this was made from. Waking stats them; a difference means rendering again. */
  readonly sources: readonly SourceState[];
  /** Ids in the container's own eyes. */
  readonly uid: number;
  readonly gid: number;
  /** Problems worth telling the user (unknown keys, missing controllers), as text. */
  readonly warnings: readonly string[];
}

/** What makes the network of a site at each start, beside its container: a service of systemd's that ends with the site's scope. */
export interface NetworkService {
  /** systemd.service(5), Type=. */
  readonly type: 'forking' | 'exec';
  /** Program and arguments, by absolute path. */
  readonly start: readonly string[];
  /** Run when that has ended, however it did. */
  readonly stop: readonly string[] | null;
  /** Bits of the capabilities that these may have, capabilities(7); decimal, since there are more than 32. Null: root's. */
  readonly capabilities: string | null;
}

/** Where podman keeps images: containers-storage.conf(5), `graphroot` and `driver`. */
export interface ImageStore {
  readonly driver: 'overlay' | 'vfs';
  readonly root: string;
}

/** An image as podman found it. */
export interface FoundImage {
  readonly store: ImageStore;
  /** Its whole name in the store, looked up again whenever the store has changed. Null: it is meant by its number, as `oci:` is. */
  readonly reference: string | null;
  /** 64 hexadecimal digits. */
  readonly id: string;
}

export interface PreparedImage extends FoundImage {
  /** `Image=` as written. */
  readonly asked: string;
}

/** A volume of podman's, as it said. */
export interface FoundVolume {
  readonly name: string;
  /** The directory itself. */
  readonly path: string;
  /** podman's text. A volume that was removed and made again has another. */
  readonly createdAt: string;
  /** No container of podman's has filled it or given it to anybody. */
  readonly unused: boolean;
}

export interface MountsBelow {
  readonly directories: readonly string[];
  readonly found: readonly string[];
}

/** What is mounted for each start, in a mount namespace that only crun and the container see. */
export type RootMount = OverlayRoot | BoundRoot;

export interface OverlayRoot {
  readonly kind: 'overlay';
  /** What {@link lower} is relative to: mount(2) takes one page of options. */
  readonly base: string;
  /** Read-only layers, the topmost first. */
  readonly lower: readonly string[];
  /** The site's own directory, and in it its writable directory, and the one that the overlay needs beside that. */
  readonly own: string;
  readonly upper: string;
  readonly work: string;
  /** An empty directory. */
  readonly target: string;
  /** Whose the files of layers and site are within; null: as on the disk. */
  readonly ids: IdRange | null;
}

/** A directory as it is, but for whom its files belong to. */
export interface BoundRoot {
  readonly kind: 'bind';
  readonly source: string;
  /** An empty directory. */
  readonly target: string;
  readonly ids: IdRange;
}

/** `null` fields: the path did not exist. */
export interface SourceState {
  readonly path: string;
  /** Nanoseconds since the epoch, decimal. */
  readonly mtimeNs: string | null;
  readonly size: number | null;
}

/** Site names: used unescaped in unit names, paths and descriptor names (design section 5). */
export const siteNamePattern = /^[a-z0-9][a-z0-9._-]*$/;
/** systemd takes a descriptor's default name from its unit and `check` a file from its suffix: a site called `blog.socket` would be two things. */
export const siteNameSuffixesRefused: readonly string[] = [
  'service', 'socket', 'device', 'mount', 'automount', 'swap', 'target', 'path', 'timer', 'slice', 'scope', 'container',
];
export const reservedSiteNames: readonly string[] = ['front', 'control', 'wakesock'];
