/** A site with an image, from its file to its bundle. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import type { ImageStore, OverlayRoot, RootMount } from '../../../src/base/site.ts';
import { sourcesUnchanged } from '../../../src/base/sources.ts';
import type { ImageFinder } from '../../../src/image/podman.ts';
import type { OciConfig } from '../../../src/runtime/oci.ts';
import { readPrepared } from '../../../src/runtime/prepared.ts';
import { prepareSite, prepareSiteWithPodman } from '../../../src/site/prepare.ts';
import { mountedDirectory, writeStore, type FakeImage } from '../image/fixtures.ts';

const base = { 'bin/app': 'x', 'etc/passwd': 'web:x:33:34::/srv:\n', 'etc/group': 'www:x:35:web\n' };
const image: FakeImage = { names: ['localhost/blog:1'], layers: [base], config: { Cmd: ['app'], ExposedPorts: { '3000/tcp': {} }, User: 'web' } };
const code = (name: string, text = '') => expect.objectContaining({ code: `ERR_WAKESOCK_${name}`, message: expect.stringContaining(text) });

const overlayOf = ({ rootMount }: { rootMount?: RootMount | null }): OverlayRoot => {
  if (rootMount?.kind !== 'overlay') throw new Error('Expected an overlay');
  return rootMount;
};

interface Ground { paths: Paths; store: ImageStore; podman: ImageFinder; write: (keys: string) => void; config: () => OciConfig; asked: string[] }

function ground(images: readonly FakeImage[] = [image], driver: ImageStore['driver'] = 'overlay'): Ground {
  const directory = mountedDirectory();
  const paths: Paths = { siteDirs: [`${directory}/sites`], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
  const store = { driver, root: `${directory}/storage` };
  const [id = ''] = writeStore(store, images);
  const asked: string[] = [];
  mkdirSync(`${directory}/sites`);
  const write = (keys: string): void => writeFileSync(`${directory}/sites/blog.container`, `[Container]\n${keys}\n[X-Wakesock]\nListenStream=8081\n`);
  write('Image=blog:1');
  return {
    paths, store, asked, write,
    podman: { find: async (name) => { asked.push(name); return { store, reference: 'localhost/blog:1', id }; } },
    config: () => JSON.parse(readFileSync(`${preparedDir(paths, 'blog')}/config.json`, 'utf8')) as OciConfig,
  };
}

test.each(['overlay', 'vfs'] as const)('%s: everything that a wake needs', async (driver) => {
  const { paths, store, podman, config } = ground([image], driver);
  const prepared = await prepareSiteWithPodman(paths, 'blog', podman);
  expect(prepared).toMatchObject({
    uid: 33, gid: 34, site: { exec: ['app'], ports: [{ kind: 'tcp', port: 3000 }], user: 'web' },
    image: { asked: 'blog:1', reference: 'localhost/blog:1', store },
    rootMount: { target: `${paths.stateDir}/root`, upper: `${preparedDir(paths, 'blog')}/upper` },
  });
  expect(config()).toMatchObject({ root: { path: `${paths.stateDir}/root`, readonly: false }, process: { args: ['app'], user: { uid: 33, gid: 34, additionalGids: [35] } } });
  expect(readPrepared(paths, 'blog')).toEqual(prepared);
  expect(statSync(preparedDir(paths, 'blog')).mode & 0o777).toBe(0o700);
});

test('a name that has come to stand for another image is followed without podman; the site\'s own directory stays', async () => {
  const { paths, store, podman, config, asked } = ground();
  const before = await prepareSiteWithPodman(paths, 'blog', podman);
  writeFileSync(`${overlayOf(before).upper}/written`, 'by the site');
  writeStore(store, [{ ...image, layers: [{ ...base, 'bin/new': 'x' }], config: { ...image.config, Cmd: ['new'] } }]);
  expect(sourcesUnchanged(before.sources)).toBe(false);
  const after = prepareSite(paths, 'blog');
  expect(asked).toEqual(['blog:1']);
  expect(after.image?.id).not.toBe(before.image?.id);
  expect(overlayOf(after).lower).not.toEqual(overlayOf(before).lower);
  expect(config().process.args).toEqual(['new']);
  expect(readFileSync(`${overlayOf(after).upper}/written`, 'utf8')).toBe('by the site');
});

test('an image that is gone: what brings it back; what was prepared stays', async () => {
  const { paths, store, podman } = ground();
  const before = await prepareSiteWithPodman(paths, 'blog', podman);
  writeStore(store, []);
  expect(() => prepareSite(paths, 'blog')).toThrow(code('IMAGE', 'podman build -t localhost/blog:1'));
  expect(readPrepared(paths, 'blog')).toEqual(before);
});

test('an image that podman was never asked about', async () => {
  const { paths, podman, write } = ground();
  expect(() => prepareSite(paths, 'blog')).toThrow(code('IMAGE', 'wakesock prepare blog'));
  await prepareSiteWithPodman(paths, 'blog', podman);
  write('Image=another');
  expect(() => prepareSite(paths, 'blog')).toThrow(code('IMAGE', 'Image=another'));
});

describe('an image that does not do', () => {
  test.each<[string, Partial<FakeImage>, string, ReturnType<typeof code>]>([
    ['no such program', { config: { Cmd: ['/bin/none'] } }, '', code('PROGRAM', '/bin/none')],
    ['its user is in no /etc/passwd', { config: { Cmd: ['app'], User: 'ghost' } }, '', code('IMAGE', 'User=ghost')],
    ['the file\'s user is not in it', {}, 'User=ghost', code('IMAGE', 'User=ghost')],
    ['its program is deleted by an upper layer', { layers: [base, { 'bin/app': null }] }, '', code('PROGRAM', 'app')],
  ])('%s', async (_, overrides, keys, error) => {
    const { paths, podman, write } = ground([{ ...image, ...overrides }]);
    write(`Image=blog:1\n${keys}`);
    await expect(prepareSiteWithPodman(paths, 'blog', podman)).rejects.toThrow(error);
    expect(existsSync(preparedDir(paths, 'blog'))).toBe(false);
  });
});

const mountsAt = (config: OciConfig, target: string) => config.mounts.filter(({ destination }) => destination === target);

describe('volumes of an image', () => {
  const withVolumes = { ...image, layers: [{ ...base, 'data/file': 'x' }], config: { ...image.config, Volumes: { '/data': {}, '/missing/too': {} } } };

  test('are in the site\'s own directory like everything; one that the image lacks is made', async () => {
    const { paths, podman, config } = ground([withVolumes]);
    await prepareSiteWithPodman(paths, 'blog', podman);
    expect(mountsAt(config(), '/data')).toEqual([]);
    const [mount] = mountsAt(config(), '/missing/too');
    expect(mount).toMatchObject({ type: 'bind', source: `${preparedDir(paths, 'blog')}/volumes/%2Fmissing%2Ftoo/.` });
    expect(statSync(mount?.source ?? '').isDirectory()).toBe(true);
  });

  test('in a read-only root: in memory, beginning with what is there; the file\'s own Volume= wins', async () => {
    const { paths, podman, config, write } = ground([withVolumes]);
    write('Image=blog:1\nReadOnly=yes');
    await prepareSiteWithPodman(paths, 'blog', podman);
    expect(mountsAt(config(), '/data')).toMatchObject([{ type: 'tmpfs', options: expect.arrayContaining(['tmpcopyup']) }]);
    write(`Image=blog:1\nReadOnly=yes\nVolume=${paths.stateDir}:/data`);
    prepareSite(paths, 'blog');
    expect(mountsAt(config(), '/data')).toMatchObject([{ type: 'bind', source: `${paths.stateDir}/.` }]);
  });
});

test('nothing of a trial is left where the site cannot be prepared', async () => {
  const { paths, podman, write } = ground();
  await prepareSiteWithPodman(paths, 'blog', podman);
  write('Image=blog:1\nExec=/none');
  expect(() => prepareSite(paths, 'blog')).toThrow(code('PROGRAM'));
  expect(existsSync(`${preparedDir(paths, 'blog')}/upper.trial`)).toBe(false);
  rmSync(preparedDir(paths, 'blog'), { recursive: true });
});
