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
  /** `Target=` of a relayed site. */
  readonly target: string | null;
  readonly idleMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly root: SiteRoot;
  /** Program and arguments. Of a site with an image, as its files say, only the words of `Exec=`. */
  readonly exec: readonly string[];
  /** `Entrypoint=` of a site with an image; null: the image's. Elsewhere it is part of {@link exec}. */
  readonly entrypoint: readonly string[] | null;
  /** Variables in order, later ones win; EnvironmentFile= is already read in. */
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly SiteVolume[];
  readonly tmpfs: readonly { readonly target: string; readonly options: readonly string[] }[];
  readonly network: SiteNetwork;
  /** `Sysctl=`: kernel settings of the container's own namespaces, by name with dots. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** `User=` and `Group=` as written: a name or number, resolved in the root when the bundle is rendered. */
  readonly user: string | null;
  readonly group: string | null;
  readonly workingDir: string | null;
  readonly hostName: string | null;
  readonly readOnly: boolean;
  readonly noNewPrivileges: boolean;
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
  | { readonly kind: 'image'; readonly image: string };

export type ListenAddress =
  | { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly port: number; readonly text: string }
  | { readonly family: 'unix'; readonly path: string; readonly text: string };

/** What the program itself binds inside the container: a TCP port, or the path of a UNIX socket. */
export type ProgramPort =
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface SiteVolume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** One property of StartTransientUnit. 64-bit integers are decimal strings, so that JSON keeps them whole. */
export interface ScopeProperty {
  /** D-Bus name, e.g. `MemoryMax`, `CPUQuotaPerSecUSec`. */
  readonly name: string;
  /** D-Bus signature: `t`, `u`, `b`, `s`, `ay`, `a(st)`, … */
  readonly signature: string;
  readonly value: string | number | boolean | readonly number[] | readonly (readonly [text: string, number: string])[];
}

/**
 * Of what {@link PreparedSite} and the bundle beside it are made from the same files: one more with each release that makes
 * anything else of them. What an older one made still tells of a site that is awake, and is made anew at the next wake.
 */
export const preparedVersion = 4;

/** `site.json`: all that waking needs to know, so that waking parses no unit file. */
export interface PreparedSite {
  readonly version: number;
  /** With what its image says where its files say nothing. */
  readonly site: Site;
  /** Of a site with an image; null of any other. Not there in what was written before version 3. */
  readonly image?: PreparedImage | null;
  readonly rootMount?: RootMount | null;
  /** Of a site whose network somebody must make. Not there in what was written before version 4. */
  readonly network?: NetworkService | null;
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

/** An overlay that is mounted for each start, in a mount namespace that only crun and the container see. */
export interface RootMount {
  /** What {@link lower} is relative to: mount(2) takes one page of options. */
  readonly base: string;
  /** Read-only layers, the topmost first. */
  readonly lower: readonly string[];
  /** The site's own writable directory, and the one that the overlay needs beside it. */
  readonly upper: string;
  readonly work: string;
  /** An empty directory. */
  readonly target: string;
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
