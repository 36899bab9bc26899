/** What a site is given besides its root: volumes, memory, secrets, credentials, devices. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { buildImage, imageSite, makeContext, usrVolume } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { installMutant, removeMutant } from '../support/mutant.ts';
import { python, Scene, service, tcpSite, type SiteKeys } from '../support/scene.ts';

let scene: Scene;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (port: number, say: string): Promise<unknown> => (await scene.clients.ask(`127.0.0.1:${port}`, say)).result;
const sleep = (site: string): Promise<string> => scene.product.run('sleep', '--force', site);
const stat = async (port: number, path: string): Promise<string> => String(await ask(port, `run /usr/bin/stat -c %u:%g:%a ${path}`)).trim();
const usual = [usrVolume, `${programs}:/programs:ro`];
const site = (port: number, volumes: readonly string[], keys: SiteKeys['Container'] = {}, others: SiteKeys = {}): string =>
  imageSite('localhost/stored:1', port, { ...others, Container: { Volume: [...usual, ...volumes], ...keys } });
/** A program on the host's root, which asks podman for nothing but what its keys name. */
const hostSite = (port: number, keys: SiteKeys): string => tcpSite(`${python('plain.py')} 3000`, port, keys);
const volumeDirectory = async (name: string): Promise<string> => (await run(`podman volume inspect --format '{{.Mountpoint}}' ${name}`)).trim();
/** Whether the bytes are in any file that outlives a reboot. */
const onDisk = async (text: string): Promise<string> => run(`grep -rl --binary-files=text ${text} /var/lib/wakesock /var/cache/wakesock /etc/systemd || :`);
/** Of the machine's own mounts and the activator's, and what is in the directory that secrets are mounted at. */
const secretsLeft = (): Promise<string> => run(`{ grep -h ramfs.*wakesock /proc/1/mountinfo /proc/$(systemctl show --value -p MainPID ${service} | sed 's/^0$/1/')/mountinfo || :; }; ls -A /var/lib/wakesock/secrets`);
const isThere = async (path: string): Promise<boolean> => (await scene.box.exec(['test', '-e', path])).code === 0;
const secret = (name: string, text: string): Promise<string> => run(`podman secret rm ${name} >/dev/null 2>&1 || :; printf %s '${text}' | podman secret create ${name} - >/dev/null`);

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await makeContext(scene.box);
  await buildImage(scene.box, 'localhost/stored:1', [
    'FROM scratch', 'COPY root /', 'COPY --chown=2001:2002 root/etc/passwd /srv/data/kept', 'COPY root/etc/group /srv/more/below/group', 'USER web', 'EXPOSE 3000',
    'CMD ["/usr/bin/python3", "/programs/plain.py", "3000"]',
  ]);
}, 60_000);
afterAll(async () => {
  await scene.close();
  await run('podman volume rm --all --force >/dev/null; podman rmi --all --force >/dev/null; rm -rf /srv/given /srv/outside /srv/below; for secret in $(podman secret ls --quiet); do podman secret rm $secret >/dev/null; done');
});

