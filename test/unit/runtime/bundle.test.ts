import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bpfAnnotation, hostNameOf, renderBundle, type BundlePlaces } from '../../../src/runtime/bundle.ts';
import { allCapabilities, boundingSet, chooseCapabilities, defaultCapabilities } from '../../../src/runtime/capabilities.ts';
import type { NetworkMode, SiteMount, SiteSecret } from '../../../src/base/site.ts';
import type { OciConfig } from '../../../src/runtime/oci.ts';
import { secretMounts } from '../../../src/runtime/secret-mount.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { makePlaces, makeSite, noNetwork, root } from './fixtures.ts';
import { ALLOW, NOTIFY, runFilter } from './run-filter.ts';

const choose = (add: string[], drop: string[], uid = 0, available: readonly string[] = allCapabilities) => chooseCapabilities({ add, drop, uid, available });
const mountAt = (config: ReturnType<typeof renderBundle>, destination: string) => config.mounts.filter((mount) => mount.destination === destination);

test('every namespace is new, and the network one has no path', () => {
  const { linux } = renderBundle(makeSite(), root, makePlaces());
  expect(linux.namespaces).toEqual(['pid', 'mount', 'ipc', 'uts', 'cgroup', 'network'].map((type) => ({ type })));
});

const networkOf = (mode: NetworkMode) => ({ ...noNetwork, mode });

describe('network', () => {
  test('Network=host: no namespace of its own, all others', () => {
    const { linux, hooks } = renderBundle(makeSite({ network: networkOf({ kind: 'host' }) }), root, makePlaces());
    expect(linux.namespaces).toEqual(['pid', 'mount', 'ipc', 'uts', 'cgroup'].map((type) => ({ type })));
    expect(hooks).toBeUndefined();
  });

  test('one that somebody makes is waited for by a hook of crun\'s', () => {
    const { linux, hooks } = renderBundle(makeSite({ network: networkOf({ kind: 'pasta', options: [] }) }), root, makePlaces({ networkAt: '/run/wakesock/sites/blog', resolvConf: '/x/resolv.conf' }));
    expect(linux.namespaces).toContainEqual({ type: 'network' });
    expect(hooks?.createRuntime).toEqual([{ path: '/bin/sh', args: ['sh', '-c', expect.any(String), '/run/wakesock/sites/blog'] }]);
  });

  test('Sysctl=', () => {
    expect(renderBundle(makeSite({ sysctls: { 'net.core.somaxconn': '7' } }), root, makePlaces()).linux.sysctl).toEqual({ 'net.core.somaxconn': '7' });
    expect(renderBundle(makeSite(), root, makePlaces()).linux.sysctl).toBeUndefined();
  });
});

test('is plain data, and the same for the same input', () => {
  const [first, second] = [1, 2].map(() => renderBundle(makeSite({ environment: { A: '1' } }), root, makePlaces()));
  expect(JSON.parse(JSON.stringify(first))).toEqual(second);
});

describe('process', () => {
  test('has a PATH, a home and whatever the site says, which wins', () => {
    expect(renderBundle(makeSite({ environment: { HOME: '/data', X: 'a=b' } }), root, makePlaces()).process.env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/data', 'container=wakesock', 'X=a=b',
    ]);
  });

  test('of a listen-fds site is told of its descriptors, since crun passes on LISTEN_PID alone', () => {
    const listen = [8081, 8082].map((port) => ({ family: 'ipv4', address: '0.0.0.0', port, text: String(port) }) as const);
    const { env } = renderBundle(makeSite({ handoff: 'listen-fds', listen, ports: [], environment: { LISTEN_FDS: '9' } }), root, makePlaces()).process;
    expect(env).toEqual(expect.arrayContaining(['LISTEN_FDS=2', 'LISTEN_FDNAMES=blog:blog', 'LISTEN_PID=1']));
    expect(env.filter((entry) => entry.startsWith('LISTEN_FDS='))).toHaveLength(1);
  });

  test('has no terminal but pipes, and of limits only that of descriptors', () => {
    const { process } = renderBundle(makeSite(), root, makePlaces());
    expect(Object.keys(process).toSorted()).toEqual(['args', 'capabilities', 'cwd', 'env', 'noNewPrivileges', 'rlimits', 'terminal', 'user']);
    expect(process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: '1024', hard: '524288' }]);
    expect(process).toMatchObject({ terminal: false, cwd: '/', noNewPrivileges: true, user: { umask: 0o022 } });
  });
});

