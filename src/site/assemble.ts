import { idleMsDefault, startTimeoutMsDefault, stopTimeoutMsDefault } from '../base/limits.ts';
import type { ListenAddress, ProgramPort, ScopeProperty, Site, SiteMount, SiteRoot } from '../base/site.ts';
import { hasRegistry, isLocal } from '../image/podman.ts';
import type { From, SiteDraft } from './draft.ts';
import { siteMount } from './mount-options.ts';
import { assembleNetwork, assembleSysctls } from './network.ts';
import type { Reading } from './reading.ts';

/** Makes the site of what its keys say; what only shows between keys is reported. Null if there is no root. */
export function assembleSite(name: string, draft: SiteDraft, reading: Reading): Site | null {
  const handoff = draft.handoff?.value ?? 'adopt';
  const listen = draft.listen.length > 0 ? draft.listen : draft.published.map(({ value, entry }) => ({ value: value.listen, entry }));
  reportTwice(listen, reading);
  if (handoff === 'relay') return relayedSite(name, draft, listen.map(({ value }) => value), reading);
  const ports = handoff === 'adopt' ? pairPorts(draft, listen, reading) : noPorts(draft, handoff, reading);
  for (const value of [draft.target, draft.unit]) if (value !== null) reading.error('conflict', value.entry, `${value.entry.key}=: it belongs to Handoff=relay, found Handoff=${handoff}`, 'Handoff=relay in [X-Wakesock]');

  const [root, second] = draft.roots;
  if (second !== undefined) reading.error('conflict', second.entry, `Expected one of Rootfs=, Image= and Root=, found ${draft.roots.length}`);
  if (root === undefined) {
    // An unreadable value has been reported already; saying that the key is missing would be wrong.
    if (!reading.diagnostics.some((found) => found.severity === 'error' && /^(?:Rootfs|Image|Root)=/.test(found.message))) {
      reading.error('missing-key', null, 'Expected one of Rootfs=, Image= and Root=, found none', 'Rootfs=/PATH in [Container]');
    }
    return null;
  }
  const image = root.value.kind === 'image';
  const network = assembleNetwork(draft, reading);
  const words = draft.exec?.value ?? [];
  const exec = image ? words : [...draft.entrypoint ?? [], ...words];
  if (!image && (exec.length === 0 || exec[0] === '')) {
    const broken = reading.diagnostics.some((found) => found.severity === 'error' && /^(?:Exec|Entrypoint)=/.test(found.message));
    if (!broken) reading.error('missing-key', draft.exec?.entry ?? null, 'Expected the program of the site, found none', 'Exec=/PROGRAM in [Container]');
  }
  return {
    ...common(name, draft), handoff, listen: listen.map(({ value }) => value), ports, target: null, unit: null,
    root: root.value, autoUpdate: autoUpdateOf(draft, root.value, reading), exec, entrypoint: image ? draft.entrypoint : null, environment: Object.fromEntries(draft.environment),
    network, sysctls: assembleSysctls(draft, network.mode, reading),
    mounts: mountsOf(draft), secrets: draft.secrets.map(({ value }) => value), credentials: [...draft.credentials.values()].map(({ value }) => value), devices: draft.devices.map(({ value }) => value),
    user: draft.user, group: draft.group, addGroups: [...new Set(draft.addGroups)], workingDir: draft.workingDir, hostName: draft.hostName, userNs: draft.userNs,
    readOnly: draft.readOnly, readOnlyTmpfs: draft.readOnlyTmpfs, timezone: draft.timezone, shmBytes: draft.shmBytes,
    mask: draft.mask, unmask: draft.unmask, annotations: Object.fromEntries(draft.annotations), noNewPrivileges: draft.noNewPrivileges, seccompProfile: draft.seccompProfile,
    addCapabilities: [...new Set(draft.addCapabilities)], dropCapabilities: [...new Set(draft.dropCapabilities)],
    ulimits: Object.fromEntries(draft.ulimits), stopSignal: draft.stopSignal ?? (image ? null : 'TERM'), resources: lastOfEach(draft.resources),
  };
}

