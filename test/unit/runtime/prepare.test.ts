import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import { distributionProfilePaths } from '../../../src/runtime/distribution-profile.ts';
import { hostEtcDirectory, hostEtcOnce, makeHostRoot, syncHostEtc } from '../../../src/runtime/host-root.ts';
import type { OciConfig } from '../../../src/runtime/oci.ts';
import { sourceState } from '../../../src/base/sources.ts';
import { allotAddress } from '../../../src/runtime/addresses.ts';
import { prepareBundle, removePrepared } from '../../../src/runtime/prepare.ts';
import { readPrepared } from '../../../src/runtime/prepared.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { makeSite } from './fixtures.ts';
import { preparedVersion } from '../../../src/base/site.ts';

const extra = { sources: [], warnings: [], notifyShutdown: false };

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-prepare-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function pathsIn(stateDir: string): Paths {
  return { siteDirs: [], stateDir, runtimeDir: '/run/wakesock', controlPath: '/run/wakesock/control.sock' };
}

function write(path: string, data = '', mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  chmodSync(path, mode);
}

/** A root with a program and accounts, and a state directory that is not there yet. */
function ground(): { root: string; paths: Paths } {
  const base = makeDirectory();
  const root = join(base, 'root');
  write(join(root, 'bin/server'), 'x', 0o755);
  write(join(root, 'etc/passwd'), 'web:x:33:33::/srv:\n');
  return { root, paths: pathsIn(join(base, 'state')) };
}

const code = (name: string, ...texts: string[]) => expect.objectContaining({ code: `ERR_WAKESOCK_${name}`, message: expect.stringMatching(texts.map((text) => `(?=.*${text})`).join('')) });
const listing = (directory: string): string[] => readdirSync(directory).toSorted();
const configOf = (paths: Paths): OciConfig => JSON.parse(readFileSync(`${preparedDir(paths, 'blog')}/config.json`, 'utf8'));

/** A file system of its own. These tests run as root, as wakesock does; without that they fail here and say so. */
function mountTmpfs(options: string): string {
  const directory = makeDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  onTestFinished(() => { execFileSync('umount', [directory]); });
  return directory;
}

/** A small /etc with secrets in it. */
function etc(): { source: string; copy: string; paths: Paths } {
  const source = makeDirectory();
  const paths = pathsIn(makeDirectory());
  write(join(source, 'passwd'), 'root:x:0:0::/root:\n');
  write(join(source, 'shadow'), 'root:secret\n', 0o640);
  write(join(source, 'ssh/sshd_config'), 'x');
  write(join(source, 'wakesock/sites/other.container'), 'x');
  write(join(source, 'ssl/certs/ca.pem'), 'cert');
  write(join(source, 'ssl/private/key.pem'), 'key');
  chmodSync(join(source, 'ssl/private'), 0o710);
  symlinkSync('/usr/share/zoneinfo/UTC', join(source, 'localtime'));
  execFileSync('mkfifo', [join(source, 'pipe')]);
  return { source, copy: hostEtcDirectory(paths), paths };
}

test('who prepares many sites has /etc walked once', () => {
  const { source, copy, paths } = etc();
  const sync = hostEtcOnce(paths, source);
  sync();
  write(join(source, 'late'), 'x');
  sync();
  expect(listing(copy)).not.toContain('late');
  hostEtcOnce(paths, source)();
  expect(listing(copy)).toContain('late');
});

test('and again for the next one where that failed', () => {
  const { source, paths } = etc();
  const sync = hostEtcOnce({ ...paths, stateDir: `${source}/passwd` }, source);
  for (const _ of [1, 2]) expect(sync).toThrow(code('STATE_DIR'));
});

test('only sites with the host as their root ask for it', () => {
  const { root, paths } = ground();
  const asked: string[] = [];
  const site = makeSite({ root: { kind: 'rootfs', path: root } });
  prepareBundle(site, paths, { ...extra, syncEtc: () => void asked.push('rootfs') });
  expect(asked).toEqual([]);
  expect(() => prepareBundle({ ...site, root: { kind: 'host' } }, paths, { ...extra, syncEtc: () => { throw new Error('asked'); } })).toThrow('asked');
});

