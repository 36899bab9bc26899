/** Images that somebody made who means harm. Each of these passes only because something of ours, or of crun's, is in the way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { imageSite, makeImage, rootEntries, usrVolume, type LayerEntry } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { python, Scene, scopeUnit, siteFile } from '../support/scene.ts';

let scene: Scene;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (port: number, say: string): Promise<unknown> => (await scene.clients.ask(`127.0.0.1:${port}`, say)).result;
const config = { Cmd: ['/usr/bin/python3', '/programs/plain.py', '3000'], ExposedPorts: { '3000/tcp': {} } };
const without = (...names: readonly string[]): LayerEntry[] => rootEntries.filter(({ name }) => !names.some((one) => name === one || name.startsWith(`${one}/`)));
/** Seven steps up from anywhere in a site's root is the machine's own. */
const out = '/../../../../../../..';

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await run('mkdir -p /root/outside && echo secret >/root/outside/secret && echo "ghost:x:4242:4242::/:" >/root/outside/passwd && cp /bin/busybox /root/outside/program');
});
afterAll(async () => {
  await scene.close();
  await run('podman volume rm --all --force >/dev/null; podman secret rm hostile >/dev/null; podman rmi --all --force >/dev/null; rm -rf /run/hostile /run/hostile-device /srv/credential /root/outside /srv/images');
});

/** Nothing was made, changed or bound over where the links point. */
async function expectOutsideUntouched(): Promise<void> {
  expect(await run('ls -A /root/outside; cat /root/outside/secret')).toBe('passwd\nprogram\nsecret\nsecret\n');
}

test('device nodes in a root are not the machine\'s devices, whatever the root is', async () => {
  const image = await makeImage(scene.box, 'devices', [[...rootEntries, { name: 'srv/kmsg', device: [1, 11], mode: 0o666 }, { name: 'srv/null', device: [1, 3], mode: 0o666 }]], config);
  await run(`rm -rf /srv/flat && mkdir -p /srv/flat && cd /srv/flat && mkdir etc srv usr && for link in bin sbin lib lib64; do ln -s usr/$link $link; done && mknod -m 666 srv/kmsg c 1 11 && mknod -m 666 srv/null c 1 3`);
  await scene.enable({
    devices: imageSite(image, 8451, { Container: { UserNS: 'host' } }),
    readonly: imageSite(image, 8452, { Container: { UserNS: 'host', ReadOnly: 'yes' } }),
    own: imageSite(image, 8462),
    flat: siteFile(`${python('plain.py')} 3000`, { Container: { UserNS: 'host', Rootfs: '/srv/flat', Volume: [usrVolume, `${programs}:/programs:ro`] }, 'X-Wakesock': { ListenStream: 8453, Port: 3000 } }),
  });
  for (const port of [8451, 8452, 8453]) {
    expect(await ask(port, 'open /srv/kmsg')).toBe('EPERM');
    expect(await ask(port, 'open /srv/null')).toBe('opened');
    for (const device of ['null', 'zero', 'full', 'random', 'urandom', 'ptmx']) expect(await ask(port, `open /dev/${device}`), device).toBe('opened');
  }
  // With a user namespace no node of a root is a device at all.
  for (const node of ['kmsg', 'null']) expect(await ask(8462, `open /srv/${node}`)).toBe('EACCES');
  expect(await scene.show(scopeUnit('devices'), 'DevicePolicy')).toEqual({ DevicePolicy: 'closed' });
});

