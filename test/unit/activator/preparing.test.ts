import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { preparing } from '../../../src/activator/preparing.ts';
import type { Log } from '../../../src/base/log.ts';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import { preparedVersion, type PreparedSite } from '../../../src/base/site.ts';
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
