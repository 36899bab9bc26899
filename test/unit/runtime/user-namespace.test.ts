/** What of a rendered site changes with a user namespace, and what is in the way of one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import type { Site, SiteMount } from '../../../src/base/site.ts';
import { mountsUnchanged } from '../../../src/runtime/mounts-below.ts';
import { readMountTable } from '../../../src/linux/mount-table.ts';
import type { OciConfig } from '../../../src/runtime/oci.ts';
import { prepareBundle } from '../../../src/runtime/prepare.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { mountedDirectory } from '../image/fixtures.ts';
import { makeSite } from './fixtures.ts';

const wanted = { ids: 65_536, required: true };

interface Ground { directory: string; paths: Paths; prepare: (overrides?: Partial<Site>) => ReturnType<typeof prepareBundle> & { config: OciConfig } }

/** On a tmpfs, which can be mounted with other owners. */
function ground(): Ground {
  const directory = mountedDirectory();
  const paths: Paths = { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` };
  for (const path of ['root/bin', 'root/etc', 'data']) mkdirSync(`${directory}/${path}`, { recursive: true });
  writeFileSync(`${directory}/root/bin/server`, 'x', { mode: 0o755 });
  const prepare: Ground['prepare'] = (overrides = {}) => {
    const site = makeSite({ root: { kind: 'rootfs', path: `${directory}/root` }, userNs: wanted, ...overrides });
    const prepared = prepareBundle(site, paths, { sources: [], warnings: [], notifyShutdown: false });
    return { ...prepared, config: JSON.parse(execFileSync('cat', [`${preparedDir(paths, 'blog')}/config.json`], { encoding: 'utf8' })) as OciConfig };
  };
  return { directory, paths, prepare };
}

function mountOver(path: string, ...args: readonly string[]): void {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', [...args, path]);
  onTestFinished(() => { execFileSync('umount', ['-l', path]); });
}

const bind = (config: OciConfig, target: string) => config.mounts.find(({ destination }) => destination === target);
const volume = (source: string, target = '/data'): SiteMount => siteMount('bind', target, { source });

test('a range of its own, its root mounted with it, the namespace first', () => {
  const { directory, paths, prepare } = ground();
  const { ids, rootMount, config, warnings } = prepare();
  expect(ids).toEqual({ first: 0x2400_0000, count: 65_536 });
  expect(rootMount).toEqual({ kind: 'bind', source: `${directory}/root`, target: `${paths.stateDir}/root`, ids });
  expect(config.root.path).toBe(`${paths.stateDir}/root`);
  expect(config.linux.namespaces[0]).toEqual({ type: 'user' });
  expect(config.linux.uidMappings).toEqual([{ containerID: 0, hostID: 0x2400_0000, size: 65_536 }]);
  expect(config.linux.gidMappings).toEqual(config.linux.uidMappings);
  expect(bind(config, '/etc/hosts')?.options).toContain('idmap');
  expect(warnings).toEqual([]);
});

test('UserNS=host: as it was', () => {
  const { directory, paths, prepare } = ground();
  const { ids, rootMount, mountsBelow, config } = prepare({ userNs: null, mounts: [volume(`${directory}/data`)] });
  expect({ ids, rootMount, mountsBelow }).toEqual({ ids: null, rootMount: null, mountsBelow: null });
  expect(config.root.path).toBe(`${directory}/root`);
  expect(config.linux.namespaces.map(({ type }) => type)).not.toContain('user');
  expect(bind(config, '/data')).toMatchObject({ source: `${directory}/data`, options: ['rbind', 'rnosuid', 'rnodev'] });
  expect(existsSync(`${paths.stateDir}/ids`)).toBe(false);
});

test('volumes: a directory that is a link is looked up at each wake, a file now', () => {
  const { directory, prepare } = ground();
  symlinkSync('data', `${directory}/current`);
  writeFileSync(`${directory}/file`, 'x');
  symlinkSync('file', `${directory}/link`);
  const { config } = prepare({ mounts: [volume(`${directory}/current`, '/a'), volume(`${directory}/link`, '/b')] });
  expect(bind(config, '/a')).toMatchObject({ source: `${directory}/current/.`, options: ['bind', 'rnosuid', 'rnodev', 'idmap'] });
  expect(bind(config, '/b')).toMatchObject({ source: `${directory}/file`, options: ['bind', 'nosuid', 'nodev', 'idmap'] });
});

test('what is mounted below a volume is named, too; another mount there is noticed', () => {
  const { directory, prepare } = ground();
  mountOver(`${directory}/data/disk`, '-t', 'tmpfs', 'tmpfs');
  symlinkSync('data', `${directory}/current`);
  const { config, mountsBelow } = prepare({ mounts: [volume(`${directory}/current`)] });
  expect(bind(config, '/data/disk')).toMatchObject({ source: `${directory}/data/disk/.`, options: ['bind', 'rnosuid', 'rnodev', 'idmap'] });
  expect(config.mounts.findIndex(({ destination }) => destination === '/data/disk')).toBe(config.mounts.findIndex(({ destination }) => destination === '/data') + 1);
  const unchanged = (): boolean => mountsUnchanged(mountsBelow ?? null, { read: readMountTable });
  expect(unchanged()).toBe(true);
  mountOver(`${directory}/data/more`, '-t', 'tmpfs', 'tmpfs');
  expect(unchanged()).toBe(false);
});

test.each([
  ['a volume', (directory: string) => ({ mounts: [volume(`${directory}/merged`)] })],
  ['a mount below a volume', (directory: string) => ({ mounts: [volume(directory)] })],
  ['the root', (directory: string) => ({ root: { kind: 'rootfs', path: `${directory}/merged` } as const })],
])('%s whose owners a mount cannot change: a warning that names it, or an error where the site insists', (_, overrides) => {
  const { directory, paths, prepare } = ground();
  for (const name of ['low', 'up', 'work']) mkdirSync(`${directory}/${name}`);
  mkdirSync(`${directory}/low/bin`);
  writeFileSync(`${directory}/low/bin/server`, 'x', { mode: 0o755 });
  mountOver(`${directory}/merged`, '-t', 'overlay', 'overlay', '-o', `lowerdir=${directory}/low,upperdir=${directory}/up,workdir=${directory}/work`);
  const { ids, config, warnings } = prepare({ ...overrides(directory), userNs: { ids: 65_536, required: false } });
  expect(ids).toBeNull();
  expect(config.linux.namespaces.map(({ type }) => type)).not.toContain('user');
  expect(warnings).toEqual([expect.stringMatching(/merged is on a file system of type overlay.*UserNS=host/)]);
  expect(() => prepare(overrides(directory))).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_SUPPORTED', message: expect.stringMatching(/UserNS=auto.*type overlay/) }));
  expect(readdirSync(paths.stateDir)).not.toContain('ids');
});

test('a state directory that others may not pass', () => {
  const { paths, prepare } = ground();
  mkdirSync(paths.stateDir);
  chmodSync(paths.stateDir, 0o700);
  expect(prepare({ userNs: { ids: 1, required: false } }).warnings).toEqual([expect.stringContaining(`${paths.stateDir} may not be entered`)]);
});

test('a user beyond the ids of the site: what to write', () => {
  const { prepare } = ground();
  expect(() => prepare({ user: '70000:1' })).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_NOT_SUPPORTED', message: expect.stringContaining('auto:size=70001') }));
  expect(prepare({ user: '70000:1', userNs: { ids: 70_001, required: true } }).ids?.count).toBe(70_001);
});