describe('prepareBundle', () => {
  test('writes what waking reads, for its owner only', () => {
    const { root, paths } = ground();
    const source = { path: '/etc/wakesock/sites/blog.container', mtimeNs: '1', size: 2 };
    const prepared = prepareBundle(makeSite({ root: { kind: 'rootfs', path: root }, user: 'web' }), paths, { sources: [source], warnings: ['careful'], notifyShutdown: false });
    const directory = preparedDir(paths, 'blog');
    expect(prepared).toMatchObject({ version: preparedVersion, uid: 33, gid: 33, warnings: ['careful'] });
    expect(prepared.sources).toEqual([source, sourceState(join(root, 'etc/passwd')), ...distributionProfilePaths.map(sourceState)]);
    expect(readPrepared(paths, 'blog')).toEqual(prepared);
    expect(listing(directory)).toEqual(['config.json', 'hosts', 'site.json']);
    expect(statSync(`${directory}/config.json`).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(configOf(paths)).toMatchObject({ root: { path: root }, process: { user: { uid: 33 } }, linux: { seccomp: { listenerPath: '/run/wakesock/seccomp.sock' } } });
    expect(readFileSync(`${directory}/hosts`, 'utf8')).toMatch(/^127\.0\.0\.1 localhost\n(.*\n)*127\.0\.1\.1 blog\n$/);
    expect(statSync(`${directory}/hosts`).mode & 0o777).toBe(0o644);
  });

  test('of a relayed site only what waking must know', () => {
    const { paths } = ground();
    const site = makeSite({ handoff: 'relay', root: { kind: 'none' }, exec: [], unit: 'app.service' });
    const prepared = prepareBundle(site, paths, { sources: [], warnings: [], notifyShutdown: false });
    expect(readPrepared(paths, 'blog')).toEqual(prepared);
    expect(prepared.site).toEqual(site);
    expect(listing(preparedDir(paths, 'blog'))).toEqual(['site.json']);
  });

  test('a site that becomes a relayed one gives its addresses back', () => {
    const { paths } = ground();
    const subnet = { subnet: '10.89.0.0/24', gateway: '10.89.0.1' };
    allotAddress(paths, 'net', subnet, 'blog', null);
    prepareBundle(makeSite({ handoff: 'relay', root: { kind: 'none' }, exec: [] }), paths, { sources: [], warnings: [], notifyShutdown: false });
    expect(listing(`${paths.stateDir}/networks/net`)).toEqual([]);
  });

  test.each([
    ['a named volume', { mounts: [siteMount('volume', '/data', { source: 'data' })] }, code('VOLUME', 'Volume=data')],
    ['no root', { root: { kind: 'rootfs', path: '/not/there' } } as const, code('ROOTFS', 'Rootfs=/not/there', 'nothing')],
    ['a file for a root', { root: { kind: 'rootfs', path: '/etc/passwd' } } as const, code('ROOTFS', 'directory')],
    ['a relative root', { root: { kind: 'rootfs', path: 'x' } } as const, code('ROOTFS', 'absolute')],
    ['a missing source of a volume', { mounts: [siteMount('bind', '/data', { source: '/not/there' })] }, code('ROOTFS', 'Volume=/not/there')],
    ['no program', { exec: [] }, code('PROGRAM', 'found none')],
    ['a missing program', { exec: ['/bin/other'] }, code('PROGRAM', 'Exec=/bin/other')],
    ['a program not in PATH', { exec: ['other'], environment: { PATH: '/bin' } }, code('PROGRAM', 'PATH \\(/bin\\)')],
    ['a directory for a program', { exec: ['/bin'] }, code('PROGRAM', 'not a file')],
    ['a file that may not be executed', { exec: ['/etc/passwd'] }, code('PROGRAM', 'not executable')],
    ['an unknown user', { user: 'eve' }, code('SITE_FILE', 'User=eve')],
    ['a bundle too large', { environment: { A: 'x'.repeat(1024 * 1024) } }, code('LIMIT', 'config.json')],
  ])('%s is an error, and nothing is left behind', (_, overrides, error) => {
    const { root, paths } = ground();
    expect(() => prepareBundle(makeSite({ root: { kind: 'rootfs', path: root }, ...overrides }), paths, extra)).toThrow(error);
    expect(existsSync(preparedDir(paths, 'blog'))).toBe(false);
  });

  test.each([
    ['server', '/'], ['./server', '/bin'], ['bin/server', '/'], ['/link', '/'], ['/data/run', '/'],
  ])('finds %s in %s as the program will', (program, workingDir) => {
    const { root, paths } = ground();
    symlinkSync('/bin/server', join(root, 'link'));
    const volume = makeDirectory();
    write(join(volume, 'run'), '', 0o755);
    const site = makeSite({ root: { kind: 'rootfs', path: root }, exec: [program], workingDir, mounts: [siteMount('bind', '/data', { source: volume, readOnly: true })] });
    expect(prepareBundle(site, paths, extra).site.exec).toEqual([program]);
  });

  test('a link to a program of the machine is not one of the root', () => {
    const { root, paths } = ground();
    symlinkSync('../../../../../../../usr/bin/env', join(root, 'bin/env'));
    expect(() => prepareBundle(makeSite({ root: { kind: 'rootfs', path: root }, exec: ['/bin/env'] }), paths, extra)).toThrow(code('PROGRAM'));
  });

  test('a failure keeps what was prepared before', () => {
    const { root, paths } = ground();
    const site = makeSite({ root: { kind: 'rootfs', path: root } });
    const before = prepareBundle(site, paths, extra);
    expect(() => prepareBundle({ ...site, exec: ['/no'] }, paths, extra)).toThrow(code('PROGRAM'));
    expect(readPrepared(paths, 'blog')).toEqual(before);
    removePrepared(paths, 'blog');
    removePrepared(paths, 'blog');
    expect(() => readPrepared(paths, 'blog')).toThrow(code('NOT_ENABLED', 'wakesock enable blog'));
  });

  test('a volume that is a file gets options that crun takes for files', () => {
    const { root, paths } = ground();
    const file = join(makeDirectory(), 'app.conf');
    write(file);
    prepareBundle(makeSite({ root: { kind: 'rootfs', path: root }, mounts: [siteMount('bind', '/etc/app.conf', { source: file, readOnly: true })] }), paths, extra);
    expect(configOf(paths).mounts.at(-1)).toMatchObject({ destination: '/etc/app.conf', options: ['bind', 'nosuid', 'nodev', 'ro'] });
  });
});

describe('a state directory that cannot be written', () => {
  test('full', () => {
    const { root } = ground();
    const state = mountTmpfs('size=64k');
    const paths = pathsIn(state);
    const site = makeSite({ root: { kind: 'rootfs', path: root } });
    const before = prepareBundle(site, paths, extra);
    const directory = preparedDir(paths, 'blog');
    const files = Object.fromEntries(listing(directory).map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8')]));

    expect(() => prepareBundle({ ...site, environment: { A: 'x'.repeat(60 * 1024) } }, paths, extra)).toThrow(code('STATE_DIR', state, 'ENOSPC'));
    expect(Object.fromEntries(listing(directory).map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8')]))).toEqual(files);
    expect(readPrepared(paths, 'blog')).toEqual(before);

    // A site that was not there before leaves nothing at all.
    expect(() => prepareBundle({ ...site, name: 'other', environment: { A: 'x'.repeat(60 * 1024) } }, paths, extra)).toThrow(code('STATE_DIR', 'ENOSPC'));
    expect(listing(`${state}/sites`)).toEqual(['blog']);
  });

  test('no inodes left', () => {
    const { root } = ground();
    const state = mountTmpfs('nr_inodes=4');
    expect(() => prepareBundle(makeSite({ root: { kind: 'rootfs', path: root } }), pathsIn(state), extra)).toThrow(code('STATE_DIR', 'ENOSPC'));
    expect(listing(`${state}/sites`)).toEqual([]);
  });

  test('read-only', () => {
    const { root } = ground();
    const state = mountTmpfs('ro');
    expect(() => prepareBundle(makeSite({ root: { kind: 'rootfs', path: root } }), pathsIn(state), extra)).toThrow(code('STATE_DIR', state, 'EROFS'));
  });

  test('full while /etc is copied', () => {
    const state = mountTmpfs('size=64k');
    expect(() => prepareBundle(makeSite({ root: { kind: 'host' }, exec: ['/usr/bin/env'] }), pathsIn(state), extra)).toThrow(code('STATE_DIR', 'ENOSPC'));
    expect(listing(`${state}/sites`)).toEqual([]);
    expect(listing(state).filter((name) => name.startsWith('host-etc.'))).toEqual([]);
  });

  test('a file in its place', () => {
    const { root } = ground();
    const state = join(makeDirectory(), 'state');
    write(state);
    expect(() => prepareBundle(makeSite({ root: { kind: 'rootfs', path: root } }), pathsIn(state), extra)).toThrow(code('STATE_DIR', state));
  });
});

describe('readPrepared', () => {
  test.each([
    ['{', 'STATE_DIR'], ['', 'STATE_DIR'], ['null', 'NOT_ENABLED'], ['{"version":"2"}', 'NOT_ENABLED'], [`{"version":${preparedVersion + 1}}`, 'NOT_ENABLED'],
  ])('%j is %s', (text, name) => {
    const paths = pathsIn(makeDirectory());
    write(`${preparedDir(paths, 'blog')}/site.json`, text);
    expect(() => readPrepared(paths, 'blog')).toThrow(code(name));
  });
});

describe('Root=host', () => {
  test('is a directory of links into /usr, with the machine\'s /usr and a copy of its /etc', () => {
    const paths = pathsIn(makeDirectory());
    const prepared = prepareBundle(makeSite({ root: { kind: 'host' }, exec: ['env'] }), paths, extra);
    const root = `${preparedDir(paths, 'blog')}/root`;
    expect(listing(root)).toEqual(expect.arrayContaining(['bin', 'dev', 'etc', 'lib', 'proc', 'sbin', 'sys', 'tmp', 'usr', 'var']));
    expect(statSync(root).mode & 0o777).toBe(0o755);
    expect(prepared.sources.map(({ path }) => path)).toEqual(expect.arrayContaining(['/etc/passwd', '/etc/ld.so.cache']));
    expect(configOf(paths).root).toEqual({ path: root, readonly: true });
  });

  test('is open to every user, whatever the umask', () => {
    const umask = process.umask(0o077);
    onTestFinished(() => { process.umask(umask); });
    const paths = pathsIn(makeDirectory());
    prepareBundle(makeSite({ root: { kind: 'host' }, exec: ['env'] }), paths, extra);
    const root = `${preparedDir(paths, 'blog')}/root`;
    for (const path of [root, `${root}/var`, hostEtcDirectory(paths)]) expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(statSync(`${preparedDir(paths, 'blog')}/hosts`).mode & 0o777).toBe(0o644);
    expect(statSync(`${hostEtcDirectory(paths)}/hosts`).mode & 0o777).toBe(0o644);
  });

  test('a root without a merged /usr is refused', () => {
    const host = makeDirectory();
    mkdirSync(join(host, 'lib'));
    expect(() => makeHostRoot(join(makeDirectory(), 'root'), host)).toThrow(code('NOT_SUPPORTED', `${host}/lib`));
  });

  describe('copies of /etc', () => {
    test('hold what every user may read, and nothing about running the machine', () => {
      const { source, copy, paths } = etc();
      syncHostEtc(paths, source);
      expect(readdirSync(copy, { recursive: true }).map(String).toSorted()).toEqual(['hosts', 'localtime', 'passwd', 'resolv.conf', 'ssl', 'ssl/certs', 'ssl/certs/ca.pem']);
      expect(listing(paths.stateDir)).toEqual(['host-etc']);
    });

    test('follow the original, and touch nothing that is the same', () => {
      const { source, copy, paths } = etc();
      syncHostEtc(paths, source);
      const inode = statSync(join(copy, 'ssl/certs/ca.pem')).ino;
      write(join(source, 'passwd'), 'new:x:1:1::/:\n');
      utimesSync(join(source, 'passwd'), 1, 1);
      chmodSync(join(source, 'ssl/certs'), 0o755);
      rmSync(join(source, 'localtime'));
      mkdirSync(join(source, 'localtime'));
      write(join(source, 'alternatives/java'), 'x');
      syncHostEtc(paths, source);
      expect(readFileSync(join(copy, 'passwd'), 'utf8')).toContain('new');
      expect(statSync(join(copy, 'localtime')).isDirectory()).toBe(true);
      expect(existsSync(join(copy, 'alternatives/java'))).toBe(true);
      expect(statSync(join(copy, 'ssl/certs/ca.pem')).ino).toBe(inode);
      chmodSync(join(source, 'passwd'), 0o600);
      syncHostEtc(paths, source);
      expect(existsSync(join(copy, 'passwd'))).toBe(false);
    });
  });
});
