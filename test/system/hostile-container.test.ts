/**
 * A container that means harm, as root and with all that a site has by default. What it tries is tried outside, too, where it can be without
 * harm: there it succeeds, so that it is the wall that keeps it from it here. Limits (TasksMax=, MemoryMax=) need a machine with controllers.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { programs } from '../support/product.ts';
import { python, Scene, scopeUnit, tcpSite, siteFile } from '../support/scene.ts';

/** By default, and without the user namespace: all other walls must hold by themselves. */
const ports: Readonly<Record<string, number>> = { evil: 8601, bare: 8602 };
const kinds = Object.keys(ports);
const victim = 'victim-of-others';

interface Facts {
  readonly status: Readonly<Record<string, string>>;
  readonly namespaces: Readonly<Record<string, string>>;
  readonly processes: readonly number[];
  readonly cgroup: string;
  readonly interfaces: readonly string[];
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly descriptors: readonly string[];
}

let scene: Scene;
let outsiderPid = 0;
let outsider: ReturnType<Scene['box']['spawn']>;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (site: string, say: string): Promise<unknown> => (await scene.clients.ask(`127.0.0.1:${ports[site]}`, say)).result;
const factsOf = async (site: string): Promise<Facts> => (await ask(site, 'facts')) as Facts;
const outside = async (tries: readonly string[]): Promise<unknown[]> => (
  (await scene.box.run(['/usr/bin/python3', `${programs}/hostile.py`, 'once'], { input: tries.join('\n') })).trim().split('\n').map((line) => JSON.parse(line) as unknown)
);
/** The machine's number of a site's first process. */
const processOf = async (site: string): Promise<number> => Number((await run(`head -n1 /sys/fs/cgroup/wakesock.slice/${scopeUnit(site)}/cgroup.procs`)).trim());

beforeAll(async () => {
  scene = await Scene.open(testBox(), '10min');
  await scene.enable({
    evil: tcpSite(`${python('hostile.py')} 3000`, 8601),
    bare: tcpSite(`${python('hostile.py')} 3000`, 8602, { Container: { UserNS: 'host' } }),
    [victim]: siteFile(`${python('plain.py')} 3000 /run/inside.sock`, { 'X-Wakesock': { ListenStream: [8603, '/run/victim.sock'], Port: [3000, '/run/inside.sock'] } }),
  });
  outsider = scene.box.spawn(['/usr/bin/python3', '-c', `
import os, socket, time
tcp, unix = socket.create_server(('127.0.0.1', 8604)), socket.socket(socket.AF_UNIX)
unix.bind('\\0hostile-test')
unix.listen()
print(os.getpid(), flush=True)
time.sleep(10 ** 6)
`]);
  outsiderPid = await new Promise<number>((resolve) => { outsider.child.stdout?.once('data', (line: Buffer) => resolve(Number(line))); });
  await scene.clients.ask('127.0.0.1:8603');
});
afterAll(async () => {
  outsider.kill('SIGKILL');
  await scene.close();
});

