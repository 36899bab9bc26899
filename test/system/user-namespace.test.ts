/** A user namespace for each site: whose files are whose, what is mounted where, and where a machine cannot do it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { buildImage, imageSite, makeContext, usrVolume } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { pollUntil, python, Scene, scopeUnit, tcpSite } from '../support/scene.ts';

let scene: Scene;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (port: number, say: string): Promise<unknown> => (await scene.clients.ask(`127.0.0.1:${port}`, say)).result;
const sleep = (site: string): Promise<string> => scene.product.run('sleep', '--force', site);
const volumes = (...more: readonly string[]): string[] => [`${programs}:/programs:ro`, ...more];
/** `uid gid count` of the map that the site's first process has. */
const mapOf = async (site: string): Promise<string> => (await run(`tr -s ' ' </proc/$(head -n1 /sys/fs/cgroup/wakesock.slice/${scopeUnit(site)}/cgroup.procs)/uid_map`)).trim();
/** With a volume whose owners cannot be changed. */
const unmappable = (port: number, keys: Record<string, string> = {}): string => tcpSite(`${python('plain.py')} 3000`, port, { Container: { Volume: volumes('/srv/volumes:/data'), ...keys } });
const owned = (userNs: string): string => imageSite('localhost/owned:1', 8626, { Container: { UserNS: userNs, User: '33:34' } });
const machineMap = '0 0 4294967295';

beforeAll(async () => {
  scene = await Scene.open(testBox(), '10min');
  // /run is a tmpfs, whose owners a mount can change; /srv is in the box's overlay, where none can.
  await run('rm -rf /run/volumes /srv/volumes && mkdir -p /run/volumes/data/disk /run/volumes/a /run/volumes/b /srv/volumes && echo a >/run/volumes/a/name && echo b >/run/volumes/b/name && ln -sfn a /run/volumes/current');
  await makeContext(scene.box);
  await buildImage(scene.box, 'localhost/owned:1', ['FROM scratch', 'COPY root /', 'COPY --chown=33:34 root/etc/group /srv/of-33', 'CMD ["/usr/bin/python3", "/programs/plain.py", "3000"]', 'EXPOSE 3000']);
}, 60_000);
afterAll(async () => {
  await scene.close();
  await run('umount /run/volumes/data/disk 2>/dev/null || :; rm -rf /run/volumes /srv/volumes; podman rmi --all --force >/dev/null');
});

describe('volumes', () => {
  test('a disk that is mounted below one after the site was enabled is there at the next wake, and away with its unmounting', async () => {
    await scene.enable({ disk: tcpSite(`${python('plain.py')} 3000`, 8621, { Container: { Volume: volumes('/run/volumes/data:/data') } }) });
    expect(await ask(8621, 'list /data/disk')).toEqual([]);
    expect(await mapOf('disk')).not.toBe(machineMap);
    await sleep('disk');
    await run('mount -t tmpfs tmpfs /run/volumes/data/disk && touch /run/volumes/data/disk/on-disk');
    expect(await ask(8621, 'list /data/disk')).toEqual(['on-disk']);
    expect(await ask(8621, 'write /data/disk/new x')).toBe('written');
    await sleep('disk');
    expect(await run('stat -c %u /run/volumes/data/disk/new; umount /run/volumes/data/disk; ls /run/volumes/data/disk')).toBe('0\n');
    expect(await ask(8621, 'list /data/disk')).toEqual([]);
  });

  test('a link to a directory is followed at each wake', async () => {
    await scene.enable({ link: tcpSite(`${python('plain.py')} 3000`, 8622, { Container: { Volume: volumes('/run/volumes/current:/app') } }) });
    expect(await ask(8622, 'read /app/name')).toBe('a\n');
    await sleep('link');
    await run('ln -sfn b /run/volumes/current');
    expect(await ask(8622, 'read /app/name')).toBe('b\n');
  });

  test('on a file system that cannot: without, and told so; an error where the file insists; UserNS=host is silent', async () => {
    await scene.write({ unable: unmappable(8623), insists: unmappable(8624, { UserNS: 'auto' }), without: unmappable(8625, { UserNS: 'host' }) });
    const { code, stderr } = await scene.product.exec('enable', 'unable', 'insists', 'without');
    expect(code).toBe(1);
    expect(stderr).toMatch(/unable: warning: .*\/srv\/volumes is on a file system of type overlay/);
    expect(stderr).toMatch(/insists: .*UserNS=auto: \/srv\/volumes is on a file system of type overlay.*ERR_WAKESOCK_NOT_SUPPORTED/);
    expect(stderr).not.toMatch(/^wakesock: without/m);
    await Promise.all([8623, 8625].map((port) => ask(port, 'write /data/x x')));
    expect(await Promise.all(['unable', 'without'].map(mapOf))).toEqual([machineMap, machineMap]);
  });
});

test('files of an image and what a site writes keep their owners, with any range and with none', async () => {
  await scene.enable({ owned: owned('auto') });
  const first = await ask(8626, 'run /usr/bin/stat -c %u:%g /srv/of-33 / /etc/passwd /proc/self/');
  expect(first).toBe('33:34\n0:0\n0:0\n33:34\n');
  expect(await ask(8626, 'write /srv/of-33 mine')).toBe('written');
  expect(await run('stat -c %u:%g /var/lib/wakesock/sites/owned/upper/srv/of-33')).toBe('33:34\n');
  const before = await mapOf('owned');
  await sleep('owned');
  // Somebody else is given the range.
  await run(`cp /etc/passwd /run/passwd; awk '{ print "late" NR ":x:" $2 ":0::/:" }' /var/lib/wakesock/ids >>/etc/passwd`);
  await scene.product.run('prepare', 'owned');
  await run('cp /run/passwd /etc/passwd');
  expect(await ask(8626, 'read /srv/of-33')).toBe('mine');
  expect(await ask(8626, 'run /usr/bin/stat -c %u:%g /srv/of-33')).toBe('33:34\n');
  expect(await mapOf('owned')).not.toBe(before);
  await sleep('owned');
  await scene.write({ owned: owned('host') });
  expect(await ask(8626, 'read /srv/of-33')).toBe('mine');
  expect(await mapOf('owned')).toBe(machineMap);
  await sleep('owned');
  await scene.write({ owned: owned('auto:size=200') });
  expect(await ask(8626, 'read /srv/of-33')).toBe('mine');
  expect(await mapOf('owned')).toMatch(/^0 \d+ 200$/);
});

