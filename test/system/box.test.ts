/** The ground that every whole-system test stands on: the box is a real systemd, and none of the machine's. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { type BoxInfo, bootBox } from '../box/box.ts';
import { testBox } from '../support/test-box.ts';

const run = promisify(execFile);
const box = testBox();

describe('systemd', () => {
  test('is PID 1 and of the version that the Debian release ships', async () => {
    const systemdOfRelease: Record<string, string> = { 12: '252', 13: '257' };
    const release = /^VERSION_ID="(\d+)"/m.exec(await box.readFile('/etc/os-release'))?.[1] ?? '';
    if (box.info.target === 'debian13') expect(release).toBe('13');
    expect(await box.readFile('/proc/1/comm')).toBe('systemd\n');
    expect(await box.run(['systemctl', 'show', '--property=Version', '--value'])).toMatch(new RegExp(`^${systemdOfRelease[release]}\\b`));
  });

  test('has booted with nothing failed and no service but its own', async () => {
    expect(await box.run(['systemctl', 'is-system-running'])).toBe('running\n');
    const services = await box.run(['systemctl', 'list-units', '--type=service', '--state=running', '--plain', '--no-legend']);
    // The product may have been installed by an earlier file: the box is one for all.
    expect(services.split('\n').filter(Boolean).map((line) => line.split(' ')[0]).filter((name) => name !== 'wakesock.service').toSorted())
      .toEqual(['dbus.service', 'systemd-journald.service']);
  });

  test('answers over D-Bus', async () => {
    const answer = await box.run(['busctl', 'call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.DBus.Peer', 'GetMachineId']);
    expect(answer).toBe(`s "${(await box.readFile('/etc/machine-id')).trim()}"\n`);
  });

  test('takes a unit with a descriptor limit above the hard limit of the machine', async () => {
    const limit = await box.run(['systemd-run', '--wait', '--pipe', '--quiet', '--property=LimitNOFILE=524288', 'sh', '-c', 'ulimit -Hn']);
    expect(Number(limit)).toBeGreaterThanOrEqual(Math.min(524_288, Number(await box.run(['sh', '-c', 'ulimit -Hn']))));
  });

  test('logs to the journal what a service prints', async () => {
    await box.run(['systemd-run', '--wait', '--quiet', '--unit=box-says', 'echo', 'hello from the box']);
    await box.run(['journalctl', '--sync']);
    expect(await box.run(['journalctl', '--unit=box-says', '--output=cat'])).toContain('hello from the box\n');
  });
});

describe('containers', () => {
  test('crun runs busybox inside a scope, and the container sees its own cgroup root', async () => {
    const config = {
      ociVersion: '1.0.2',
      process: { args: ['/bin/busybox', 'cat', '/proc/self/cgroup'], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
      root: { path: 'rootfs' },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'].map((type) => ({ type })) },
    };
    await box.writeFile('/tmp/bundle/config.json', JSON.stringify(config));
    await box.run(['sh', '-c', 'cd /tmp/bundle && mkdir -p rootfs/bin rootfs/dev rootfs/proc && cp "$(command -v busybox)" rootfs/bin/busybox']);
    const output = await box.run(['systemd-run', '--scope', '--quiet', '--unit=box-crun', 'crun', '--cgroup-manager=disabled', 'run', '--bundle=/tmp/bundle', 'box-crun']);
    // On a hybrid machine the lines of its v1 hierarchies come first.
    expect(output).toMatch(/^0::\/$/m);
  });

  test('cgroup.freeze stops a service and thawing lets it go on', async () => {
    await box.run(['systemd-run', '--quiet', '--unit=box-freeze', 'sleep', '1000']);
    try {
      const frozen = async (): Promise<string> => {
        const events = await box.readFile('/sys/fs/cgroup/system.slice/box-freeze.service/cgroup.events');
        return /^frozen (\d)$/m.exec(events)?.[1] ?? '';
      };
      await box.run(['systemctl', 'freeze', 'box-freeze.service']);
      expect(await frozen()).toBe('1');
      await box.run(['systemctl', 'thaw', 'box-freeze.service']);
      expect(await frozen()).toBe('0');
    } finally {
      await box.run(['systemctl', 'stop', 'box-freeze.service']);
    }
  });
});

describe('apart from the machine', () => {
  test('has a network of its own, with loopback up', async () => {
    expect(await box.run(['readlink', '/proc/self/ns/net'])).not.toBe((await run('readlink', ['/proc/self/ns/net'])).stdout);
    const links: { ifname: string; flags: string[] }[] = JSON.parse(await box.run(['ip', '-json', 'link', 'show']));
    expect(links.find((link) => link.ifname === 'lo')?.flags).toContain('UP');
    // Only what the kernel puts into every network namespace by itself, all of it down.
    expect(links.filter((link) => link.ifname !== 'lo' && link.flags.includes('UP'))).toEqual([]);
  });

  test('cannot change the kernel settings of the machine, but those of its own network', async () => {
    expect((await box.exec(['sh', '-c', 'echo 1000 >/proc/sys/kernel/pid_max'])).code).not.toBe(0);
    await box.run(['sh', '-c', 'cat /proc/sys/net/ipv4/ip_local_port_range >/proc/sys/net/ipv4/ip_local_port_range']);
  });

  test('writes stay in the box, and the checkout is read-only', async () => {
    await box.writeFile('/usr/box-was-here', 'x');
    expect(existsSync('/usr/box-was-here')).toBe(false);
    expect((await box.exec(['touch', `${process.cwd()}/box-was-here`])).stderr).toContain('Read-only file system');
  });

  test('has the Node that runs the tests, with a clean environment', async () => {
    expect(await box.run(['node', '--print', 'process.version'])).toBe(`${process.version}\n`);
    const environment: Record<string, string> = JSON.parse(await box.run(['node', '--print', 'JSON.stringify(process.env)'], { env: { GREETING: 'a b' } }));
    expect(environment).toEqual({
      GREETING: 'a b', HOME: '/root', LANG: 'C.UTF-8', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
  });
});

describe('exec', () => {
  test('passes input, output, exit codes and signals', async () => {
    expect(await box.exec(['sh', '-c', 'cat; echo oops >&2; exit 3'], { input: 'in' })).toEqual({ code: 3, stdout: 'in', stderr: 'oops\n' });
    expect((await box.exec(['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
  });

  test('kills everything it started when time is up', async () => {
    await expect(box.exec(['sh', '-c', 'sleep 1234 & sleep 1234'], { timeoutMs: 200 })).rejects.toThrow('to end within 200 ms');
    expect((await box.exec(['pgrep', '-f', '^sleep 1234'])).code).toBe(1);
  });

  test('spawn runs until it is killed', async () => {
    const server = box.spawn(['sh', '-c', 'echo ready; exec sleep 1234']);
    await once(server.child.stdout!, 'data');
    server.kill();
    expect(await server.exited).toBe(143);
  });
});

describe('leaves nothing behind', () => {
  test('after stop, with a directory shared both ways', async () => {
    const share = await mkdtemp('/var/tmp/wakesock-share-');
    try {
      const other = await bootBox({ target: box.info.target, share: [share] });
      await other.writeFile(`${share}/file`, 'from the box');
      await other.stop();
      expect(await readFile(`${share}/file`, 'utf8')).toBe('from the box');
      expectNothingLeft(other.info);
    } finally {
      await rm(share, { recursive: true });
    }
  });

  test('when its owner is killed', async () => {
    const { info, owner } = await bootElsewhere();
    const keeper = await keeperOf(owner);
    process.kill(owner, 'SIGKILL');
    await ended(keeper);
    expectNothingLeft(info);
  });

  test('when owner and keeper are killed: the box ends, the next one sweeps', async () => {
    const { info, owner } = await bootElsewhere();
    process.kill(await keeperOf(owner), 'SIGKILL');
    process.kill(owner, 'SIGKILL');
    await ended(info.pid);
    await ended(owner);
    const next = await bootBox({ target: box.info.target });
    await next.stop();
    expectNothingLeft(info);
  });
});

/** In a process of its own, that can be killed. It runs the bundled box, since Node 20 reads no TypeScript. */
async function bootElsewhere(): Promise<{ info: BoxInfo; owner: number }> {
  const program = `import { bootBox } from '${process.cwd()}/.cache/box.mjs';
    console.log(JSON.stringify((await bootBox({ target: '${box.info.target}' })).info));`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: owner.stdout }), 'line');
  return { info: JSON.parse(line), owner: owner.pid! };
}

async function keeperOf(owner: number): Promise<number> {
  return Number((await run('pgrep', ['-P', String(owner), '-f', 'boot keep'])).stdout);
}

/** A process that nobody has reaped yet has ended as well: whose child it is now is the machine's affair. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Polls: Node has no event for the end of a process that is not its child. */
async function ended(pid: number): Promise<void> {
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 10 });
}

function expectNothingLeft(info: BoxInfo): void {
  expect(isAlive(info.pid)).toBe(false);
  expect(existsSync(info.cgroup)).toBe(false);
  expect(existsSync(`/run/wakesock-box/${info.cgroup.split('wakesock-box-')[1]}`)).toBe(false);
}