describe('volumes of podman\'s', () => {
  test('made by enable, filled from the image with its owner; what the program writes is there after a sleep, for other sites, and after disable', async () => {
    await scene.enable({ named: site(8501, ['store:/srv/data']), other: site(8502, ['store:/data']) });
    expect(await ask(8501, 'read /srv/data/kept')).toContain('web:x:2001');
    expect(await stat(8501, '/srv/data')).toBe('2001:2002:755');
    expect(await ask(8501, 'write /srv/data/kept mine')).toBe('written');
    await sleep('named');
    expect(await ask(8501, 'read /srv/data/kept')).toBe('mine');
    expect(await ask(8502, 'read /data/kept')).toBe('mine');
    expect(await run(`cat ${await volumeDirectory('store')}/kept`)).toBe('mine');
    expect(await run('podman volume ls --quiet --filter label=wakesock')).toBe('store\n');
    // What docs/storage.md says of pruning; podman 4.3 does not know the filter.
    await run('podman volume create stray');
    const { code, stderr } = await scene.box.exec(['podman', 'volume', 'prune', '--force', '--filter', 'label!=wakesock']);
    if (code !== 0) expect(stderr).toContain('"label!" is an invalid volume filter');
    await run('podman create --name keep-store --volume store:/data localhost/stored:1 && podman volume prune --force && podman rm keep-store');
    expect(await run('podman volume ls --quiet')).toBe('store\n');
    await scene.remove('named');
    expect(await run(`cat ${await volumeDirectory('store')}/kept`)).toBe('mine');
  });

  test('filled once: not when it was emptied, and not when nocopy says so; where the image has nothing it is the user\'s', async () => {
    await scene.enable({ once: site(8503, ['once:/srv/data', 'empty:/srv/data2', 'bare:/srv/more:nocopy']) });
    expect(await ask(8503, 'list /srv/more')).toEqual([]);
    expect(await stat(8503, '/srv/data2')).toBe('2001:2002:755');
    await run(`rm ${await volumeDirectory('once')}/kept`);
    await sleep('once');
    await scene.product.run('prepare', 'once');
    expect(await ask(8503, 'list /srv/data')).toEqual([]);
    // Nothing is left of the copying.
    expect(await run(`ls -A ${await volumeDirectory('once')}/..`)).toBe('_data\n');
  });

  test('a .volume unit beside the site; a relative path; a template\'s specifiers', async () => {
    await scene.box.writeFile('/etc/wakesock/sites/shop.volume', '[Volume]\nCopy=no\n');
    await scene.box.writeFile('/etc/wakesock/sites/named.volume', '[Volume]\nVolumeName=quite-other\n');
    await run('mkdir -p /etc/wakesock/sites/beside && echo beside >/etc/wakesock/sites/beside/file');
    await scene.enable({ units: site(8504, ['shop.volume:/srv/data', 'named.volume:/srv/more', './beside:/srv/beside:ro', 'of-%N:/srv/own']) });
    expect(await ask(8504, 'list /srv/data')).toEqual([]);
    expect(await ask(8504, 'list /srv/more/below')).toEqual(['group']);
    expect(await ask(8504, 'read /srv/beside/file')).toBe('beside\n');
    expect((await run('podman volume ls --quiet')).split('\n')).toEqual(expect.arrayContaining(['systemd-shop', 'quite-other', 'of-units']));
    await run('rm -r /etc/wakesock/sites/*.volume /etc/wakesock/sites/beside');
  });

  test('one that is gone: who asks is told how it comes back, and it does', async () => {
    await scene.enable({ gone: site(8505, ['lost:/srv/data']) });
    await run('podman volume rm lost');
    await scene.expectFailed('gone', 'ERR_WAKESOCK_VOLUME', '127.0.0.1:8505', /lost.*wakesock prepare gone/);
    await scene.product.run('prepare', 'gone');
    await scene.healed('127.0.0.1:8505');
    expect(await ask(8505, 'read /srv/data/kept')).toContain('web:x:2001');
  });

  test('one that podman would have to mount is refused, and one that may not be made', async () => {
    await run('podman volume create --opt type=tmpfs --opt device=tmpfs mounted');
    await scene.write({ refused: site(8506, ['mounted:/srv/data']), never: site(8507, ['never:/srv/data:nocreate']) });
    expect((await scene.product.exec('enable', 'refused')).stderr).toMatch(/mounted.*podman would have to mount.*ERR_WAKESOCK_VOLUME/);
    expect((await scene.product.exec('enable', 'never')).stderr).toMatch(/podman volume create never.*ERR_WAKESOCK_VOLUME/);
  });
});

test('volumes of a site\'s own: filled, kept over a sleep and in a read-only root, removed with the site', async () => {
  await scene.box.writeFile('/etc/wakesock/sites/own@.container', site(0, ['/srv/data'], { ReadOnly: 'yes', User: 'root' }).replace('ListenStream=0\n', ''));
  await scene.product.run('create', 'a', '--from=own@', '--listen=8511');
  expect(await ask(8511, 'read /srv/data/kept')).toContain('web:x:2001');
  expect(await stat(8511, '/srv/data')).toBe('2001:2002:755');
  expect(await ask(8511, 'write /srv/data/kept own')).toBe('written');
  await sleep('own@a');
  expect(await ask(8511, 'read /srv/data/kept')).toBe('own');
  await scene.product.run('rm', '--keep-data', 'own@a');
  await scene.product.run('create', 'a', '--from=own@', '--listen=8511');
  expect(await ask(8511, 'read /srv/data/kept')).toBe('own');
  await scene.product.run('rm', 'own@a');
  expect(await run('ls -d /var/lib/wakesock/sites/own@a 2>/dev/null || :')).toBe('');
  await run('rm /etc/wakesock/sites/own@.container');
});

