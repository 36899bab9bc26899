import type { ListenAddress, ProgramPort, ScopeProperty, Site, SiteRoot, SiteVolume } from '../base/site.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import type { NoWakeRule } from './front-keys.ts';

/** A value and the line it came from, for what is only decided when all keys have been read. */
export interface From<T> { readonly value: T; readonly entry: UnitEntry }

/** A site while its keys are read. `null`: the key is not there, and the default is not yet chosen. */
export interface SiteDraft {
  description: string | null;
  handoff: From<Site['handoff']> | null;
  target: From<string> | null;
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
  volumes: From<SiteVolume>[];
  tmpfs: { readonly target: string; readonly options: readonly string[] }[];
  user: string | null;
  group: string | null;
  workingDir: string | null;
  hostName: string | null;
  readOnly: boolean;
  noNewPrivileges: boolean;
  addCapabilities: string[];
  dropCapabilities: string[];
  ulimits: Map<string, { readonly soft: string; readonly hard: string }>;
  stopSignal: string | null;
  resources: ScopeProperty[];
  /** What only the front door reads. */
  front: { noWake: From<NoWakeRule>[]; waitPageAfterMs: number | null; waitPage: From<string> | null; pendingMax: number | null };
}

export function emptyDraft(): SiteDraft {
  return {
    description: null, handoff: null, target: null, listen: [], ports: [], published: [], hosts: [],
    idleMs: null, startTimeoutMs: null, stopTimeoutMs: null, roots: [], exec: null, entrypoint: null,
    environment: new Map(), volumes: [], tmpfs: [], user: null, group: null, workingDir: null, hostName: null,
    readOnly: false, noNewPrivileges: true, addCapabilities: [], dropCapabilities: [], ulimits: new Map(), stopSignal: null, resources: [],
    front: { noWake: [], waitPageAfterMs: null, waitPage: null, pendingMax: null },
  };
}