/** What is tried, and by which errors it may be kept from it. `both`: outside it is done. */
const both: readonly (readonly [string, RegExp])[] = [
  ['connect tcp 127.0.0.1 8604', /ECONNREFUSED/],
  ['connect tcp 127.0.0.1 8603', /ECONNREFUSED/],
  ['connect unix @hostile-test', /ECONNREFUSED/],
  ['connect unix /run/victim.sock', /ENOENT/],
  ['connect unix /run/wakesock/control.sock', /ENOENT/],
  ['connect unix /run/wakesock/lease.sock', /ENOENT/],
  ['connect unix /run/dbus/system_bus_socket', /ENOENT/],
  ['connect unix /run/systemd/private', /ENOENT/],
  ['connect unix /run/systemd/journal/stdout', /ENOENT/],
  ['list /var/lib/wakesock/sites', /ENOENT/],
  ['list /etc/wakesock', /ENOENT/],
  ['mount tmpfs /tmp', /EPERM/],
  ['mount proc /tmp', /EPERM/],
  ['mount none /tmp /usr 0x1000', /EPERM/],
  ['call fsopen tmpfs 0', /EPERM/],
  ['call open_tree -100 /usr 1', /EPERM/],
  ['call unshare 0x10000000', /EPERM/],
  ['call unshare 0x20000', /EPERM/],
  ['call add_key user x y 1 -3', /EPERM/],
  ['call syslog 10 0 0', /EPERM/],
  ['hostname box', /EPERM/],
  ['mkdir /usr/hostile', /EROFS/],
  ['mkdir /etc/hostile', /EROFS/],
  ['mkdir /hostile', /EROFS/],
  ['mkdir /sys/fs/cgroup/hostile', /EROFS|EPERM|EACCES/],
  ['write /etc/hostname hostile', /EROFS|ENOENT/],
  ['read /proc/interrupts', /ENODATA|EACCES/],
  ['read /proc/keys', /ENODATA|EACCES/],
  ['read /proc/timer_list', /ENODATA|EACCES/],
  ['nice -5', /EPERM|EACCES/],
];
const inside: readonly (readonly [string, RegExp])[] = [
  ['set-clock', /EPERM/], ['adjust-clock', /EPERM/], ['call settimeofday 0 0', /EPERM/],
  ['call init_module 0 0 x', /EPERM/], ['call finit_module 0 x 0', /EPERM/], ['call delete_module x 0', /EPERM/], ['call kexec_load 0 0 0 0', /EPERM/], ['call reboot 0xfee1dead 672274793 0 0', /EPERM/],
  ['call bpf 0 0 0', /EPERM/], ['call perf_event_open 0 0 0 0 0', /EPERM/], ['call userfaultfd 0', /EPERM/], ['call io_uring_setup 1 0', /EPERM|ENOSYS/], ['call acct x', /EPERM/], ['call swapon x 0', /EPERM/],
  ['call ptrace 16 1 0 0', /EPERM/], ['call process_vm_readv 1 0 0 0 0 0', /EPERM/], ['call open_by_handle_at -100 0 0', /EPERM/], ['call keyctl 0 -3 0', /EPERM/],
  ['call clone3 0 0', /ENOSYS/], ['call clone 0x10000011 0 0 0 0', /EPERM/], ['call setns 0 0', /EPERM/], ['call pivot_root / /', /EPERM/], ['call umount2 /proc/sys 2', /EPERM/], ['call umount2 / 2', /EPERM/],
  ['call mount_setattr -100 /usr 0 0 0', /EPERM/], ['call move_mount -100 /usr -100 /tmp 0', /EPERM/],
  ['write /proc/sysrq-trigger h', /EROFS|ENOENT|EACCES/], ['write /proc/sys/kernel/core_pattern x', /EROFS|EACCES/], ['write /proc/sys/net/ipv4/ip_forward 1', /EROFS|EACCES/], ['write /sys/kernel/rcu_expedited 0', /EROFS|EACCES/],
  ['write /sys/fs/cgroup/cgroup.procs 0', /EROFS|EACCES/], ['write /sys/fs/cgroup/cgroup.freeze 0', /EROFS|EACCES/],
  ['make-node /tmp/disk b 8 0', /EPERM/], ['make-node /tmp/mem c 1 1', /EPERM/], ['list /sys/firmware/efi', /ENOENT/], ['read /dev/kmsg', /ENOENT/], ['read /dev/mem', /ENOENT/], ['read /proc/kcore', /ENODATA|EACCES|EPERM|ENOENT/],
  ['socket 16 3 9', /EINVAL|EPERM/], ['socket 38 5', /EAFNOSUPPORT/], ['socket 40 1', /EAFNOSUPPORT/], ['socket 2 3 255', /EPERM/], ['socket 17 3', /EPERM/],
  ['limit 1000000', /EPERM|EINVAL/],
];

describe.each(kinds)('%s: as root in its container', (site) => {
  test.each([['what is done outside', both], ['what nobody tries outside', inside]] as const)('%s', async (_, tries) => {
    const results: Record<string, unknown> = {};
    for (const [tried] of tries) results[tried] = await ask(site, `try ${tried}`);
    expect(results).toEqual(Object.fromEntries(tries.map(([tried, error]) => [tried, expect.stringMatching(error)])));
  });

  test('sees no process but its own, shares no namespace, has no way to a process of others', async () => {
    const { namespaces, processes, cgroup, interfaces, hostname } = await factsOf(site);
    const other = Object.values((JSON.parse(await run(`/usr/bin/python3 -c 'import json, os; print(json.dumps({pid: {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")} for pid in (1, ${await processOf(victim)})}))'`)) as Record<string, Facts['namespaces']>));
    for (const [name, link] of Object.entries(namespaces)) {
      if (name === 'user' && site === 'bare') continue;
      for (const others of other) expect(others[name], name).not.toBe(link);
    }
    expect(processes[0]).toBe(1);
    expect(processes.length).toBeLessThan(4);
    expect(cgroup).toMatch(/^0::\/$/m);
    expect(interfaces).toEqual(['lo']);
    expect(hostname).toBe(site);
    // Numbers that are nobody's here.
    const targets = [outsiderPid, await processOf(victim), Number((await run('systemctl show --value -p MainPID wakesock.service')).trim())].filter((pid) => !processes.includes(pid));
    expect(targets.length).toBeGreaterThan(0);
    for (const pid of targets) {
      expect(await ask(site, `try signal ${pid}`)).toBe('ESRCH');
      expect(await ask(site, `try list /proc/${pid}/root`)).toBe('ENOENT');
      expect(await ask(site, `try call pidfd_open ${pid} 0`)).toBe('ESRCH');
    }
    // Everybody that it can see.
    await ask(site, 'try signal -1 18');
    expect((await scene.clients.ask('127.0.0.1:8603')).said).toBe('hello');
  });

  test('has podman\'s default capabilities or fewer, no new ones, and a filter', async () => {
    const { status } = await factsOf(site);
    const names = (await run(`capsh --decode=${status['CapBnd']} 2>/dev/null || echo 0x${status['CapBnd']}=`)).trim();
    // containers.conf(5) default_capabilities: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot, setfcap
    expect(BigInt(`0x${status['CapBnd']}`) & ~0x8004_05fbn, names).toBe(0n);
    expect(status['CapEff']).toBe(status['CapBnd']);
    expect([status['CapInh'], status['CapAmb']]).toEqual(['0000000000000000', '0000000000000000']);
    expect([status['NoNewPrivs'], status['Seccomp']]).toEqual(['1', '2']);
  });

  test('what it was given of the machine is not its own: neither its standard input nor its devices', async () => {
    const before = await run('stat -c "%u %g %a" /dev/null /dev/zero /dev/tty');
    // Where it has device nodes of its own these are changed.
    for (const tried of ['chmod-stdin', 'chown-stdin', 'chmod /proc/self/fd/0 600', 'chown /proc/self/fd/0 1']) await ask(site, `try ${tried}`);
    for (const device of ['null', 'zero', 'tty']) for (const how of [`chmod /dev/${device} 600`, `chown /dev/${device} 1`]) await ask(site, `try ${how}`);
    expect(await run('stat -c "%u %g %a" /dev/null /dev/zero /dev/tty')).toBe(before);
    expect(before).toBe('0 0 666\n'.repeat(3));
    const { descriptors, environment } = await factsOf(site);
    for (const link of descriptors) expect(link).toMatch(/^(?:\/dev\/null|pipe:\[\d+\]|socket:\[\d+\]|\/proc\/\d+\/.*|\/programs\/.*)$/);
    // LC_CTYPE is Python's own.
    expect(Object.keys(environment).filter((name) => name !== 'LC_CTYPE').toSorted()).toEqual(['HOME', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'container']);
  });

  test('what it leaves behind is gone with its stop', async () => {
    const marker = `left-behind-${site}`;
    const left = (): Promise<string> => run(`grep -lz '[l]${marker.slice(1)}' /proc/[0-9]*/cmdline 2>/dev/null || :`);
    expect(await ask(site, `stay ${marker}`)).toBe('done');
    expect(await left()).not.toBe('');
    await scene.product.run('sleep', '--force', site);
    expect(await left()).toBe('');
    expect((await scene.show(scopeUnit(site), 'ActiveState'))['ActiveState']).toBe('inactive');
  });
});

