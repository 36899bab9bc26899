/** Sites whose root is an image: podman's storage, an overlay that nobody else sees, data that stays. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { buildImage, imageSite, makeContext } from '../support/images.ts';
import { installMutant, removeMutant } from '../support/mutant.ts';
import { pollUntil, Scene, service } from '../support/scene.ts';

let scene: Scene;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);

const plain = (port: number): string => `CMD ["/usr/bin/python3", "/programs/plain.py", "${port}"]`;
const ask = async (port: number, say: string): Promise<unknown> => (await scene.clients.ask(`127.0.0.1:${port}`, say)).result;
/** @returns connect(2)'s error number, 0 for none */
const dial = (port: number): Promise<unknown> => ask(8401, `run /usr/bin/python3 -c print(__import__("socket").socket().connect_ex(("127.0.0.1",${port})))`);
const sleep = (site: string): Promise<string> => scene.product.run('sleep', '--force', site);
/** Of the box's own mount namespace, and that of the activator. */
const rootMounts = async (): Promise<string> => run(`grep -h wakesock/root /proc/1/mountinfo /proc/$(systemctl show --value -p MainPID ${service} | sed 's/^0$/1/')/mountinfo || :`);

const version = (number: number): Promise<void> => buildImage(scene.box, 'localhost/versions:1', ['FROM localhost/app:1', `ENV VERSION=${number}`, `COPY root/etc/passwd /srv/only-in-${number}`]);
const listed = (): Promise<unknown> => ask(8421, 'list /srv');
const keptNames = async (): Promise<string[]> => (await run('podman image ls --noheading --format "{{.Tag}}" localhost/wakesock/used')).split('\n').filter((tag) => /^[0-9a-f]{12}$/.test(tag));
const idOf = async (name: string): Promise<string> => (await run(`podman image inspect --format '{{.Id}}' ${name}`)).trim();

const preparedAs = (site: string): Promise<string> => run(`stat --format="%i %y" /var/lib/wakesock/sites/${site}`);
const upper = (site: string): string => `/var/lib/wakesock/sites/${site}/upper`;
const isThere = async (path: string): Promise<boolean> => (await scene.box.exec(['test', '-e', path])).code === 0;

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await makeContext(scene.box);
  await run('mkdir -p /srv/small && cp /bin/busybox /srv/small');
  await buildImage(scene.box, 'localhost/base:1', ['FROM scratch', 'COPY root /', 'ENV KIND=image OTHER=image']);
  await buildImage(scene.box, 'localhost/app:1', [
    'FROM localhost/base:1', 'COPY root/etc/group /srv/below', 'COPY root/etc/passwd /srv/data/kept', 'USER web', 'WORKDIR /srv', 'EXPOSE 3000', 'VOLUME /srv/data', 'STOPSIGNAL SIGINT', plain(3000),
  ]);
}, 60_000);
afterAll(async () => {
  await scene.close();
  await run('podman rmi --all --force >/dev/null');
});

