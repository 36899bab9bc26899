/** Which files make a unit: search path, aliases, links, masks, drop-ins. systemd is asked, over generated trees of files. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { indexAliases, loadUnit, unitSearchPath } from '../../../src/unitfile/index.ts';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';

const box = testBox();
const here = mkdtempSync(join(tmpdir(), 'wakesock-finding-'));
afterAll(() => rmSync(here, { recursive: true }));

const dirs = ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system'];
type Entry = { readonly path: string; readonly link: string | null; readonly text: string };

/** Each case has names of its own, so that one reload serves all. */
function tree(n: number): fc.Arbitrary<{ readonly entries: readonly Entry[]; readonly names: readonly string[] }> {
  const [one, other, dashed] = [`fa${n}`, `fb${n}`, `fc${n}-x-y`];
  const units = [`${one}.service`, `${other}.service`, `${dashed}.service`, `${one}@.service`, `${one}@i.service`, `${other}@.service`, `${other}@i.service`, `${dashed}@.service`, `${dashed}@i.service`];
  const dropInDirs = [...units, ...['', '@', '@i'].flatMap((instance) => [`fc${n}-${instance}.service`, `fc${n}-x-${instance}.service`])].map((name) => `${name}.d`);
  const dir = fc.constantFrom(...dirs);
  const file = fc.tuple(dir, fc.constantFrom(...units)).map(([at, name]): Entry => ({ path: `${at}/${name}`, link: null, text: `[Service]\nExecStart=/bin/true\n` }));
  const empty = fc.tuple(dir, fc.constantFrom(...units)).map(([at, name]): Entry => ({ path: `${at}/${name}`, link: null, text: '' }));
  const mask = fc.tuple(dir, fc.constantFrom(...units)).map(([at, name]): Entry => ({ path: `${at}/${name}`, link: '/dev/null', text: '' }));
  // Not: an instance that is a link to another template. What systemd calls it depends on which of the two was loaded first. Nor links of one
  // name to each other, which systemd follows to the end before it looks at names.
  const alias = fc.tuple(dir, fc.constantFrom(...units), dir, fc.constantFrom(...units), fc.boolean()).filter(([, name, , target]) => name !== target && !(name.includes('@i') && target.includes('@.'))).map(([at, name, to, target, relative]): Entry =>
    ({ path: `${at}/${name}`, link: relative ? target : `${to}/${target}`, text: '' }));
  const dropIn = fc.tuple(dir, fc.constantFrom(...dropInDirs), fc.constantFrom('10-a.conf', '20-b.conf', 'A.conf', 'é.conf', 'no.txt'), fc.constantFrom('', '[Unit]\nDescription=x\n', '/dev/null')).map(([at, name, conf, text]): Entry =>
    ({ path: `${at}/${name}/${conf}`, link: text === '/dev/null' ? text : null, text }));
  return fc.array(fc.oneof({ weight: 5, arbitrary: file }, { weight: 1, arbitrary: empty }, { weight: 1, arbitrary: mask }, { weight: 4, arbitrary: alias }, { weight: 6, arbitrary: dropIn }), { minLength: 2, maxLength: 10 })
    .map((entries) => ({ entries: [...new Map(entries.map((entry) => [entry.path, entry])).values()], names: [...units.filter((name) => !name.includes('@.')), `${one}@new.service`] }));
}

/** The same tree below a directory of ours, where `loadUnit` reads it, absolute links bent to it. */
function plant(entries: readonly Entry[]): void {
  for (const { path, link, text } of entries) {
    mkdirSync(dirname(here + path), { recursive: true });
    if (link === null) writeFileSync(here + path, text);
    else symlinkSync(link === '/dev/null' || !link.startsWith('/') ? link : here + link, here + path);
  }
}

const script = `
set -e
while IFS='|' read -r path link text; do
  mkdir -p "$(dirname "$path")"
  if [ -n "$link" ]; then ln -s "$link" "$path"; else printf "$text" >"$path"; fi
done
systemctl daemon-reload
systemctl show -p Id -p Names -p LoadState -p FragmentPath -p DropInPaths -- "$@"`;