test('a program of another user writes to /dev/stdout, has its terminal group and its own /tmp', async () => {
  await scene.enable({ user: tcpSite(`${python('plain.py')} 3000`, 8627, { Container: { User: '33' } }) });
  const from = await scene.mark();
  expect(await ask(8627, 'dev-stdout hello')).toBe('written');
  await scene.printed('user', 'hello', from);
  expect(await ask(8627, 'write /tmp/x x')).toBe('written');
  expect(await ask(8627, 'run /usr/bin/stat -c %u:%g:%a /dev/pts/ptmx /dev/shm /tmp')).toBe('0:0:666\n0:0:1777\n0:0:1777\n');
});

test('an activator that is killed: the next one takes the site over, and stops it', async () => {
  const client = scene.clients.open('127.0.0.1:8627', 'hello\n');
  const { start } = await client.answer();
  await scene.killActivator();
  await pollUntil('an activator to be there', async () => (await scene.activatorPid()) > 0);
  expect((await client.ask('hello')).start).toBe(start);
  client.close();
  await sleep('user');
  expect(await run(`ls /sys/fs/cgroup/wakesock.slice/${scopeUnit('user')} 2>/dev/null || :`)).toBe('');
});

test('nothing of ours is mounted on the machine, whatever was woken; what is disabled gives its range back', async () => {
  expect(await run('grep -hE "wakesock/(root|sites)" /proc/1/mountinfo /proc/$(systemctl show --value -p MainPID wakesock.service | sed s/^0$/1/)/mountinfo || :')).toBe('');
  await scene.remove('link', 'disk');
  await scene.enable({ another: tcpSite(`${python('plain.py')} 3000`, 8628) });
  expect(await run('cut -d" " -f1 /var/lib/wakesock/ids')).not.toMatch(/^(?:link|disk)$/m);
  expect(await run('cut -d" " -f2 /var/lib/wakesock/ids | sort | uniq -d')).toBe('');
});

test('enabled at once by several commands, each site has a range of its own', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `many${index}`);
  await scene.write(Object.fromEntries(names.map((name, index) => [name, tcpSite(`${python('plain.py')} 3000`, 8640 + index)])));
  await Promise.all([0, 1, 2].map((part) => scene.product.run('prepare', ...names.filter((_, index) => index % 3 === part))));
  const firsts = (await run('grep ^many /var/lib/wakesock/ids | cut -d" " -f2')).trim().split('\n');
  expect(firsts).toHaveLength(12);
  expect(new Set(firsts).size).toBe(12);
});

test('volumes of podman\'s and of the site, memory, secrets, credentials, a device: the site\'s own ids in each, the usual ones on the disk', async () => {
  await run('podman secret rm ns-secret >/dev/null 2>&1 || :; printf hidden | podman secret create ns-secret - && printf open >/run/ns-credential && rm -f /run/ns-device && mknod -m 666 /run/ns-device c 10 229');
  await scene.enable({ given: imageSite('localhost/owned:1', 8641, {
    Container: {
      UserNS: 'auto', User: '33:34', Volume: [usrVolume, ...volumes('ns-store:/srv', 'ns-empty:/new', '/own')], Tmpfs: '/memory:U,notmpcopyup,mode=0700', Timezone: 'UTC',
      Secret: ['ns-secret,uid=33,mode=0400', 'ns-secret,target=/etc/key,uid=33,gid=34,mode=0400', 'ns-secret,type=env'], AddDevice: '/run/ns-device:/dev/other',
    },
    Service: { LoadCredential: 'one:/run/ns-credential' },
  }) });
  expect(await ask(8641, 'read /run/secrets/ns-secret')).toBe('hidden');
  expect(await mapOf('given')).not.toBe(machineMap);
  expect(await ask(8641, 'read /etc/key')).toBe('hidden');
  expect(await ask(8641, 'read /run/credentials/given/one')).toBe('open');
  expect(await ask(8641, 'read /proc/self/environ')).toContain('ns-secret=hidden');
  expect(await ask(8641, 'open /dev/other')).toBe('opened');
  for (const [path, owner] of Object.entries({ '/srv/of-33': '33:34', '/new': '33:34', '/own': '33:34', '/memory': '33:34', '/run/secrets/ns-secret': '33:0', '/run/credentials/given': '33:34', '/etc/key': '33:34' })) {
    expect(await ask(8641, `run /usr/bin/stat -c %u:%g ${path}`), path).toBe(`${owner}\n`);
  }
  for (const path of ['/srv/of-33', '/new/file', '/own/file', '/memory/file']) expect(await ask(8641, `write ${path} mine`), path).toBe('written');
  expect(await run('stat -c %u:%g $(podman volume inspect --format "{{.Mountpoint}}" ns-empty)/file $(podman volume inspect --format "{{.Mountpoint}}" ns-store)/of-33')).toBe('33:34\n33:34\n');
  await sleep('given');
  expect(await ask(8641, 'read /new/file')).toBe('mine');
});