test('U gives a directory to the site\'s user, and nothing that is outside of it', async () => {
  await run('mkdir -p /srv/given/deep/er /srv/outside/dir && echo x >/srv/given/deep/er/file && echo x >/srv/outside/secret && ln /srv/outside/secret /srv/given/hard && ln /srv/given/deep/er/file /srv/given/both && ln -s /srv/outside/secret /srv/given/link && ln -s /srv/outside/dir /srv/given/deep/dir');
  await scene.write({ given: site(8512, ['/srv/given:/srv/data:U']) });
  const { code, stderr } = await scene.product.exec('enable', 'given');
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('1 names were not given') });
  expect(await run('stat -c %u:%g:%n /srv/outside /srv/outside/dir /srv/outside/secret')).toBe('0:0:/srv/outside\n0:0:/srv/outside/dir\n0:0:/srv/outside/secret\n');
  for (const path of ['', '/deep', '/deep/er', '/deep/er/file', '/both', '/link', '/deep/dir']) expect(await run(`stat -c %u:%g /srv/given${path}`), path).toBe('2001:2002\n');
  expect(await ask(8512, 'write /srv/data/new x')).toBe('written');
  // A wake gives nothing away, which may take any time: it says who does.
  await sleep('given');
  await run('chown 0:0 /srv/given');
  await run('touch /etc/wakesock/sites/given.container');
  await scene.expectFailed('given', 'ERR_WAKESOCK_VOLUME', '127.0.0.1:8512', /option U.*wakesock prepare given/);
});

test('what is read-only, noexec or in memory is so, and so is what is mounted below', async () => {
  await run('mkdir -p /srv/below/in && mountpoint -q /srv/below/in || mount -t tmpfs tmpfs /srv/below/in; cp /usr/bin/id /srv/below/in/id');
  try {
    await scene.enable({ options: site(8513, ['/srv/below:/ro:ro', '/srv/below:/noexec:noexec', '/srv/below:/flat:bind'], {
      User: 'root', Mount: ['type=bind,source=/srv/below,destination=/mounted,ro=true', 'type=tmpfs,dst=/memory,tmpfs-size=1m,tmpfs-mode=0700,notmpcopyup', 'type=volume,source=by-mount,dst=/srv/more'],
      Tmpfs: ['/srv/data:size=1m,noexec'], ShmSize: '1m',
    }) });
    for (const directory of ['/ro', '/mounted']) {
      await expect(ask(8513, `write ${directory}/in/new x`), directory).rejects.toThrow('the connection ended');
      expect(await ask(8513, `run ${directory}/in/id -u`), directory).toBe('0\n');
    }
    await expect(ask(8513, 'run /noexec/in/id')).rejects.toThrow('the connection ended');
    expect(await ask(8513, 'list /flat/in')).toEqual([]);
    expect(await stat(8513, '/memory')).toBe('0:0:700');
    expect(await ask(8513, 'list /srv/more/below')).toEqual(['group']);
    // As podman's: it begins with what the image has there.
    expect(await ask(8513, 'read /srv/data/kept')).toContain('web:x:2001');
    expect(await ask(8513, 'read /proc/self/mountinfo')).toMatch(/ \/srv\/data rw,nosuid,nodev,noexec\S* .* tmpfs \S+ rw,size=1024k/);
    expect(await ask(8513, 'read /proc/self/mountinfo')).toMatch(/ \/dev\/shm .* rw,size=1024k/);
  } finally {
    await sleep('options');
    await run('umount /srv/below/in');
  }
});