describe('links that lead out of the root', () => {
  test.each<[string, readonly LayerEntry[], Readonly<Record<string, unknown>>, RegExp]>([
    ['the program', [...rootEntries, { name: 'srv/out', link: out }], { ...config, Cmd: ['/srv/out/root/outside/program'] }, /\/srv\/out\/root\/outside\/program.*ERR_WAKESOCK_PROGRAM/],
    ['/etc/passwd', [...without('etc/passwd'), { name: 'etc/passwd', link: `${out}/root/outside/passwd` }], { ...config, User: 'ghost' }, /User=ghost.*ERR_WAKESOCK_IMAGE/],
    ['/etc', [...without('etc'), { name: 'etc', link: `${out}/root/outside` }], { ...config, User: 'ghost' }, /User=ghost.*ERR_WAKESOCK_IMAGE/],
  ])('%s is looked for inside', async (_, layer, image, error) => {
    await scene.write({ leads: imageSite(await makeImage(scene.box, 'leads', [layer], image), 8454) });
    const { code, stderr } = await scene.product.exec('enable', 'leads');
    expect(stderr).toMatch(error);
    expect(code).toBe(1);
    await expectOutsideUntouched();
  });

  test('/etc/hosts, /etc/resolv.conf, a volume', async () => {
    const image = await makeImage(scene.box, 'links', [[
      ...rootEntries, { name: 'etc/hosts', link: `${out}/root/outside/hosts` }, { name: 'etc/resolv.conf', link: `${out}/root/outside/secret` },
      { name: 'srv/out', link: out },
    ]], { ...config, Volumes: { '/srv/out/root/outside/more': {} } });
    await scene.enable({ links: imageSite(image, 8455) });
    expect(await ask(8455, 'open /etc/resolv.conf')).toBe('ENOENT');
    expect(await ask(8455, 'open /srv/out/root/outside/secret')).toBe('ENOENT');
    expect(await ask(8455, 'read /etc/hosts')).toContain('127.0.1.1 links');
    expect(await ask(8455, 'list /srv/out/root/outside')).toEqual(['hosts', 'more']);
    await expectOutsideUntouched();
  });

  test('volumes of each kind, memory, secrets, devices: mounted inside, and filled from inside', async () => {
    const image = await makeImage(scene.box, 'mounts', [[...rootEntries, { name: 'srv/out', link: out }, { name: 'run', link: `${out}/root/outside` }, { name: 'root' }, { name: 'root/outside', mode: 0o755 }]], config);
    await run('printf hidden | podman secret create hostile - && mknod -m 666 /run/hostile-device c 1 3 && echo hidden >/srv/credential && mkdir -p /run/hostile');
    await scene.enable({ mounts: imageSite(image, 8472, {
      Container: {
        Volume: [usrVolume, `${programs}:/programs:ro`, 'hostile:/srv/out/root/outside/named', '/srv/out/root/outside/own', '/run/hostile:/srv/out/root/outside/bound:ro'],
        Tmpfs: '/srv/out/root/outside/memory', Mount: 'type=tmpfs,destination=/srv/out/root/outside/empty,notmpcopyup',
        Secret: ['hostile', 'hostile,target=/srv/out/root/outside/file'], AddDevice: '/run/hostile-device:/dev/out/hostile',
      },
      Service: { LoadCredential: 'one:/srv/credential' },
    }) });
    expect(await ask(8472, 'open /dev/out/hostile')).toBe('opened');
    expect(await ask(8472, 'read /srv/out/root/outside/file')).toBe('hidden');
    expect(await ask(8472, 'read /run/secrets/hostile')).toBe('hidden');
    for (const directory of ['named', 'own', 'memory', 'empty']) expect(await ask(8472, `list /srv/out/root/outside/${directory}`), directory).toEqual([]);
    await expectOutsideUntouched();
  });

  test('a new volume is filled with what the image has where its links lead inside, and never with the machine\'s', async () => {
    const image = await makeImage(scene.box, 'fills', [[
      ...rootEntries, { name: 'srv/out', link: `${out}/root/outside` }, { name: 'root' }, { name: 'root/outside' }, { name: 'root/outside/inner', data: 'inner', mode: 0o4755, uid: 77 },
      { name: 'root/outside/link', link: `${out}/root/outside/secret` }, { name: 'root/outside/kmsg', device: [1, 11], mode: 0o666 },
    ]], config);
    await scene.enable({ fills: imageSite(image, 8473, { Container: { Volume: [usrVolume, `${programs}:/programs:ro`, 'fills:/srv/out'] } }) });
    const filled = (await run('podman volume inspect --format "{{.Mountpoint}}" fills')).trim();
    expect(await run(`ls -A ${filled}; readlink ${filled}/link`)).toBe(`inner\nkmsg\nlink\n${out}/root/outside/secret\n`);
    expect(await ask(8473, 'open /srv/out/kmsg')).toBe('EACCES');
    expect(await ask(8473, 'open /srv/out/link')).toBe('ENOENT');
    await expectOutsideUntouched();
  });

  test.each(['proc', 'sys', 'dev', 'etc', 'tmp', 'work'])('/%s: nothing of it is outside, whether the site starts or not', async (name) => {
    const image = await makeImage(scene.box, 'kernel', [[...without(name), { name, link: `${out}/root/outside` }]], { ...config, ...name === 'work' ? { WorkingDir: '/work' } : {} });
    await scene.enable({ kernel: imageSite(image, 8456) });
    const seen = await ask(8456, `list /${name}`).catch((error: Error) => error.message);
    if (Array.isArray(seen)) expect(seen).not.toContain('secret');
    const { state, error } = await scene.status('kernel');
    expect(state === 'awake' ? null : error?.code).toBe(state === 'awake' ? null : 'ERR_WAKESOCK_RUNTIME');
    await expectOutsideUntouched();
    await scene.remove('kernel');
    await run('rm -rf /var/lib/wakesock/sites/kernel');
  });
});