oracleTest('fragments, names and drop-ins as systemd has them', 120_000, async (seed) => {
  const count = 40;
  const trees = Array.from({ length: count }, (_unused, n) => fc.sample(tree(n), { numRuns: 1, seed: seed + n })[0] as { entries: Entry[]; names: string[] });
  for (const { entries } of trees) plant(entries);
  await box.run(['mkdir', '-p', ...dirs]);
  const input = trees.flatMap(({ entries }) => entries).map(({ path, link, text }) => `${path}|${link ?? ''}|${text.replaceAll('\n', '\\n')}\n`).join('');
  const names = trees.flatMap((each) => each.names);
  const output = await box.run(['sh', '-c', script, 'sh', ...names], { input, timeoutMs: 200_000 });
  const index = indexAliases(dirs.map((dir) => here + dir));
  // Drop-ins that mask others are among systemd's paths; they say nothing, and ours leaves them out.
  const silent = new Set(trees.flatMap(({ entries }) => entries).filter(({ text, link }) => text === '' || link === '/dev/null').map(({ path }) => path));
  const differences = output.trimEnd().split('\n\n').flatMap((block, i): unknown[] => {
    const row = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
    const name = names[i] as string;
    const loaded = loadUnit(name, dirs.map((dir) => here + dir), index);
    const paths = loaded.files.map(({ file }) => file.slice(here.length));
    const state = row('LoadState');
    if (state === 'masked' || state === 'not-found') {
      return loaded.files.length === 0 && loaded.masked === (state === 'masked') ? [] : [{ name, state, ours: paths, tree: trees.find(({ names: own }) => own.includes(name))?.entries }];
    }
    const ours = { id: loaded.id, names: [...loaded.names].toSorted(), paths };
    const theirs = { id: row('Id'), names: row('Names').split(' ').toSorted(), paths: [row('FragmentPath'), ...row('DropInPaths').split(' ').filter((path) => path !== '' && !silent.has(path))] };
    return JSON.stringify(ours) === JSON.stringify(theirs) ? [] : [{ name, ours, theirs, tree: trees.find(({ names: own }) => own.includes(name))?.entries }];
  });
  expect(names.length).toBe(output.trimEnd().split('\n\n').length);
  expect(differences).toEqual([]);
  const paths = trees.flatMap(({ entries }) => entries).map(({ path }) => path);
  await box.run(['xargs', '-d', '\\n', 'rm', '-f'], { input: paths.map((path) => `${path}\n`).join('') });
  for (const path of paths) rmSync(here + path);
});

test('what systemctl cat prints is what is loaded: drop-ins of the instance, the template, prefixes and the type', async () => {
  const name = 'fcat-a-b@i.service';
  const paths = ['fcat-a-b@.service', `${name}.d/5.conf`, 'fcat-a-b@.service.d/4.conf', 'fcat-a-.service.d/3.conf', 'fcat-.service.d/2.conf', 'service.d/1-fcat.conf'];
  const entries = paths.map((path, i): Entry => ({ path: `${dirs[i % dirs.length]}/${path}`, link: null, text: `[Unit]\nDescription=${i}\n` }));
  plant(entries);
  for (const { path, text } of entries) await box.writeFile(path, text);
  await box.run(['systemctl', 'daemon-reload']);
  const theirs = await box.run(['systemctl', 'cat', name]);
  const { files } = loadUnit(name, dirs.map((dir) => here + dir));
  expect(files.map((file) => `# ${file.file.slice(here.length)}\n${file.print()}`).join('\n')).toBe(theirs);
  expect(files).toHaveLength(paths.length);
  for (const { path } of entries) rmSync(here + path);
  await box.run(['rm', ...entries.map(({ path }) => path)]);
  await box.run(['systemctl', 'daemon-reload']);
});

test('search paths as systemd-analyze says', async () => {
  // Before directories were merged, the one more was a link: /lib to /usr/lib.
  const theirs = (await box.run(['systemd-analyze', 'unit-paths'])).trim().split('\n').filter((dir) => !dir.startsWith('/lib/'));
  expect(unitSearchPath()).toEqual(theirs);
  const environment = { HOME: '/home/a', XDG_RUNTIME_DIR: '/run/user/1', XDG_CONFIG_DIRS: '/etc/xdg' };
  const user = (await box.run(['systemd-analyze', 'unit-paths', '--user'], { env: environment })).trim().split('\n');
  expect(unitSearchPath({ manager: 'user', environment })).toEqual(user);
});
