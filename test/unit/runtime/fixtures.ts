import type { Site } from '../../../src/base/site.ts';
import { allCapabilities } from '../../../src/runtime/capabilities.ts';
import type { BundlePlaces } from '../../../src/runtime/bundle.ts';
import type { Identity } from '../../../src/runtime/identity.ts';

export const root: Identity = { uid: 0, gid: 0, additionalGids: [], home: '/root' };

export const noNetwork: Site['network'] = { mode: { kind: 'none' }, dns: { servers: null, search: null, options: null }, hosts: [] };

export function makeSite(overrides: Partial<Site> = {}): Site {
  return {
    name: 'blog', description: 'Blog', handoff: 'adopt', listen: [{ family: 'ipv4', address: '0.0.0.0', port: 8081, text: '8081' }],
    ports: [{ kind: 'tcp', port: 3000 }], hosts: [], target: null, unit: null, idleMs: 1, startTimeoutMs: 1, stopTimeoutMs: 1,
    root: { kind: 'rootfs', path: '/srv/blog' }, exec: ['/bin/server'], entrypoint: null, environment: {}, network: noNetwork, sysctls: {}, mounts: [], secrets: [], credentials: [], devices: [], user: null, group: null, addGroups: [],
    workingDir: null, hostName: null, userNs: null, readOnly: false, readOnlyTmpfs: true, timezone: null, shmBytes: null, mask: [], unmask: [], annotations: {}, noNewPrivileges: true, autoUpdate: null, seccompProfile: 'default', addCapabilities: [], dropCapabilities: [], ulimits: {}, stopSignal: 'TERM',
    resources: [], ...overrides,
  };
}

export function makePlaces(overrides: Partial<BundlePlaces> = {}): BundlePlaces {
  return {
    root: '/srv/blog', hostsFile: null, resolvConf: null, networkAt: null, hostEtc: null, fileSources: new Set(), volumePaths: new Map(), secrets: [], localtime: null, devices: [], imageVolumes: [], annotations: {}, seccompSocket: '/run/wakesock/seccomp.sock', notifyShutdown: false,
    architecture: 'x64', availableCapabilities: allCapabilities, highestLimits: new Map(), distributionProfile: null, ...overrides,
  };
}
