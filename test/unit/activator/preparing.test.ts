import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { preparing } from '../../../src/activator/preparing.ts';
import type { Log } from '../../../src/base/log.ts';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import { preparedVersion, type PreparedSite } from '../../../src/base/site.ts';
import { sourceState } from '../../../src/base/sources.ts';
import { imageListPath } from '../../../src/image/store.ts';
import { beginUpdates } from '../../../src/image/updating.ts';
import { prepareSite } from '../../../src/site/prepare.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

function prepared(): { paths: Paths; siteJson: string; own: ReturnType<typeof preparing> } {
  const directory = temporaryDirectory();
  const paths: Paths = { siteDirs: [`${directory}/sites`], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
  for (const made of ['sites', 'root/bin']) mkdirSync(`${directory}/${made}`, { recursive: true });
  writeFileSync(`${directory}/root/bin/app`, '');
  chmodSync(`${directory}/root/bin/app`, 0o755);
  writeFileSync(`${directory}/sites/blog.container`, `[Container]\nUserNS=host\nRootfs=${directory}/root\nExec=/bin/app\n[X-Wakesock]\nListenStream=8081\nPort=3000\n`);
  prepareSite(paths, 'blog');
  return { paths, siteJson: `${preparedDir(paths, 'blog')}/site.json`, own: preparing(paths, {} as Log) };
}

const rewrite = (path: string, changes: object): void => writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')) as PreparedSite, ...changes }));

test('what is there is taken as it is', async () => {
  const { siteJson, own } = prepared();
  rewrite(siteJson, { warnings: ['as it is'] });
  expect(await own.prepared('blog')).toMatchObject({ version: preparedVersion, warnings: ['as it is'] });
});

test('what an older wakesock made tells of a site that is awake, and is made anew at the next wake', async () => {
  const { siteJson, own } = prepared();
  rewrite(siteJson, { version: 1, warnings: ['old'] });
  expect(own.preparedNow('blog')).toMatchObject({ version: 1, warnings: ['old'] });
  expect(await own.prepared('blog')).toMatchObject({ version: preparedVersion, warnings: [] });
  expect(JSON.parse(readFileSync(siteJson, 'utf8'))).toMatchObject({ version: preparedVersion });
});

test('what has changed since is made anew', async () => {
  const { paths, own } = prepared();
  const file = `${paths.siteDirs[0]}/blog.container`;
  writeFileSync(file, readFileSync(file, 'utf8').replace('Port=3000', 'Port=3001'));
  expect((await own.prepared('blog')).site.ports).toEqual([{ kind: 'tcp', port: 3001 }]);
});

/** As with an image of podman's, which has another under its name since. */
function pulled(): ReturnType<typeof prepared> & { file: string } {
  const scene = prepared();
  const store = { driver: 'overlay', root: `${scene.paths.stateDir}/storage` } as const;
  const listed = imageListPath(store);
  mkdirSync(dirname(listed), { recursive: true });
  writeFileSync(listed, '[]');
  const { sources } = JSON.parse(readFileSync(scene.siteJson, 'utf8')) as PreparedSite;
  rewrite(scene.siteJson, { warnings: ['as it is'], image: { asked: 'reg.example/app:1', reference: 'reg.example/app:1', id: 'old', store }, sources: [...sources, sourceState(listed)] });
  writeFileSync(listed, '[ ]');
  return { ...scene, file: `${scene.paths.siteDirs[0]}/blog.container` };
}

/** To the end of the test. */
function updating(paths: Paths, image: string): void {
  const updates = beginUpdates(paths);
  onTestFinished(updates.end);
  void updates.during(image, () => new Promise(() => {}));
}

test('while auto-update tries a new version of its image it keeps to what is there', async () => {
  const { paths, own } = pulled();
  const updates = beginUpdates(paths);
  await updates.during('reg.example/app:1', async () => {
    expect(await own.prepared('blog')).toMatchObject({ warnings: ['as it is'] });
  });
  updates.end();
  expect(await own.prepared('blog')).toMatchObject({ warnings: [] });
});

test.each<[string, (scene: ReturnType<typeof pulled>) => void]>([
  ['of another image', ({ paths }) => updating(paths, 'reg.example/other:1')],
  ['that was killed', ({ paths }) => writeFileSync(`${paths.runtimeDir}/auto-update`, 'reg.example/app:1')],
  ['while its file has changed, too', ({ paths, file }) => {
    updating(paths, 'reg.example/app:1');
    writeFileSync(file, `${readFileSync(file, 'utf8')}IdleSec=1min\n`);
  }],
])('an auto-update %s holds nothing up', async (_, begin) => {
  const scene = pulled();
  mkdirSync(scene.paths.runtimeDir, { recursive: true });
  begin(scene);
  expect(await scene.own.prepared('blog')).toMatchObject({ warnings: [] });
});
