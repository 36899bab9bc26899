/** New versions of images from a registry: sites get them with their next wake, and do not where they would not do. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildImage, imageSite, makeContext } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { Scene } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

let scene: Scene;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const image = '127.0.0.1:5000/app:1';
const site = (port: number, policy: string, name = image): string => imageSite(name, port, { Container: { AutoUpdate: policy } });
const versionOf = async (port: number): Promise<string | undefined> => {
  const { result } = await scene.clients.ask(`127.0.0.1:${port}`, 'read /proc/self/environ');
  return /VERSION=(\w+)/.exec(String(result))?.[1];
};

/** The registry has another version of the image from then on. */
async function publish(version: string, command = '["/usr/bin/python3", "/programs/plain.py", "3000"]'): Promise<void> {
  await buildImage(scene.box, 'localhost/build:1', ['FROM scratch', 'COPY root /', `ENV VERSION=${version}`, 'EXPOSE 3000', `CMD ${command}`]);
  await run('rm -rf /srv/registry/new && mkdir -p /srv/registry && podman save --quiet --format oci-dir -o /srv/registry/new localhost/build:1 && rm -rf /srv/registry/app && mv /srv/registry/new /srv/registry/app && podman rmi localhost/build:1 >/dev/null');
}

interface Updated { readonly name: string; readonly updated: string; readonly error: { readonly code: string; readonly message: string } | null }
async function autoUpdate(...args: string[]): Promise<{ code: number; sites: Updated[]; stderr: string }> {
  const { code, stdout, stderr } = await scene.product.exec('auto-update', '--json', ...args);
  return { code, stderr, sites: stdout === '' ? [] : (JSON.parse(stdout) as { sites: Updated[] }).sites };
}
const brief = ({ code, sites }: Awaited<ReturnType<typeof autoUpdate>>): unknown[] => [code, ...sites.map(({ name, updated }) => `${name} ${updated}`)];

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await makeContext(scene.box);
  await scene.box.writeFile('/etc/containers/registries.conf.d/test.conf', '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n');
  await publish('first');
  await run(`systemd-run --quiet --unit=test-registry --property=Type=notify --setenv=PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 ${programs}/registry.py /srv/registry 5000`);
  await scene.enable({ pulled: site(8601, 'registry'), second: site(8602, 'registry'), never: imageSite(image, 8603) });
}, 60_000);
afterAll(async () => {
  await scene.close();
  await scene.box.exec(['systemctl', 'stop', 'test-registry']);
  await run('podman rmi --all --force >/dev/null; rm -rf /srv/registry /etc/containers/registries.conf.d/test.conf');
});

test('nothing is new: nothing is done', async () => {
  expect(await versionOf(8601)).toBe('first');
  expect(brief(await autoUpdate())).toEqual([0, 'pulled false', 'second false']);
});

test('the service finds a new version: a site that is awake keeps its own until it sleeps, the next wake of any has the new one', async () => {
  await publish('second');
  await run('systemctl start wakesock-auto-update.service');
  expect(await versionOf(8601)).toBe('first');
  expect(await versionOf(8602)).toBe('second');
  await scene.product.run('sleep', '--force', 'pulled');
  expect(await versionOf(8601)).toBe('second');
  expect(await run('systemctl show --value --property=Result wakesock-auto-update.service')).toBe('success\n');
});

test('a version whose program is missing: the name goes back to the one before, and clients see nothing of it', async () => {
  await publish('third', '["/usr/bin/none"]');
  const updated = await autoUpdate();
  expect(brief(updated)).toEqual([1, 'pulled rolled back', 'second rolled back']);
  expect(updated.sites[0]?.error).toMatchObject({ code: 'ERR_WAKESOCK_PROGRAM', message: expect.stringContaining('/usr/bin/none') });
  for (const name of ['pulled', 'second']) await scene.product.run('sleep', '--force', name);
  expect([await versionOf(8601), await versionOf(8602)]).toEqual(['second', 'second']);
  expect(await run(`podman image inspect --format '{{.Config.Env}}' ${image}`)).toContain('VERSION=second');
  // What a site without AutoUpdate= gets is a matter of its name, as ever.
  expect(await versionOf(8603)).toBe('second');
});

