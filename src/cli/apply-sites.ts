import { describeError, WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { PreparedSite, Site } from '../base/site.ts';
import { readPrepared } from '../runtime/prepared.ts';
import { resourceOf, resourceProperties } from '../site/resources.ts';
import type { Manager } from '../systemd/manager.ts';
import { setScopeLimits } from '../systemd/scope-limits.ts';
import { scopeName } from '../systemd/unit-names.ts';

export interface ApplyParts {
  readonly paths: Paths;
  readonly manager: Manager;
  readonly prepare: (name: string) => Promise<PreparedSite>;
  /** Resolves when none of these sites is between two states in which its container is as it was prepared before. */
  readonly untilStarted: (names: readonly string[]) => Promise<void>;
}

export interface AppliedSite {
  readonly name: string;
  readonly awake: boolean;
  /** Limits of the running site that are others now. */
  readonly changed: readonly { readonly key: string; readonly from: string; readonly to: string }[];
  /** Keys that the container was made with: what they say now holds from its next wake on. */
  readonly nextWake: readonly string[];
  /** Keys for which `wakesock enable` must be called. */
  readonly enable: readonly string[];
  readonly warnings: readonly string[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A site that fails does not hold up the others. */
export async function applySites(names: readonly string[], parts: ApplyParts): Promise<AppliedSite[]> {
  const prepared = new Map<string, Prepared | WakesockError>();
  for (const name of names) prepared.set(name, await prepareOne(name, parts));
  // A container that was on its way has the limits of before. From here on every start has the new ones.
  await parts.untilStarted(names.filter((name) => !(prepared.get(name) instanceof WakesockError)));
  const sites: AppliedSite[] = [];
  for (const [name, one] of prepared) sites.push(await applyOne(name, one, parts.manager));
  return sites;
}

interface Prepared {
  readonly before: PreparedSite;
  readonly after: PreparedSite;
}

async function prepareOne(name: string, { paths, prepare }: ApplyParts): Promise<Prepared | WakesockError> {
  try {
    return { before: readPrepared(paths, name), after: await prepare(name) };
  } catch (error) {
    if (error instanceof WakesockError) return error;
    throw error;
  }
}

async function applyOne(name: string, prepared: Prepared | WakesockError, manager: Manager): Promise<AppliedSite> {
  const nothing = { name, awake: false, changed: [], nextWake: [], enable: [], warnings: [] };
  if (prepared instanceof WakesockError) return { ...nothing, error: describeError(prepared) };
  const { before, after } = prepared;
  const { warnings } = after;
  const keys = changedKeys(before, after);
  const enable = keys.filter((key) => key === listenKey);
  try {
    const changed = await setScopeLimits(manager, scopeName(name), after.site.resources, resourceProperties.map(({ property }) => property));
    return {
      ...nothing, awake: changed !== null, enable, warnings, error: null,
      changed: (changed ?? []).map(({ name: property, from, to }) => ({ key: resourceOf(property)?.key ?? property, from, to })),
      nextWake: changed === null ? [] : keys.filter((key) => key !== listenKey),
    };
  } catch (error) {
    if (!(error instanceof WakesockError)) throw error;
    return { ...nothing, warnings, error: describeError(error) };
  }
}

const listenKey = 'ListenStream=';
/** What a difference is called. Null: it holds without a new start, or is no difference of its own. */
const keysOf: Readonly<Record<keyof Site, string | null>> = {
  name: null, resources: null,
  network: 'Network=', sysctls: 'Sysctl=',
  // The front door reads it from the files.
  hosts: null,
  // auto-update does.
  autoUpdate: null,
  description: 'Description=', handoff: 'Handoff=', listen: listenKey, ports: 'Port=', target: 'Target=', unit: 'Unit=', idleMs: 'IdleSec=',
  startTimeoutMs: 'TimeoutStartSec=', stopTimeoutMs: 'TimeoutStopSec=', root: 'Rootfs=, Image= or Root=', exec: 'Exec=', entrypoint: 'Entrypoint=',
  environment: 'Environment=', mounts: 'Volume=, Mount= or Tmpfs=', secrets: 'Secret=', credentials: 'LoadCredential= and the like', devices: 'AddDevice=', user: 'User=', group: 'Group=', addGroups: 'GroupAdd=', workingDir: 'WorkingDir=', hostName: 'HostName=',
  readOnly: 'ReadOnly=', readOnlyTmpfs: 'ReadOnlyTmpfs=', timezone: 'Timezone=', shmBytes: 'ShmSize=', mask: 'Mask=', unmask: 'Unmask=', annotations: 'Annotation=', noNewPrivileges: 'NoNewPrivileges=', userNs: 'UserNS=', seccompProfile: 'SeccompProfile=', addCapabilities: 'AddCapability=', dropCapabilities: 'DropCapability=', ulimits: 'Ulimit=',
  stopSignal: 'StopSignal=',
};

function changedKeys(before: PreparedSite, after: PreparedSite): string[] {
  const fields = (Object.keys(keysOf) as (keyof Site)[]).filter((field) => JSON.stringify(before.site[field]) !== JSON.stringify(after.site[field]));
  const keys = fields.flatMap((field) => keysOf[field] ?? []);
  return before.image && after.image && before.image.id !== after.image.id ? [...keys, 'a new version of its image'] : keys;
}