describe('mounts', () => {
  test.each([
    [{}, false, ['/proc', '/dev', '/dev/pts', '/dev/shm', '/sys', '/sys/fs/cgroup']],
    [{ readOnly: true }, true, ['/proc', '/dev', '/dev/pts', '/dev/shm', '/sys', '/sys/fs/cgroup', '/tmp', '/var/tmp', '/run']],
    [{ root: { kind: 'host' } as const }, true, ['/proc', '/dev', '/dev/pts', '/dev/shm', '/sys', '/sys/fs/cgroup', '/usr', '/tmp', '/run']],
  ])('of %j', (overrides, readonly, destinations) => {
    const config = renderBundle(makeSite(overrides), root, makePlaces());
    expect(config.mounts.map(({ destination }) => destination)).toEqual(destinations);
    expect(config.root.readonly).toBe(readonly);
  });

  test('read-only directories are so with all that is mounted in them', () => {
    const config = renderBundle(makeSite({ root: { kind: 'host' }, mounts: [siteMount('bind', '/data', { source: '/srv/data', readOnly: true })] }), root, makePlaces({ hostEtc: '/var/lib/wakesock/host-etc' }));
    for (const destination of ['/usr', '/etc', '/data']) expect(mountAt(config, destination)[0]?.options).toEqual(expect.arrayContaining(['rbind', 'rro']));
  });

  test('crun takes recursive options for directories only', () => {
    const site = makeSite({ mounts: [siteMount('bind', '/etc/a.conf', { source: '/srv/a.conf', readOnly: true })] });
    expect(mountAt(renderBundle(site, root, makePlaces({ fileSources: new Set(['/srv/a.conf']) })), '/etc/a.conf')[0]?.options).toEqual(['bind', 'nosuid', 'nodev', 'ro']);
  });

  test('the user\'s own take the place of ours, parents first', () => {
    const site = makeSite({
      readOnly: true,
      mounts: [siteMount('bind', '/data/b', { source: '/b' }), siteMount('bind', '/data', { source: '/a' }), siteMount('tmpfs', '/tmp', { copyUp: false, data: ['size=1m'] })],
    });
    const config = renderBundle(site, root, makePlaces());
    expect(mountAt(config, '/tmp').map(({ options }) => options)).toEqual([['nosuid', 'nodev', 'size=1m']]);
    expect(config.mounts.slice(-3).map(({ destination }) => destination)).toEqual(['/data', '/tmp', '/data/b']);
  });
});

const optionsOf = (mount: SiteMount, overrides: Partial<BundlePlaces> = {}): unknown => {
  const [found] = mountAt(renderBundle(makeSite({ mounts: [mount] }), { ...root, uid: 7, gid: 8 }, makePlaces(overrides)), '/data');
  return [found?.type, found?.source, found?.options.join()];
};

describe('mounts that a site asks for', () => {
  const volumePaths = new Map([['/data', '/v/_data']]);

  test.each<[string, SiteMount, unknown]>([
    ['a directory', siteMount('bind', '/data', { source: '/a' }), ['bind', '/a', 'rbind,rnosuid,rnodev']],
    ['not what is below', siteMount('bind', '/data', { source: '/a', recursive: false, readOnly: true }), ['bind', '/a', 'bind,nosuid,nodev,ro']],
    ['with less', siteMount('bind', '/data', { source: '/a', readOnly: true, exec: false, suid: true, dev: true }), ['bind', '/a', 'rbind,rnoexec,rro']],
    ['a volume', siteMount('volume', '/data', { source: 'store', readOnly: true }), ['bind', '/v/_data', 'rbind,rnosuid,rnodev,rro']],
    ['memory', siteMount('tmpfs', '/data', { data: ['size=1m'], chown: true, exec: false }), ['tmpfs', 'tmpfs', 'nosuid,nodev,noexec,tmpcopyup,uid=7,gid=8,size=1m']],
  ])('%s', (_, mount, expected) => expect(optionsOf(mount, { volumePaths })).toEqual(expected));
});