test('a site that is woken while such a version is tried gets the one before', async () => {
  for (const name of ['pulled', 'second', 'never']) await scene.product.run('sleep', '--force', name);
  // podman, as auto-update finds it: it waits before it gives the name back.
  await run('mkdir -p /srv/registry/bin && mkfifo /srv/registry/tried /srv/registry/go');
  await scene.box.writeFile('/srv/registry/bin/podman', `#!/bin/sh\nif [ "$1 $3" = "tag ${image}" ]; then echo >/srv/registry/tried; read line </srv/registry/go; fi\nexec /usr/bin/podman "$@"\n`);
  await run('chmod +x /srv/registry/bin/podman');
  const updated = scene.box.exec(['sh', '-c', 'PATH=/srv/registry/bin:$PATH exec "$@"', 'sh', ...scene.product.command('auto-update', '--json')]);
  await run('read line </srv/registry/tried');
  expect(await run(`podman image inspect --format '{{.Config.Env}}' ${image}`)).toContain('VERSION=third');
  expect([await versionOf(8601), await versionOf(8603)]).toEqual(['second', 'second']);
  await run('echo >/srv/registry/go');
  expect(JSON.parse((await updated).stdout)).toMatchObject({ sites: [{ name: 'pulled', updated: 'rolled back' }, { name: 'second', updated: 'rolled back' }] });
  expect(await versionOf(8602)).toBe('second');
});

test('a registry that is away: said, and nothing is changed', async () => {
  await publish('fourth');
  await run('systemctl stop test-registry');
  const { code, sites } = await autoUpdate('second');
  expect([code, sites]).toEqual([1, [expect.objectContaining({ name: 'second', updated: 'failed', error: expect.objectContaining({ code: 'ERR_WAKESOCK_PODMAN' }) })]]);
  expect(await versionOf(8602)).toBe('second');
});

test('local: what podman has under the name', async () => {
  await buildImage(scene.box, 'localhost/local:1', ['FROM scratch', 'COPY root /', 'ENV VERSION=old', 'EXPOSE 3000', 'CMD ["/usr/bin/python3", "/programs/plain.py", "3000"]']);
  await scene.enable({ local: site(8604, 'local', 'localhost/local:1') });
  expect(brief(await autoUpdate('local'))).toEqual([0, 'local false']);
  await buildImage(scene.box, 'localhost/local:1', ['FROM scratch', 'COPY root /', 'ENV VERSION=new', 'EXPOSE 3000', 'CMD ["/usr/bin/python3", "/programs/plain.py", "3000"]']);
  expect(await scene.product.run('auto-update', 'local')).toBe('SITE   IMAGE              POLICY  UPDATED\nlocal  localhost/local:1  local   true\n');
  expect(await versionOf(8604)).toBe('new');
});

test('sites that are not to be updated, and names that would not say from where', async () => {
  expect(await scene.product.exec('auto-update', 'never')).toMatchObject({ code: 2, stderr: expect.stringContaining('never: expected an enabled site with AutoUpdate=') });
  await scene.write({ short: site(8605, 'registry', 'app:1'), built: site(8606, 'registry', 'localhost/local:1') });
  const { stdout } = await scene.product.exec('check', 'short', 'built');
  expect(stdout).toMatch(/AutoUpdate=: Expected Image= to name its registry, .*found app:1/);
  expect(stdout).toMatch(/found localhost\/local:1[^]*AutoUpdate=local/);
});

test('the timer is there, and off until it is asked for', async () => {
  expect((await scene.box.exec(['systemctl', 'is-enabled', 'wakesock-auto-update.timer'])).stdout).toBe('disabled\n');
  await run('systemctl enable --now --quiet wakesock-auto-update.timer');
  expect(await run('systemctl show --value --property=NextElapseUSecRealtime wakesock-auto-update.timer')).toMatch(/\d\d:\d\d/);
  await run('systemctl disable --now --quiet wakesock-auto-update.timer; systemd-analyze verify /etc/systemd/system/wakesock-auto-update.timer /etc/systemd/system/wakesock-auto-update.service');
});
