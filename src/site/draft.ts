import type { ListenAddress, NetworkMode, ProgramPort, ScopeProperty, Site, SiteCredential, SiteDevice, SiteMount, SiteNetwork, SiteRoot, SiteSecret } from '../base/site.ts';
import { userNsDefault } from './user-ns.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import type { NoWakeRule } from './front-keys.ts';

/** A value and the line it came from, for what is only decided when all keys have been read. */
export interface From<T> { readonly value: T; readonly entry: UnitEntry }

/** A site while its keys are read. `null`: the key is not there, and the default is not yet chosen. */
export interface SiteDraft {
  description: string | null;
  handoff: From<Site['handoff']> | null;
  target: From<ListenAddress> | null;
  unit: From<string> | null;
  listen: From<ListenAddress>[];
  ports: From<ProgramPort>[];
  /** Both sides of each `PublishPort=`. */
  published: From<{ readonly listen: ListenAddress; readonly port: ProgramPort }>[];
  hosts: From<string>[];
  idleMs: number | null;
  startTimeoutMs: number | null;
  stopTimeoutMs: number | null;
  roots: From<SiteRoot>[];
  exec: From<readonly string[]> | null;
  /** Null: the key is not there. */
  entrypoint: readonly string[] | null;
  /** EnvironmentFile= is read before Environment=, which therefore wins, as with podman. */
  environment: Map<string, string>;
  mounts: From<SiteMount>[];
  secrets: From<SiteSecret>[];
  credentials: Map<string, From<SiteCredential>>;
  devices: From<SiteDevice>[];
  /** One for each `Network=`. */
  networks: From<NetworkMode>[];
  dns: { servers: From<string>[] | null; search: From<string>[] | null; options: From<string>[] | null };
  /** `IP=`, `IP6=`: the last of each counts. */
  addresses: From<string>[];
  aliases: From<string>[];
  addHosts: SiteNetwork['hosts'][number][];
  sysctls: Map<string, From<string>>;
  user: string | null;
  group: string | null;
  addGroups: string[];
  workingDir: string | null;
  hostName: string | null;
  userNs: Site['userNs'];
  readOnly: boolean;
  readOnlyTmpfs: boolean;
  volatileTmp: From<boolean> | null;
  timezone: string | null;
  shmBytes: string | null;
  mask: string[];
  unmask: string[];
  annotations: Map<string, string>;
  noNewPrivileges: boolean;
  autoUpdate: From<'registry' | 'local'> | null;
  seccompProfile: Site['seccompProfile'];
  addCapabilities: string[];
  dropCapabilities: string[];
  ulimits: Map<string, { readonly soft: string; readonly hard: string }>;
  stopSignal: string | null;
  resources: ScopeProperty[];
  /** What only the front door reads. */
  front: { noWake: From<NoWakeRule>[]; waitPageAfterMs: number | null; waitPage: From<string> | null; pendingMax: number | null; upgrades: readonly string[] | null; allowConnect: boolean | null };
}

export function emptyDraft(): SiteDraft {
  return {
    description: null, handoff: null, target: null, unit: null, listen: [], ports: [], published: [], hosts: [],
    idleMs: null, startTimeoutMs: null, stopTimeoutMs: null, roots: [], exec: null, entrypoint: null,
    environment: new Map(), mounts: [], secrets: [], credentials: new Map(), devices: [], networks: [], dns: { servers: null, search: null, options: null }, addresses: [], aliases: [], addHosts: [], sysctls: new Map(), user: null, group: null, addGroups: [], workingDir: null, hostName: null, userNs: userNsDefault,
    readOnly: false, readOnlyTmpfs: true, volatileTmp: null, timezone: null, shmBytes: null, mask: [], unmask: [], annotations: new Map(), noNewPrivileges: true, autoUpdate: null, seccompProfile: 'default', addCapabilities: [], dropCapabilities: [], ulimits: new Map(), stopSignal: null, resources: [],
    front: { noWake: [], waitPageAfterMs: null, waitPage: null, pendingMax: null, upgrades: null, allowConnect: null },
  };
}