describe('secrets of podman\'s', () => {
  test('as files and variables, read-only, and nowhere on a disk; a new value is there with the next wake, without podman', async () => {
    await secret('token', 'first-Xq81');
    await secret('key', 'key-Xq81');
    await scene.enable({ secret: hostSite(8521, { Container: { Secret: ['token', 'token,type=env,target=TOKEN', 'key,target=/etc2/key.pem,uid=7,gid=8,mode=0440', 'key,target=renamed'], Environment: ['TOKEN=none', 'PYTHONDONTWRITEBYTECODE=1'] } }) });
    expect(await ask(8521, 'read /run/secrets/token')).toBe('first-Xq81');
    expect(await ask(8521, 'read /run/secrets/renamed')).toBe('key-Xq81');
    expect(await ask(8521, 'read /etc2/key.pem')).toBe('key-Xq81');
    expect(await stat(8521, '/run/secrets/token')).toBe('0:0:444');
    expect(await stat(8521, '/etc2/key.pem')).toBe('7:8:440');
    expect(String(await ask(8521, 'read /proc/self/environ')).split('\0').filter((line) => line.startsWith('TOKEN='))).toEqual(['TOKEN=first-Xq81']);
    await expect(ask(8521, 'write /run/secrets/token x')).rejects.toThrow('the connection ended');
    expect(await onDisk('Xq81')).toBe('');
    for (const verb of [['cat', 'secret'], ['status', '--json', 'secret'], ['check', 'secret']]) expect((await scene.product.exec(...verb)).stdout, verb[0]).not.toContain('Xq81');
    expect(await run('journalctl --output=export | grep -a Xq81 || :')).toBe('');
    await sleep('secret');
    expect(await run('grep -rl Xq81 /run/wakesock || :')).toBe('');
    await secret('token', 'second-Xq82');
    await run('mv /usr/bin/podman /usr/bin/podman.away');
    try {
      expect(await ask(8521, 'read /run/secrets/token')).toBe('second-Xq82');
      expect(await ask(8521, 'read /proc/self/environ')).toContain('TOKEN=second-Xq82');
    } finally {
      await run('mv /usr/bin/podman.away /usr/bin/podman');
    }
  });

  test('one that is gone, or never was: by name; others have their site', async () => {
    await sleep('secret');
    await run('podman secret rm token');
    await scene.expectFailed('secret', 'ERR_WAKESOCK_SECRET', '127.0.0.1:8521', /Secret=token: .*podman secret create token/);
    await secret('token', 'third');
    await scene.healed('127.0.0.1:8521');
    await scene.write({ none: hostSite(8522, { Container: { Secret: 'never-was' } }) });
    expect((await scene.product.exec('enable', 'none')).stderr).toMatch(/podman secret create never-was.*ERR_WAKESOCK_SECRET/);
  });

  test('two sites see their own only; an image that leads /run elsewhere gets them inside', async () => {
    await secret('mine', 'for-one');
    await run('mkdir -p /srv/build/leads && ln -sfn /../../../../../../srv/outside /srv/build/leads/run');
    await buildImage(scene.box, 'localhost/leads:1', ['FROM localhost/stored:1', 'COPY leads /', 'COPY root/etc/group /srv/outside/group']);
    await scene.enable({ inside: imageSite('localhost/leads:1', 8523, { Container: { Secret: 'mine' } }), without: hostSite(8524, {}) });
    expect(await ask(8523, 'read /run/secrets/mine')).toBe('for-one');
    expect(await ask(8524, 'open /run/secrets/mine')).toBe('ENOENT');
    expect(await run('ls -A /srv/outside')).toBe('dir\nsecret\n');
    expect(await run('ls -A /var/lib/wakesock/secrets')).toBe('');
    expect(await run('grep -c wakesock/secrets /proc/1/mountinfo || :')).toBe('0\n');
  });
});