test('outside, where there are no walls, the same is done', async () => {
  expect(await outside([`signal ${outsiderPid}`, `signal ${await processOf(victim)}`, `list /proc/${outsiderPid}/root`])).toEqual(['done', 'done', 'done']);
  const done = await outside(both.map(([tried]) => tried));
  expect(Object.fromEntries(both.map(([tried], index) => [tried, done[index]]))).toEqual(Object.fromEntries(both.map(([tried]) => [tried, 'done'])));
});

describe('ids of its own', () => {
  test('are those of its range on the machine, and another site has others', async () => {
    await scene.enable({ evil2: tcpSite(`${python('hostile.py')} 3000`, 8605) });
    await scene.clients.ask('127.0.0.1:8605', 'facts');
    await ask('evil', 'facts');
    const ranges = await Promise.all(['evil', 'evil2'].map(async (site) => {
      const { ids } = JSON.parse(await scene.box.readFile(`/var/lib/wakesock/sites/${site}/site.json`)) as { ids: { first: number; count: number } };
      const pid = await processOf(site);
      expect(await run(`stat -c %u /proc/${pid}; tr -s ' ' </proc/${pid}/uid_map; tr -s ' ' </proc/${pid}/gid_map`)).toBe(`${ids.first}\n${` 0 ${ids.first} ${ids.count}\n`.repeat(2)}`);
      return ids;
    }));
    const [a, b] = ranges;
    expect(Math.abs((a?.first ?? 0) - (b?.first ?? 0))).toBeGreaterThanOrEqual(65_536);
    expect(await run('cat /etc/passwd /etc/group')).not.toContain(`:${a?.first}:`);
    // Another user of it is another one of the range.
    expect(await ask('evil', 'try become 33')).toBe('done');
    expect(await ask('evil', 'try become 65536')).toMatch(/EINVAL|EPERM|Exception|Error/);
  });

  test('what it writes belongs to nobody else, and on the machine to whom it would without', async () => {
    await run('rm -rf /run/shared && mkdir -p /run/shared && chown 33:33 /run/shared && echo secret >/run/shared/of-root && chmod 600 /run/shared/of-root && chown 0:0 /run/shared/of-root');
    const keys = { Container: { User: '33', Volume: [`${programs}:/programs:ro`, '/run/shared:/shared'] } };
    await scene.enable({ writer: tcpSite(`${python('hostile.py')} 3000`, 8606, keys) });
    await scene.clients.ask('127.0.0.1:8606', 'put /shared/mine');
    expect((await scene.clients.ask('127.0.0.1:8606', 'try read /shared/of-root')).result).toBe('EACCES');
    expect(await run('stat -c "%n %u %g" /run/shared/mine')).toBe('/run/shared/mine 33 33\n');
    expect(Number((await run(`stat -c %u /proc/${await processOf('writer')}`)).trim()) % 65_536).toBe(33);
  });
});