function common(name: string, draft: SiteDraft): Pick<Site, 'name' | 'description' | 'hosts' | 'idleMs' | 'startTimeoutMs' | 'stopTimeoutMs'> {
  return {
    name, description: draft.description ?? name, hosts: [...new Set(draft.hosts.map(({ value }) => value))],
    idleMs: draft.idleMs ?? idleMsDefault,
    startTimeoutMs: draft.startTimeoutMs ?? startTimeoutMsDefault,
    stopTimeoutMs: draft.stopTimeoutMs ?? stopTimeoutMsDefault,
  };
}

/** It has neither root nor program: what runs is no affair of ours. */
function relayedSite(name: string, draft: SiteDraft, listen: readonly ListenAddress[], reading: Reading): Site {
  noPorts(draft, 'relay', reading);
  for (const { entry } of [...draft.roots, ...draft.exec === null ? [] : [draft.exec]]) {
    reading.warning('no-effect', entry, `${entry.key}=: it has no effect with Handoff=relay, where Unit= is what runs`);
  }
  if (draft.target === null && !reading.diagnostics.some(({ severity, message }) => severity === 'error' && message.startsWith('Target='))) {
    reading.error('missing-key', draft.handoff?.entry ?? null, 'Expected Target= of a relayed site, found none', 'Target=ADDRESS:PORT in [X-Wakesock]');
  }
  if (listen.length === 0 && draft.hosts.length === 0) {
    reading.error('missing-key', draft.handoff?.entry ?? null, 'Expected ListenStream= or Host=, found none', 'ListenStream=PORT in [X-Wakesock]');
  }
  return {
    ...common(name, draft), handoff: 'relay', listen, ports: [], target: draft.target?.value ?? null, unit: draft.unit?.value ?? null,
    root: { kind: 'none' }, autoUpdate: null, exec: [], entrypoint: null, environment: {}, network: { mode: { kind: 'none' }, dns: { servers: null, search: null, options: null }, hosts: [] }, sysctls: {}, mounts: [], secrets: [], credentials: [], devices: [], user: null, group: null, addGroups: [], workingDir: null, hostName: null, userNs: null,
    readOnly: false, readOnlyTmpfs: false, timezone: null, shmBytes: null, mask: [], unmask: [], annotations: {}, noNewPrivileges: true, seccompProfile: 'default', addCapabilities: [], dropCapabilities: [], ulimits: {}, stopSignal: null, resources: [],
  };
}

/** As with podman a name without its registry is not enough: another one could come to be meant. */
function autoUpdateOf({ autoUpdate }: SiteDraft, root: SiteRoot, reading: Reading): Site['autoUpdate'] {
  if (autoUpdate === null) return null;
  if (root.kind !== 'image') {
    reading.warning('no-effect', autoUpdate.entry, 'AutoUpdate=: it has no effect without Image=');
    return null;
  }
  if (autoUpdate.value === 'registry' && !hasRegistry(root.image)) {
    reading.error('bad-value', autoUpdate.entry, `AutoUpdate=: Expected Image= to name its registry, such as docker.io/library/nginx:1.27, found ${root.image}`, isLocal(root.image) ? 'AutoUpdate=local' : null);
  }
  return autoUpdate.value;
}

/** `Memory=` says what `MemoryMax=` says again, and a share (`MemoryMaxScale`) what an amount does. */
function lastOfEach(resources: readonly ScopeProperty[]): ScopeProperty[] {
  return [...new Map(resources.map((property) => [property.name.replace(/Scale$/, ''), property])).values()];
}

/** `VolatileTmp=` has no meaning where a read-only root has such a directory anyway. */
function mountsOf(draft: SiteDraft): SiteMount[] {
  const mounts = draft.mounts.map(({ value }) => value);
  if (draft.volatileTmp?.value !== true || draft.readOnly || mounts.some(({ target }) => target === '/tmp')) return mounts;
  return [...mounts, siteMount('tmpfs', '/tmp', { data: ['size=512m', 'mode=1777'] })];
}