describe('secrets, where something goes wrong', () => {
  const die = '/run/wakesock-die';
  const dies = `if (require("node:fs").existsSync("${die}")) { require("node:fs").rmSync("${die}"); globalThis.process.kill(globalThis.process.pid, "SIGKILL"); }`;

  test('the activator is killed with them mounted: nothing is left, and the client is served', async () => {
    await secret('fatal', 'fatal-Xq84');
    await scene.enable({ dies: hostSite(8525, { Container: { Secret: ['fatal', 'fatal,type=env'] } }) });
    const find = 'call("setns", own, CLONE_NEWNS);';
    try {
      await installMutant(scene.box, '1s', { find, replace: `${dies} ${find}` });
      await run(`touch ${die}`);
      expect(await ask(8525, 'read /run/secrets/fatal')).toBe('fatal-Xq84');
      expect(await isThere(die)).toBe(false);
      expect(await secretsLeft()).toBe('');
      expect(await onDisk('Xq84')).toBe('');
    } finally {
      await removeMutant(scene.box);
    }
  });

  test('without systemd: files are in memory all the same; variables are refused where crun\'s state is on a disk', async () => {
    await secret('solo', 'solo-Xq85');
    await run('mkdir -p /srv/solo');
    await scene.box.writeFile('/srv/solo/file.container', hostSite(8526, { Container: { Secret: 'solo' } }));
    await scene.box.writeFile('/srv/solo/variable.container', hostSite(8527, { Container: { Secret: 'solo,type=env' } }));
    const from = await scene.mark();
    const state = '/var/lib/wakesock/solo';
    const activator = scene.box.spawn(['systemd-cat', '--identifier=embedded', ...scene.product.command('run', '--sites=/srv/solo', `--state-dir=${state}`)]);
    await scene.journal.until(({ text }) => text.includes('variable sleeps at'), { from, what: 'the embedded activator' });
    const inMemory = (await run(`stat --file-system --format=%T ${state}`)).trim() === 'tmpfs';
    expect(await ask(8526, 'read /run/secrets/solo')).toBe('solo-Xq85');
    if (inMemory) expect(await ask(8527, 'read /proc/self/environ')).toContain('solo=solo-Xq85');
    else {
      await scene.clients.turnedAway('127.0.0.1:8527');
      expect(await onDisk('Xq85')).toBe('');
    }
    activator.kill('SIGTERM');
    await scene.journal.until(({ identifier, text }) => identifier === 'embedded' && text.includes('Ending with status 0'), { from, what: 'its end' });
  });
});

describe('credentials of systemd\'s', () => {
  test('loaded, set and encrypted ones are in $CREDENTIALS_DIRECTORY, for its user alone, and nowhere on a disk', async () => {
    await run('mkdir -p /etc/credstore && printf %s stored-Xq83 >/etc/credstore/stored && chmod 600 /etc/credstore/stored && printf %s loaded-Xq83 >/srv/loaded && systemd-creds encrypt --with-key=host --name=sealed - /srv/sealed <<END\nsealed-Xq83\nEND');
    await scene.enable({ creds: imageSite('localhost/stored:1', 8531, {
      Service: { LoadCredential: ['loaded:/srv/loaded', 'stored', 'absent:/srv/absent'], LoadCredentialEncrypted: 'sealed:/srv/sealed', SetCredential: ['absent:a default\\n', 'plain:x'] },
    }) });
    const directory = String(await ask(8531, 'read /proc/self/environ')).split('\0').find((line) => line.startsWith('CREDENTIALS_DIRECTORY='))?.slice('CREDENTIALS_DIRECTORY='.length);
    expect(directory).toBe('/run/credentials/creds');
    for (const [name, text] of Object.entries({ loaded: 'loaded-Xq83', stored: 'stored-Xq83', sealed: 'sealed-Xq83\n', absent: 'a default\n', plain: 'x' })) expect(await ask(8531, `read ${directory}/${name}`), name).toBe(text);
    expect(await stat(8531, `${directory}`)).toBe('2001:2002:500');
    expect(await stat(8531, `${directory}/sealed`)).toBe('2001:2002:400');
    expect(await onDisk('Xq83')).toBe('');
    await sleep('creds');
    await run('printf %s again >/srv/loaded');
    expect(await ask(8531, `read ${directory}/loaded`)).toBe('again');
    await sleep('creds');
    await run('echo broken >/srv/sealed');
    await scene.expectFailed('creds', 'ERR_WAKESOCK_SECRET', '127.0.0.1:8531', /Credential sealed could not be decrypted/);
  });
});