const hidden = (mask: string[], unmask: string[]): OciConfig['linux'] => renderBundle(makeSite({ mask, unmask }), root, makePlaces()).linux;

test('hidden paths: podman\'s, more, fewer, none', () => {
  const [usual, some, none] = [hidden([], []), hidden(['/srv/x', '/proc/kcore'], ['/proc/s*', '/sys/firmware']), hidden([], ['ALL'])];
  expect(some.maskedPaths).toEqual([...usual.maskedPaths.filter((path) => !/^\/proc\/s[^/]*$|^\/sys\/firmware$/.test(path)), '/srv/x']);
  expect(some.readonlyPaths).toEqual(usual.readonlyPaths.filter((path) => !path.startsWith('/proc/s')));
  expect([none.maskedPaths, none.readonlyPaths]).toEqual([[], []]);
  expect(hidden([], ['/proc/.*']).maskedPaths).toEqual(usual.maskedPaths);
});

const secret = (target: string): SiteSecret => ({ name: 'x', as: { kind: 'file', target, uid: 0, gid: 0, mode: 0o444 } });

test('secrets: one mount for those of podman\'s directory, one for credentials; a variable takes the place of the site\'s', () => {
  const site = makeSite({
    environment: { TOKEN: 'none', OTHER: 'x' }, secrets: [secret('/run/secrets/a'), secret('/run/secrets/b'), secret('/run/secrets/c/d'), secret('/etc/key'), { name: 'x', as: { kind: 'env', variable: 'TOKEN' } }],
    credentials: [{ id: 'c', load: null, set: { base64: '', encrypted: false } }],
  });
  expect(secretMounts(site, '/p/secrets').map(({ source, target }) => [source, target])).toEqual([
    ['/p/secrets/run', '/run/secrets'], ['/p/secrets/secret-2', '/run/secrets/c/d'], ['/p/secrets/secret-3', '/etc/key'], ['/p/secrets/credentials', '/run/credentials/blog'],
  ]);
  const { env } = renderBundle(site, root, makePlaces()).process;
  expect(env.filter((line) => /^(?:TOKEN|OTHER|CREDENTIALS_DIRECTORY)=/.test(line))).toEqual(['CREDENTIALS_DIRECTORY=/run/credentials/blog', 'OTHER=x']);
  // What the user mounts at podman's directory is not covered.
  expect(secretMounts(makeSite({ secrets: [secret('/run/secrets/a')], mounts: [siteMount('tmpfs', '/run/secrets')] }), '/p/secrets')).toEqual([{ source: '/p/secrets/secret-0', target: '/run/secrets/a', file: true }]);
});