function reportTwice(listen: readonly From<ListenAddress>[], reading: Reading): void {
  const seen = new Set<string>();
  for (const { value, entry } of listen) {
    if (seen.has(value.text)) reading.error('conflict', entry.place(), `${entry.key}=: Expected each address once, found ${value.text} again`);
    seen.add(value.text);
  }
}

/** Only the front door reaches it, on the one TCP socket that the activator makes. */
function reportFrontOnly(ports: readonly From<ProgramPort>[], reading: Reading): void {
  const [only, second] = ports;
  if (second !== undefined) reading.error('conflict', second.entry.place(), `${second.entry.key}=: Expected one port of a site that has Host= and no ListenStream=, found ${ports.length}`);
  if (only?.value.kind === 'unix') {
    reading.error('conflict', only.entry.place(), `${only.entry.key}=: Expected a TCP port, since without ListenStream= the front door comes by TCP, found ${only.value.path}`);
  }
}

/** A program that is given its sockets binds nothing. */
function noPorts(draft: SiteDraft, handoff: Site['handoff'], reading: Reading): ProgramPort[] {
  const why = handoff === 'relay' ? 'where Target= says where the program listens' : 'where the program binds nothing';
  for (const { entry } of draft.ports) reading.warning('no-effect', entry, `Port=: it has no effect with Handoff=${handoff}, ${why}`);
  return [];
}

function pairPorts(draft: SiteDraft, listen: readonly From<ListenAddress>[], reading: Reading): ProgramPort[] {
  const ports: readonly From<ProgramPort>[] = draft.ports.length > 0 ? draft.ports : draft.published.map(({ value, entry }) => ({ value: value.port, entry }));
  const only = listen[0];
  // The image may expose its port: who has the image knows.
  if (ports.length === 0 && listen.length <= 1 && draft.roots.some(({ value }) => value.kind === 'image')) return [];
  if (ports.length === 0 && listen.length === 1 && only !== undefined) {
    return [only.value.family === 'unix' ? { kind: 'unix', path: only.value.path } : { kind: 'tcp', port: only.value.port }];
  }
  // With an unreadable address or port the counts mean nothing.
  if (reading.diagnostics.some((found) => found.severity === 'error' && /^(?:ListenStream|Port|PublishPort)=/.test(found.message))) return [];
  if (listen.length === 0) {
    if (draft.hosts.length > 0) reportFrontOnly(ports, reading);
    if (ports.length === 0) {
      reading.error('missing-key', draft.hosts[0]?.entry ?? null,
        'Expected ListenStream= or PublishPort=, or at least Port= (what the program binds), found none', 'ListenStream=PORT in [X-Wakesock]');
    }
    return ports.map(({ value }) => value);
  }
  if (ports.length !== listen.length) {
    const place = (ports.length > listen.length ? ports[listen.length] : listen[ports.length])?.entry ?? null;
    reading.error('conflict', place, `Expected as many ports of the program as addresses, paired in order; found ${listen.length} of ${listen[0]?.entry.key}= and `
      + `${ports.length} of ${draft.ports.length > 0 || ports.length === 0 ? 'Port' : 'PublishPort'}=`);
    return ports.map(({ value }) => value);
  }
  const taken = new Set<string>();
  for (const [i, { value: port, entry }] of ports.entries()) {
    const { value: address } = listen[i] as From<ListenAddress>;
    const unix = address.family === 'unix';
    if (unix !== (port.kind === 'unix')) {
      reading.error('conflict', entry.place(), `${entry.key}=: Expected ${unix ? 'an absolute path' : 'a TCP port'}, since it is paired with ${address.text}, found ${port.kind === 'tcp' ? port.port : port.path}`);
    }
    const key = `${address.family} ${port.kind === 'tcp' ? port.port : port.path}`;
    if (taken.has(key)) reading.error('conflict', entry.place(), `${entry.key}=: Expected each port once for a family, since the program can bind it once, found ${port.kind === 'tcp' ? port.port : port.path} again`);
    taken.add(key);
  }
  return ports.map(({ value }) => value);
}