test('set-user-id programs give nobody anything', async () => {
  const image = await makeImage(scene.box, 'setuid', [[...rootEntries, { name: 'srv/id', copy: '/usr/bin/id', mode: 0o6755 }]], { ...config, User: 'web' });
  await scene.enable({ setuid: imageSite(image, 8457), lenient: imageSite(image, 8458, { Container: { NoNewPrivileges: 'no' } }) });
  expect(await ask(8457, 'run /srv/id -u')).toBe('2001\n');
  // What the wall is: without it the same program of the same image is root of its container.
  expect(await ask(8458, 'run /srv/id -u')).toBe('0\n');
});

test('layers that delete what is below them, up to the whole root', async () => {
  const image = await makeImage(scene.box, 'whiteouts', [
    [...rootEntries, { name: 'srv/a', data: 'x' }, { name: 'srv/b' }, { name: 'srv/b/c', data: 'x' }, { name: 'gone', data: 'x' }, { name: 'home' }, { name: 'home/x', data: 'x' }],
    [{ name: 'srv/.wh.a', data: '' }, { name: 'srv/b' }, { name: 'srv/b/.wh..wh..opq', data: '' }, { name: 'srv/b/new', data: 'x' }, { name: '.wh.gone', data: '' }, { name: '.wh.home', data: '' }],
  ], config);
  const all = await makeImage(scene.box, 'all-gone', [[{ name: 'gone', data: 'x' }, { name: 'etc' }, { name: 'etc/gone', data: 'x' }], [{ name: '.wh..wh..opq', data: '' }, ...rootEntries]], config);
  await scene.enable({ whiteouts: imageSite(image, 8459), opaque: imageSite(all, 8460) });
  expect(await ask(8459, 'list /srv')).toEqual(['b']);
  expect(await ask(8459, 'list /srv/b')).toEqual(['new']);
  expect(await ask(8459, 'list /')).not.toEqual(expect.arrayContaining(['gone']));
  expect(await ask(8459, 'list /')).not.toEqual(expect.arrayContaining(['home']));
  // Of a root that hides all of the layers below it overlayfs knows nothing. As with podman, that has the same mount.
  const { image: { id } } = JSON.parse(await scene.box.readFile('/var/lib/wakesock/sites/opaque/site.json')) as { image: { id: string } };
  const seen = (await run(`ls $(podman image mount ${id})/etc; podman image unmount ${id} >/dev/null`)).trim().split('\n');
  expect(await ask(8460, 'list /etc')).toEqual([...seen, 'hosts'].toSorted());
});

test('an archive that climbs out of its layer', async () => {
  await scene.write({ climbs: imageSite(await makeImage(scene.box, 'climbs', [[...rootEntries, { name: '../../../../../../../../root/outside/new', data: 'x' }]], config), 8461) });
  await scene.product.exec('enable', 'climbs');
  await expectOutsideUntouched();
});
