/** The oracle for rendered bundles: both versions of crun take them, and the program in them can do what it should and no more. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { makeBundle } from '../unit/bundle.ts';
import { makeSite } from '../unit/runtime/fixtures.ts';
import { refusedCalls } from '../../src/runtime/seccomp-profile.ts';
import { siteMount } from '../../src/site/mount-options.ts';
import type { Site } from '../../src/base/site.ts';
import type { RunRequest, RunResult } from './bundle/run-site.ts';

const box = testBox();
const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const ground = '/var/lib/wakesock-bundle-test';
const column = process.arch === 'x64' ? 0 : 1;
const refused = Object.fromEntries(refusedCalls.flatMap(({ calls }) => Object.entries(calls).flatMap(([name, numbers]) => (numbers[column] === null ? [] : [[name, numbers[column]]]))));
const clone3 = 435;

interface Seen {
  namespaces: Record<string, string>;
  status: Record<string, string>;
  mounts: { target: string; options: string[] }[];
  env: Record<string, string>;
  hostname: string; interfaces: string[]; cgroup: string; root: string[]; etc: string[]; descriptors: number;
  writes: Record<string, string>; reads: Record<string, number | string>; hosts: string;
  calls: Record<string, string>; options: Record<string, string>; families: Record<string, unknown>;
  bindShort: string; bind: string; listen: string; shutdowns: string[];
}

const hostSite = (overrides: Partial<Site> = {}): Site => makeSite({
  name: 'probe', root: { kind: 'host' }, exec: ['node', '/probe/probe.cjs', '/checkout/node_modules/koffi', JSON.stringify({ ...refused, clone3 })],
  mounts: [siteMount('bind', '/checkout', { source: checkout, readOnly: true }), siteMount('bind', '/probe', { source: `${ground}/probe`, readOnly: true })], ...overrides,
});

async function run(request: Partial<RunRequest> & { site: Site }): Promise<RunResult> {
  // In a scope, as in earnest: crun asks in which cgroup it is.
  const output = await box.run(['systemd-run', '--scope', '--quiet', '--collect', 'node', `${ground}/run-site.cjs`, `${ground}/state`, JSON.stringify({ notifyShutdown: false, descriptors: 0, ...request })]);
  return JSON.parse(output) as RunResult;
}

async function look(request: Partial<RunRequest> & { site: Site }): Promise<Seen & { notification: string }> {
  const { code, stdout, stderr, notification } = await run(request);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { ...JSON.parse(stdout) as Seen, notification };
}

async function limitsOf(ulimits: Site['ulimits']): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await run({ site: hostSite({ exec: ['cat', '/proc/self/limits'], ulimits }) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return Object.fromEntries([...stdout.matchAll(/^Max (.+?) {2,}(\S+) +(\S+)/gm)].map(([, name = '', soft, hard]) => [name, `${soft}:${hard}`]));
}

beforeAll(async () => {
  const { program, remove } = await makeBundle('test/system/bundle/run-site.ts');
  await box.writeFile(`${ground}/run-site.cjs`, readFileSync(program));
  await box.writeFile(`${ground}/probe/probe.cjs`, readFileSync(`${checkout}/test/system/bundle/probe.cjs`));
  await box.run(['ln', '-sfn', `${checkout}/node_modules`, `${ground}/node_modules`]);
  await box.run(['mkdir', '-p', `${ground}/data`, '/usr/share/wakesock-bundle-test']);
  await box.run(['mount', '-t', 'tmpfs', 'tmpfs', '/usr/share/wakesock-bundle-test']);
  return async () => {
    await box.run(['umount', '/usr/share/wakesock-bundle-test']);
    await box.run(['rm', '-rf', ground]);
    await remove();
  };
});

test('the numbers of the refused calls are those of libseccomp, for both architectures', async () => {
  const names = refusedCalls.flatMap(({ calls }) => Object.keys(calls));
  const script = [
    'import ctypes, json, sys', 'resolve = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name_arch', 'resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]',
    'print(json.dumps({n: [resolve(a, n.encode()) for a in (0xc000003e, 0xc00000b7)] for n in sys.argv[1:]}))',
  ].join('\n');
  const known = JSON.parse(await box.run(['python3', '-c', script, ...names])) as Record<string, [number, number]>;
  const newer = names.filter((name) => known[name]?.every((number) => number === -1));
  expect(['', 'open_tree_attr']).toContain(newer.join());
  for (const calls of refusedCalls.map((group) => group.calls)) {
    for (const [name, numbers] of Object.entries(calls)) if (!newer.includes(name)) expect([name, known[name]?.map((number) => (number < 0 ? null : number))]).toEqual([name, numbers]);
  }
});

test('limits are the site\'s own, or those of any service: not ours, which a thousand sockets need to be high', async () => {
  const most = Number((await box.run(['sh', '-c', 'ulimit -Hn'])).trim());
  expect((await limitsOf({}))['open files']).toBe(`1024:${Math.min(most, 524_288)}`);
  expect(await limitsOf({ nofile: { soft: '2000', hard: '3000' }, core: { soft: '0', hard: '-1' }, fsize: { soft: '9007199254740993', hard: '-1' } })).toMatchObject({
    'open files': '2000:3000', 'core file size': '0:unlimited', 'file size': '9007199254740993:unlimited',
  });
});

describe('a program of a Root=host site', () => {
  let seen: Awaited<ReturnType<typeof look>>;
  beforeAll(async () => {
    const writes = ['/usr/x', '/usr/share/wakesock-bundle-test/x', '/etc/x', '/etc/hosts', '/x', '/probe/x', '/sys/x', '/proc/sys/kernel/hostname', '/data/x', '/tmp/x', '/var/tmp/x', '/run/x', '/dev/shm/x'];
    const site = hostSite();
    seen = await look({ site: { ...site, environment: { WRITES: writes.join(':') }, mounts: [...site.mounts, siteMount('bind', '/data', { source: `${ground}/data` })] } });
  });

  test('is in namespaces of its own', async () => {
    for (const [name, inode] of Object.entries(seen.namespaces)) expect((await box.run(['readlink', `/proc/1/ns/${name}`])).trim()).not.toBe(inode);
    expect(seen.interfaces.filter((name) => name === 'lo')).toEqual(['lo']);
    expect(seen.cgroup).toMatch(/^0::\/$/m);
    expect(seen.hostname).toBe('probe');
    expect(seen.hosts).toContain('127.0.1.1 probe');
  });

  test('writes nowhere but where it may, whatever is mounted below', () => {
    expect(seen.writes).toEqual({
      '/usr/x': 'EROFS', '/usr/share/wakesock-bundle-test/x': 'EROFS', '/etc/x': 'EROFS', '/etc/hosts': 'EROFS', '/x': 'EROFS', '/probe/x': 'EROFS',
      '/sys/x': expect.stringMatching(/^(EROFS|EACCES)$/), '/proc/sys/kernel/hostname': 'EROFS',
      '/data/x': 'ok', '/tmp/x': 'ok', '/var/tmp/x': 'ok', '/run/x': 'ok', '/dev/shm/x': 'ok',
    });
    const below = (target: string) => seen.mounts.filter((mount) => mount.target === target || mount.target.startsWith(`${target}/`));
    for (const target of ['/usr', '/etc', '/sys', '/probe', '/checkout']) {
      expect(below(target)).not.toEqual([]);
      for (const mount of below(target)) expect([mount.target, mount.options]).toEqual([mount.target, expect.arrayContaining(['ro'])]);
    }
  });

  test('sees no secrets', () => {
    expect(seen.reads).toEqual({ '/proc/kcore': expect.toSatisfy((value) => value === 0 || value === 'ENOENT'), '/proc/keys': 0, '/etc/shadow': 'ENOENT' });
    for (const name of ['shadow', 'ssh', 'wakesock', 'machine-id']) expect(seen.etc).not.toContain(name);
    expect(seen.root).not.toContain('boot');
  });

  test('has podman\'s default capabilities and gains no more', () => {
    expect(seen.status).toMatchObject({ CapBnd: '00000000800405fb', CapEff: '00000000800405fb', CapPrm: '00000000800405fb', CapInh: '0000000000000000', CapAmb: '0000000000000000', NoNewPrivs: '1', Seccomp: '2' });
  });

  test('is refused what the profile refuses', () => {
    expect(seen.calls).toEqual({ ...Object.fromEntries(Object.keys(refused).map((name) => [name, 'EPERM'])), clone3: 'ENOSYS' });
    // Bound devices, filters on and off, their lock, reuseport programs. SO_REUSEADDR and SO_KEEPALIVE are anybody's.
    for (const option of [25, 26, 27, 44, 50, 51, 52, 62]) expect([option, seen.options[option]]).toEqual([option, 'EPERM']);
    expect([seen.options[2], seen.options[9]]).toEqual(['ok', 'ok']);
    expect(seen.families).toEqual({ vsock: 'EAFNOSUPPORT', alg: 'EAFNOSUPPORT', inet6: true });
  });

  test('has bind and listen of a TCP address notified, nothing shorter', () => {
    // Nobody holds the notify descriptor: notified is ENOSYS. Shut down is a socket that was never connected.
    expect([seen.bindShort, seen.bind, seen.listen, seen.shutdowns]).toEqual(['EINVAL', 'ENOSYS', 'ENOSYS', ['ENOTCONN', 'ENOTCONN', 'ENOTCONN']]);
    expect(JSON.parse(seen.notification.replace(/\0+$/, ''))).toMatchObject({ metadata: 'probe' });
  });
});

test('a site seen shutting down has that notified as well, but not for the writing side', async () => {
  const { shutdowns } = await look({ site: hostSite(), notifyShutdown: true });
  expect(shutdowns).toEqual(['ENOSYS', 'ENOTCONN', 'ENOSYS']);
});

test('a listen-fds site gets its descriptors from 3 on and is told of them, without any notification', async () => {
  const listen = [8081, 8082].map((port) => ({ family: 'ipv4', address: '0.0.0.0', port, text: String(port) }) as const);
  const seen = await look({ site: hostSite({ handoff: 'listen-fds', listen, ports: [] }), descriptors: 2 });
  expect(seen.env).toMatchObject({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'probe:probe', LISTEN_PID: '1' });
  expect([seen.descriptors, seen.bind, seen.listen, seen.notification]).toEqual([2, 'ok', 'ok', '']);
});

test('another user has its groups, no capabilities but those asked for, and reads what it needs', async () => {
  const { status, hosts, env } = await look({ site: hostSite({ user: 'nobody', addCapabilities: ['NET_RAW'] }) });
  expect(status).toMatchObject({ CapEff: '0000000000002000', CapAmb: '0000000000002000', CapBnd: '00000000800425fb' });
  expect(status['Uid']?.split('\t')).toEqual(Array.from({ length: 4 }, () => '65534'));
  expect(hosts).toContain('localhost');
  expect(env['HOME']).toBe('/nonexistent');
});

test.each([true, false])('without `no new privileges` the filter still holds (%s)', async (noNewPrivileges) => {
  const { calls, status } = await look({ site: hostSite({ noNewPrivileges }) });
  expect([status['NoNewPrivs'], status['Seccomp'], calls['mount']]).toEqual([noNewPrivileges ? '1' : '0', '2', 'EPERM']);
});

const busybox = (readOnly: boolean): Site => makeSite({
  name: 'rootfs', handoff: 'listen-fds', listen: [], ports: [], root: { kind: 'rootfs', path: `${ground}/rootfs` }, readOnly,
  exec: ['busybox', 'sh', '-c', 'for f in /x /tmp/x /run/x; do busybox touch $f 2>/dev/null && echo $f; done; busybox cat /tmp/kept; busybox ping -c1 localhost >/dev/null && echo pong'],
});

describe('a program of a Rootfs= site', () => {
  beforeAll(async () => {
    await box.run(['sh', '-c', `mkdir -p ${ground}/rootfs/bin ${ground}/rootfs/etc ${ground}/rootfs/tmp ${ground}/rootfs/run && cp "$(command -v busybox)" ${ground}/rootfs/bin/ && echo kept >${ground}/rootfs/tmp/kept`]);
  });

  test('has it read-only with places to write, if asked', async () => {
    expect(await run({ site: busybox(true) })).toMatchObject({ code: expect.any(Number), stdout: expect.stringMatching(/^\/tmp\/x\n\/run\/x\nkept\n/) });
  });

  test('writes into its root otherwise', async () => {
    expect((await run({ site: busybox(false) })).stdout).toMatch(/^\/x\n\/tmp\/x\n\/run\/x\nkept\n/);
    await box.run(['test', '-e', `${ground}/rootfs/x`]);
  });
});