test('check says all that is missing, each at its place, and makes nothing', async () => {
  await scene.write({ lacks: hostSite(8539, {
    Container: { Secret: 'neverwas', AddDevice: '/dev/neverwas', Volume: [`${programs}:/programs:ro`, 'neverwas:/kept:nocreate', 'neverwas2:/made'] }, Service: { LoadCredential: 'pass:/srv/neverwas' },
  }) });
  const { code, stdout } = await scene.product.exec('check', '--json', 'lacks');
  const { problems } = JSON.parse(stdout) as { problems: { severity: string; code: string; text: string; message: string }[] };
  expect(code).toBe(1);
  expect(problems.map(({ severity, code: problem, text }) => `${severity} ${problem} ${text}`).toSorted()).toEqual([
    'error ERR_WAKESOCK_DEVICE AddDevice=/dev/neverwas', 'error ERR_WAKESOCK_SECRET LoadCredential=pass:/srv/neverwas', 'error ERR_WAKESOCK_SECRET Secret=neverwas',
    'error ERR_WAKESOCK_VOLUME Volume=neverwas:/kept:nocreate',
  ]);
  expect(await run('podman volume ls --quiet')).not.toContain('neverwas');
  await run('touch /srv/neverwas; podman volume create neverwas >/dev/null');
  await secret('neverwas', 'here');
  const { stdout: after } = await scene.product.exec('check', 'lacks');
  expect(after).toMatch(/AddDevice=[^]*1 error, 0 warnings/);
});

test('a device is there and opens where AddDevice= names it, and nowhere else', async () => {
  await run('rm -rf /srv/devices && mkdir -p /srv/devices && mknod -m 666 /srv/devices/fuse c 10 229 && mknod -m 666 /srv/fuse c 10 229');
  await scene.enable({
    device: hostSite(8541, { Container: { AddDevice: ['/srv/fuse:/dev/fuse', '-/srv/not-there:/dev/no'], Volume: [`${programs}:/programs:ro`, '/srv/devices:/devices:dev'] } }),
    directory: hostSite(8542, { Container: { AddDevice: '/srv/devices:/dev/some:r' } }),
    without: hostSite(8543, { Container: { Volume: [`${programs}:/programs:ro`, '/srv/devices:/devices:dev'] } }),
  });
  expect(await ask(8541, 'open /dev/fuse')).toBe('opened');
  expect(await ask(8541, 'open /devices/fuse')).toBe('opened');
  expect(await ask(8541, 'open /dev/no')).toBe('ENOENT');
  expect(await ask(8542, 'open /dev/some/fuse')).toBe('opened');
  expect(await ask(8543, 'open /dev/fuse')).toBe('ENOENT');
  expect(await ask(8543, 'open /devices/fuse')).toBe('EPERM');
  // It has another number after a reboot: seen by the next wake.
  await sleep('device');
  await run('rm /srv/fuse && mknod -m 666 /srv/fuse c 1 3');
  expect(await ask(8541, 'run /usr/bin/stat -c %t:%T /dev/fuse')).toBe('1:3\n');
  await sleep('device');
  await run('rm /srv/fuse');
  await scene.expectFailed('device', 'ERR_WAKESOCK_DEVICE', '127.0.0.1:8541', /AddDevice=\/srv\/fuse/);
});

test('groups, time zone, hidden paths, annotations, limits of podman\'s names', async () => {
  await scene.enable({ words: site(8551, [], { GroupAdd: ['more', '4711'], Timezone: 'Asia/Tokyo', Mask: '/srv/more', Unmask: '/proc/s*', Annotation: 'who=me', Memory: '64m', PidsLimit: '50', StopTimeout: '3' }) });
  expect(await ask(8551, 'read /proc/self/status')).toMatch(/^Groups:\t2003 4711/m);
  expect(await ask(8551, 'run /usr/bin/date -d @0 +%H')).toBe('09\n');
  expect(await ask(8551, 'list /srv/more')).toEqual([]);
  expect(String(await ask(8551, 'read /proc/self/mountinfo'))).not.toContain(' /proc/scsi ');
  expect(String(await ask(8551, 'read /proc/self/mountinfo'))).not.toMatch(/ \/proc\/sys ro/);
  expect(await scene.show('wakesock-site-words.scope', 'MemoryMax', 'TasksMax', 'TimeoutStopUSec')).toEqual({ MemoryMax: String(64 * 1024 * 1024), TasksMax: '50', TimeoutStopUSec: '3s' });
  expect(JSON.parse(await scene.box.readFile('/run/wakesock/crun/words/config.json'))).toMatchObject({ annotations: { who: 'me' } });
});