describe('podman\'s own storage, driver overlay', () => {
  test('the image says what the file does not: program, port, variables, user by name, directory, stop signal', async () => {
    await scene.enable({ app: imageSite('localhost/app:1', 8401, { Container: { Environment: ['OTHER=file', 'PYTHONDONTWRITEBYTECODE=1'] } }) });
    const environment = String(await ask(8401, 'read /proc/self/environ')).split('\0');
    expect(environment).toEqual(expect.arrayContaining(['KIND=image', 'OTHER=file', 'HOME=/srv']));
    const status = String(await ask(8401, 'read /proc/self/status'));
    expect(status).toMatch(/^Uid:\t2001\t2001\t2001\t2001$/m);
    expect(status).toMatch(/^Gid:\t2002\t2002\t2002\t2002$/m);
    expect(status).toMatch(/^Groups:\t2003/m);
    expect(await ask(8401, 'link /proc/self/cwd')).toBe('/srv');
    expect(JSON.parse(await scene.box.readFile('/var/lib/wakesock/sites/app/site.json'))).toMatchObject({ site: { stopSignal: 'INT', ports: [{ kind: 'tcp', port: 3000 }] }, rootMount: { lower: [1, 2, 3].map(() => expect.stringMatching(/^l\//)) } });
  });

  test('a health check would find nobody: the listening socket is of the machine\'s network, inside the container its port is refused', async () => {
    const [refused, done] = ['111\n', '0\n'];
    expect(await dial(3000)).toBe(refused);
    await sleep('app');
    await scene.write({ app: imageSite('localhost/app:1', 8401, { Container: { Network: 'host', UserNS: 'host' } }) });
    await scene.product.run('enable', 'app');
    expect(await dial(8401)).toBe(done);
    await scene.write({ app: imageSite('localhost/app:1', 8401) });
    await scene.product.run('enable', 'app');
  });

  test('its root is an overlay that only the container sees; nothing is mounted anywhere else, awake or asleep', async () => {
    expect(await ask(8401, 'read /proc/self/mountinfo')).toMatch(/ \/ \/ rw,\S* - overlay overlay rw,lowerdir=l\//);
    expect(await rootMounts()).toBe('');
    await sleep('app');
    expect(await rootMounts()).toBe('');
    await run('rmdir /var/lib/wakesock/root && mkdir /var/lib/wakesock/root');
  });

  test('what its program writes is there again after a stop, and in no layer and no other site', async () => {
    await scene.enable({ twin: imageSite('localhost/app:1', 8402, { Container: { User: 'root' } }), own: imageSite('localhost/app:1', 8403, { Container: { User: 'root' } }) });
    expect(await ask(8403, 'write /srv/data/kept mine')).toBe('written');
    expect(await ask(8403, 'write /srv/new mine')).toBe('written');
    await sleep('own');
    expect(await ask(8403, 'read /srv/data/kept')).toBe('mine');
    expect(await ask(8403, 'read /srv/new')).toBe('mine');
    expect(await ask(8402, 'read /srv/data/kept')).toContain('web:x:2001');
    expect(await run('find /var/lib/wakesock/sites/own/upper/srv -type f | sort')).toBe('/var/lib/wakesock/sites/own/upper/srv/data/kept\n/var/lib/wakesock/sites/own/upper/srv/new\n');
  });

  test('ReadOnly=yes: the root cannot be written, the image\'s volume can', async () => {
    await scene.enable({ readonly: imageSite('localhost/app:1', 8404, { Container: { User: 'root', ReadOnly: 'yes' } }) });
    await expect(ask(8404, 'write /srv/new x')).rejects.toThrow('the connection ended');
    expect(await ask(8404, 'read /srv/data/kept')).toContain('web:x:2001');
    expect(await ask(8404, 'write /srv/data/kept x')).toBe('written');
  });

  test('the directory that was prepared stays as it was, from the first wake on: by that the front door knows the site that it kept answers of', async () => {
    await scene.enable({ edition: imageSite('localhost/app:1', 8439, { Container: { User: 'root' } }) });
    const before = await preparedAs('edition');
    for (const content of ['one', 'two']) {
      expect(await ask(8439, `write /srv/new ${content}`)).toBe('written');
      await sleep('edition');
      expect(await preparedAs('edition')).toBe(before);
    }
    await scene.product.run('prepare', 'edition');
    expect(await preparedAs('edition')).not.toBe(before);
  });

  test('waking runs no podman', async () => {
    await sleep('app');
    await run('mv /usr/bin/podman /usr/bin/podman.away');
    try {
      expect(await ask(8401, 'hostname')).toBe('app');
    } finally {
      await run('mv /usr/bin/podman.away /usr/bin/podman');
    }
  });
});

describe('an activator that is killed', () => {
  afterAll(() => removeMutant(scene.box));

  const die = '/run/wakesock-die';
  const dies = `if (require("node:fs").existsSync("${die}")) { require("node:fs").rmSync("${die}"); globalThis.process.kill(globalThis.process.pid, "SIGKILL"); }`;

  test.each([
    ['before crun is started', 'mountOverlay(root.base, root.target, overlayOptions(root));', (line: string) => `${line} ${dies}`],
    ['before it has come back', 'call("setns", own, CLONE_NEWNS);', (line: string) => `${dies} ${line}`],
  ])('with the root mounted, %s: nothing is left of it, and the client is served', async (_, find, replace) => {
    await sleep('own');
    await installMutant(scene.box, '1s', { find, replace: replace(find) });
    await run(`touch ${die}`);
    expect(await ask(8403, 'read /srv/new')).toBe('mine');
    expect((await scene.box.exec(['test', '-e', die])).code).toBe(1);
    expect(await rootMounts()).toBe('');
  });

  test('while the site is awake: it serves on, and the next one stops it with its data', async () => {
    const { start } = await scene.clients.ask('127.0.0.1:8403');
    await scene.killActivator();
    expect((await scene.clients.ask('127.0.0.1:8403', 'write /srv/new again')).start).toBe(start);
    await sleep('own');
    expect(await ask(8403, 'read /srv/new')).toBe('again');
  });
});

describe('another version of an image', () => {
  test('a site that is awake keeps what it runs on, whatever podman prunes; its next wake has the new one, without podman', async () => {
    await version(1);
    await scene.enable({ versions: imageSite('localhost/versions:1', 8421, { Container: { User: 'root' } }) });
    expect(await listed()).toContain('only-in-1');
    await ask(8421, 'write /srv/mine x');
    const first = await idOf('localhost/versions:1');
    await version(2);
    const second = await idOf('localhost/versions:1');
    await run('podman image prune --force >/dev/null');
    // Nothing that it had not opened yet.
    expect(await ask(8421, 'read /srv/below')).toContain('more:x:2003');
    expect(await ask(8421, 'read /srv/only-in-1')).toContain('web:x:2001');
    // Prepared with the second while it runs on the first: both stay.
    await scene.product.run('prepare', 'versions');
    expect(await keptNames()).toEqual(expect.arrayContaining([first.slice(0, 12), second.slice(0, 12)]));
    await sleep('versions');
    expect(await listed()).toEqual(expect.arrayContaining(['only-in-2', 'mine']));
    expect(await listed()).not.toContain('only-in-1');
    expect(await scene.product.run('prepare', 'versions')).toBe(`versions  is prepared with localhost/versions:1, ${second.slice(0, 12)}\n`);
    expect(await keptNames()).not.toContain(first.slice(0, 12));
    await version(3);
    await sleep('versions');
    await run('mv /usr/bin/podman /usr/bin/podman.away');
    try {
      expect(await listed()).toEqual(expect.arrayContaining(['only-in-3', 'mine']));
    } finally {
      await run('mv /usr/bin/podman.away /usr/bin/podman');
    }
  });

  test('one that a wake has picked by itself is kept as well, and the one before is not any more', async () => {
    const before = await idOf('localhost/versions:1');
    await sleep('versions');
    await version(4);
    const from = await scene.mark();
    expect(await listed()).toContain('only-in-4');
    const picked = await idOf('localhost/versions:1');
    await scene.journal.until(({ fields, text }) => fields['site'] === 'versions' && text.includes('kept from pruning'), { from, what: 'that its image is kept' });
    await version(5);
    await run('podman image prune --force >/dev/null');
    expect(await ask(8421, 'read /srv/only-in-4')).toContain('web:x:2001');
    expect(await keptNames()).toContain(picked.slice(0, 12));
    await pollUntil('the name of the one before to be gone', async () => !(await keptNames()).includes(before.slice(0, 12)));
  });

  test('an image that is gone: why, and what brings it back; then the next client does', async () => {
    await sleep('versions');
    await run('podman rmi --force localhost/versions:1 >/dev/null');
    await scene.expectFailed('versions', 'ERR_WAKESOCK_IMAGE', '127.0.0.1:8421', /podman build -t localhost\/versions:1/);
    expect((await scene.product.exec('prepare', 'versions')).stderr).toMatch(/podman build -t localhost\/versions:1.*ERR_WAKESOCK_IMAGE/);
    // `check` says so before any client does, at the line that names it.
    const checked = await scene.product.exec('check', 'versions');
    expect(checked).toMatchObject({ code: 1, stdout: expect.stringMatching(/versions\.container:\d+:\d+: error: .*\[ERR_WAKESOCK_IMAGE\]\n.*Image=localhost\/versions:1/) });
    await version(4);
    expect((await scene.product.exec('check', 'versions')).code).toBe(0);
    await scene.healed('127.0.0.1:8421');
    expect(await listed()).toEqual(expect.arrayContaining(['only-in-4', 'mine']));
  });

  test('disable lets its images go, and says where the site\'s files stay', async () => {
    expect(await scene.product.run('disable', 'versions')).toContain('/var/lib/wakesock/sites/versions/upper');
    const used = (await run('cat /var/lib/wakesock/sites/*/site.json | grep -o \'"id":"[0-9a-f]*"\' | cut -c7-18 | sort -u')).trim().split('\n');
    expect((await keptNames()).toSorted()).toEqual(used);
  });
});

describe('other places of images', () => {
  test('the driver vfs', async () => {
    await run('podman save --quiet --output=/srv/app.tar localhost/app:1 && mkdir -p /etc/containers && printf \'[storage]\\ndriver = "vfs"\\ngraphroot = "/var/lib/containers/vfs"\\nrunroot = "/run/containers/vfs"\\n\' >/etc/containers/storage.conf && podman load --quiet --input=/srv/app.tar');
    try {
      await scene.enable({ vfs: imageSite('app:1', 8405, { Container: { User: 'root' } }) });
      expect(await ask(8405, 'read /srv/below')).toContain('more:x:2003');
      expect(await ask(8405, 'write /srv/new mine')).toBe('written');
      await sleep('vfs');
      expect(await ask(8405, 'read /srv/new')).toBe('mine');
      expect(JSON.parse(await scene.box.readFile('/var/lib/wakesock/sites/vfs/site.json'))).toMatchObject({ image: { reference: 'localhost/app:1', store: { driver: 'vfs', root: '/var/lib/containers/vfs' } }, rootMount: { lower: [expect.any(String)] } });
    } finally {
      await run('rm /etc/containers/storage.conf');
    }
  });

  test('oci: and oci-archive:', async () => {
    await run('podman save --quiet --format=oci-dir --output=/srv/app.oci localhost/app:1 && podman save --quiet --format=oci-archive --output=/srv/app.oci.tar localhost/app:1');
    await scene.enable({ directory: imageSite('oci:/srv/app.oci', 8406), archive: imageSite('oci-archive:/srv/app.oci.tar', 8407) });
    for (const port of [8406, 8407]) expect(await ask(port, 'read /srv/below')).toContain('more:x:2003');
  });

  test('without systemd', async () => {
    await run(`mkdir -p /srv/embedded && cat >/srv/embedded/solo.container <<'END'\n${imageSite('localhost/app:1', 8408)}\nEND`);
    const from = await scene.mark();
    const activator = scene.box.spawn(['systemd-cat', '--identifier=embedded', ...scene.product.command('run', '--sites=/srv/embedded', '--state-dir=/var/lib/wakesock/embedded')]);
    await scene.journal.until(({ text }) => text.includes('solo sleeps at'), { from, what: 'the embedded activator' });
    expect(await ask(8408, 'read /srv/below')).toContain('more:x:2003');
    activator.kill('SIGTERM');
    await scene.journal.until(({ identifier, text }) => identifier === 'embedded' && text.includes('Ending with status 0'), { from, what: 'its end' });
    expect(await rootMounts()).toBe('');
  });
});

describe('create and rm', () => {
  test('of a template: any number of sites, each with its own files, none copied', async () => {
    const template = imageSite('localhost/app:1', 0, { Container: { User: 'root', Environment: ['WHO=%i', 'PYTHONDONTWRITEBYTECODE=1'] } }).replace('ListenStream=0\n', '');
    await scene.box.writeFile('/etc/wakesock/sites/tenant@.container', template);
    expect(await scene.product.run('create', 'alice', '--from=tenant@', '--listen=8431')).toBe('tenant@alice  sleeps at 0.0.0.0:8431\n');
    await scene.product.run('create', 'bob', '--from=tenant@', '--listen=8432', '--host=bob.example.com');
    expect(await run(`find ${upper('tenant@alice')} -type f`)).toBe('');
    await ask(8431, 'write /srv/data/kept alice');
    expect(await ask(8431, 'read /srv/data/kept')).toBe('alice');
    expect(await ask(8432, 'read /srv/data/kept')).toContain('web:x:2001');
    expect(String(await ask(8432, 'read /proc/self/environ'))).toContain('WHO=bob');
    expect((await scene.product.exec('create', 'alice', '--from=tenant@')).stderr).toContain('ERR_WAKESOCK_SITE_EXISTS');
  });

  test('rm of a site that is in use: nothing is left but what was not its own; --keep-data is for the next of its name', async () => {
    const client = scene.clients.open('127.0.0.1:8431', 'hello\n');
    await client.answer();
    expect(await scene.product.run('rm', '--keep-data', 'tenant@alice')).toContain(upper('tenant@alice'));
    await client.closed;
    expect(await isThere('/etc/wakesock/sites/tenant@alice.container.d')).toBe(false);
    await scene.product.run('create', 'alice', '--from=tenant@', '--listen=8431');
    expect(await ask(8431, 'read /srv/data/kept')).toBe('alice');
    await scene.product.run('rm', 'tenant@alice', 'tenant@bob');
    expect(await run('ls -d /var/lib/wakesock/*/*tenant* /etc/wakesock/sites/*tenant* /etc/systemd/system/*tenant* 2>/dev/null || :')).toBe('/etc/wakesock/sites/tenant@.container\n');
    expect(await scene.clients.turnedAway('127.0.0.1:8431')).toMatch('ECONNREFUSED');
    await run('rm /etc/wakesock/sites/tenant@.container');
  });

  test('of an image; where it cannot be enabled nothing is left; what somebody wrote is not removed', async () => {
    await buildImage(scene.box, 'localhost/small:1', ['FROM scratch', 'COPY busybox /bin/busybox', 'CMD ["/bin/busybox", "httpd", "-f", "-p", "80"]', 'EXPOSE 80'], '/srv/small');
    await scene.product.run('create', 'small', '--image=localhost/small:1', '--listen=8433');
    expect(await run('curl --silent --output /dev/null --write-out %{http_code} http://127.0.0.1:8433/')).toBe('404');
    expect((await scene.product.exec('create', 'none', '--image=localhost/none', '--listen=8434')).stderr).toContain('ERR_WAKESOCK_IMAGE');
    expect(await run('ls -d /var/lib/wakesock/*/none* /etc/wakesock/sites/none* /etc/systemd/system/*site-none* 2>/dev/null || :')).toBe('');
    expect(await scene.product.run('rm', 'small')).toBe('small  removed\n');
    expect((await scene.product.exec('rm', 'app')).stderr).toContain('ERR_WAKESOCK_NOT_OURS');
    expect(await ask(8401, 'hostname')).toBe('app');
  });
});

test('an image that is nowhere, one that does not do: why, by name; other sites of the same command are enabled', async () => {
  await buildImage(scene.box, 'localhost/ghost:1', ['FROM localhost/base:1', 'USER ghost', plain(3000)]);
  await scene.write({ nowhere: imageSite('localhost/nowhere:1', 8411), ghost: imageSite('localhost/ghost:1', 8412), fine: imageSite('localhost/app:1', 8413) });
  const { code, stderr } = await scene.product.exec('enable', 'nowhere', 'ghost', 'fine');
  expect(code).toBe(1);
  expect(stderr).toMatch(/localhost\/nowhere:1: it is not in podman's storage.*podman build.*ERR_WAKESOCK_IMAGE/);
  expect(stderr).toMatch(/User=ghost.*ERR_WAKESOCK_IMAGE/);
  expect(await ask(8413, 'hostname')).toBe('fine');
});