describe('capabilities', () => {
  test('podman\'s eleven for root, all effective, none ambient', () => {
    const { bounding, effective, permitted, ambient, inheritable } = choose([], []);
    expect(bounding.toSorted()).toEqual(defaultCapabilities.toSorted());
    expect([effective, permitted]).toEqual([bounding, bounding]);
    expect([ambient, inheritable]).toEqual([[], []]);
  });

  test('another user has only what was added by name, ambient too', () => {
    const { bounding, ...own } = choose(['net_raw'], [], 1000);
    expect(bounding).toContain('CAP_CHOWN');
    expect(own).toEqual(Object.fromEntries(['effective', 'permitted', 'inheritable', 'ambient'].map((set) => [set, ['CAP_NET_RAW']])));
  });

  test.each([
    [[], ['all'], []],
    [['CAP_NET_RAW'], ['ALL'], ['CAP_NET_RAW']],
    [[], ['CHOWN'], defaultCapabilities.filter((name) => name !== 'CAP_CHOWN')],
    [['all'], ['cap_sys_admin'], allCapabilities.filter((name) => name !== 'CAP_SYS_ADMIN')],
  ])('add %j, drop %j', (add, drop, expected) => {
    expect(choose(add, drop).bounding.toSorted()).toEqual(expected.toSorted());
  });

  test('`all` is what the machine has; by name, what it lacks is refused', () => {
    const available = allCapabilities.filter((name) => name !== 'CAP_SYS_RESOURCE');
    expect(choose(['all'], [], 0, available).bounding).toEqual(available);
    expect(() => choose(['SYS_RESOURCE'], [], 0, available)).toThrow('AddCapability=CAP_SYS_RESOURCE');
    expect(() => choose(['FLY'], [])).toThrow('AddCapability=FLY: expected a capability');
  });

  test('the bounding set is read from the bits of /proc', () => {
    expect(boundingSet('CapBnd:\t00000000800405fb\n').toSorted()).toEqual(defaultCapabilities.toSorted());
  });

  test('nobody but root ever has more than was asked for', () => {
    const names = fc.subarray([...allCapabilities, 'all']);
    fc.assert(fc.property(names, names, fc.integer({ min: 0, max: 3 }), (add, drop, uid) => {
      const { bounding, effective, permitted, ambient } = choose(add, drop, uid);
      for (const name of [...effective, ...permitted, ...ambient]) expect(bounding).toContain(name);
      for (const name of drop.filter((dropped) => !drop.includes('all') && dropped !== 'all')) expect(bounding).not.toContain(name);
      if (uid !== 0) for (const name of effective) expect(add.includes('all') || add.includes(name)).toBe(true);
    }));
  });
});

describe('seccomp', () => {
  const NUMBERS = { bind: 49, listen: 50, shutdown: 48 };
  const notified = (config: ReturnType<typeof renderBundle>) => Object.entries(NUMBERS).flatMap(([name, number]) => {
    const action = runFilter(Buffer.from(config.annotations[bpfAnnotation] ?? '', 'base64'), { architecture: 0xc000_003e, number, args: [3n, 0n, 16n] });
    expect([ALLOW, NOTIFY]).toContain(action);
    return action === NOTIFY ? [name] : [];
  });
  const unix = { listen: [{ family: 'unix', path: '/run/x', text: '/run/x' }], ports: [{ kind: 'unix', path: '/run/y' }] } as const;

  test.each([
    ['adopt', {}, false, ['bind', 'listen']],
    ['adopt of a UNIX socket', unix, false, ['listen']],
    ['adopt, seen shutting down', {}, true, ['bind', 'listen', 'shutdown']],
    ['listen-fds', { handoff: 'listen-fds', ports: [] } as const, false, []],
    ['listen-fds, seen shutting down', { handoff: 'listen-fds', ports: [] } as const, true, ['shutdown']],
  ])('%s', (_, overrides, notifyShutdown, calls) => {
    const config = renderBundle(makeSite(overrides), root, makePlaces({ notifyShutdown }));
    expect(notified(config)).toEqual(calls);
    const listener = { listenerPath: '/run/wakesock/seccomp.sock', listenerMetadata: 'blog' };
    expect(config.linux.seccomp).toEqual({ defaultAction: 'SCMP_ACT_KILL_PROCESS', ...calls.length > 0 ? listener : {} });
  });
});

test('the host name fits sethostname(2)', () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,127}$/);
  fc.assert(fc.property(name, (name) => {
    const hostName = hostNameOf(makeSite({ name }));
    expect(hostName.length).toBeLessThanOrEqual(64);
    expect(name.startsWith(hostName)).toBe(true);
    expect(hostName).toMatch(/^[a-z0-9](.*[a-z0-9])?$/);
  }));
});
