import { mkdirSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Site } from '../../../src/base/site.ts';
import { checkConfiguration, checkSite, loadAll, loadSite, resolveInRoot } from '../../../src/site/index.ts';
import { SiteFiles } from './site-files.ts';

let files: SiteFiles;
let units: string;
beforeEach(() => {
  files = new SiteFiles();
  units = `${files.base}/units`;
});
afterEach(() => files.remove());

const root = (): string => `${files.base}/root`;
const program = (path: string, mode = 0o755): string => files.write(`root/${path}`, '#!/bin/sh\n', mode);
function link(target: string, path: string): void {
  mkdirSync(`${root()}/${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
  symlinkSync(target, `${root()}/${path}`);
}
function problems(exec: string, more = ''): string[] {
  files.write('etc/a.container', `[Container]\nRootfs=${root()}\nExec=${exec}\n${more}[X-Wakesock]\nListenStream=80\n`);
  const { site, places } = loadSite(files.paths, 'a');
  return checkSite(site as Site, places).map(({ code, line, message }) => `${line} ${code} ${message}`);
}

test('a missing root', () => {
  expect(problems('/bin/app')).toEqual([expect.stringMatching(/^2 ERR_WAKESOCK_ROOTFS .*found nothing at/)]);
  files.write('root', '');
  expect(problems('/bin/app')).toEqual([expect.stringMatching(/^2 ERR_WAKESOCK_ROOTFS .*found something else at/)]);
});

test('a device that is not there, or is none', () => {
  program('app');
  expect(problems('/app', 'AddDevice=/dev/null\nAddDevice=-/dev/neverwas\n')).toEqual([]);
  expect(problems('/app', 'AddDevice=/dev/neverwas\nAddDevice=/dev/null\n')).toEqual([expect.stringMatching(/^4 ERR_WAKESOCK_DEVICE .*nothing is there/)]);
});

test('programs are found in the root, by path, through PATH, through links that stay inside', () => {
  program('usr/bin/app');
  link('usr/bin', 'bin');
  link('/usr/bin/app', 'opt/absolute');
  link('../../../../../../usr/bin/app', 'opt/climbing');
  for (const exec of ['/usr/bin/app', '/bin/app', 'app', '/opt/absolute', '/opt/climbing']) expect(problems(exec)).toEqual([]);
  expect(problems('./app', 'WorkingDir=/usr/bin\n')).toEqual([]);
  expect(problems('app', 'Environment=PATH=/opt\n')).toEqual([expect.stringContaining('3 ERR_WAKESOCK_PROGRAM')]);
  // On the host, but not in the root.
  expect(problems('/bin/sh')).toEqual([expect.stringContaining('found nothing')]);
  link('/bin/sh', 'opt/escaping');
  expect(problems('/opt/escaping')).toEqual([expect.stringContaining('found nothing')]);
});

test('what is there but cannot be started', () => {
  program('app', 0o644);
  mkdirSync(`${root()}/dir`);
  link('loop', 'loop');
  expect(problems('/app')).toEqual([expect.stringContaining('nobody may execute')]);
  expect(problems('/dir')).toEqual([expect.stringContaining('no file')]);
  expect(problems('/loop')).toEqual([expect.stringContaining('found nothing')]);
  expect(problems('/app/x')).toEqual([expect.stringContaining('found nothing')]);
});

test('volumes cover the root, and must be there', () => {
  mkdirSync(root());
  const outside = files.write('outside/app', '', 0o755).replace(/\/app$/, '');
  expect(problems('/data/app', `Volume=${outside}:/data\n`)).toEqual([]);
  expect(problems('/data/app', `Volume=${outside}/none:/data\n`)).toEqual([expect.stringContaining('4 volume-missing'), expect.stringContaining('ERR_WAKESOCK_PROGRAM')]);
});

test('a climbing path never leaves the root', () => {
  mkdirSync(`${root()}/a`, { recursive: true });
  link('../../..', 'a/up');
  expect(resolveInRoot(root(), '/a/up')).toMatchObject({ path: '/', hostPath: expect.stringMatching(/root\/?$/) });
  expect(resolveInRoot(root(), '/../../../../etc/passwd')).toBeNull();
});

test('Root=host takes programs of /usr; what is in an image is seen when the site is prepared', () => {
  files.write('etc/a.container', '[Container]\nExec=sh\n[X-Wakesock]\nListenStream=80\nRoot=host\n');
  expect(checkSite(loadSite(files.paths, 'a').site as Site)).toEqual([]);
  files.write('etc/a.container', '[Container]\nExec=/etc/passwd\n[X-Wakesock]\nListenStream=80\nRoot=host\n');
  expect(checkSite(loadSite(files.paths, 'a').site as Site)).toMatchObject([{ code: 'ERR_WAKESOCK_PROGRAM', file: '', line: 0 }]);
  files.write('etc/a.container', '[Container]\nImage=x\n[X-Wakesock]\nListenStream=80\n');
  expect(checkSite(loadSite(files.paths, 'a').site as Site)).toEqual([]);
});

function addSite(name: string, lines: string): void {
  files.write(`etc/${name}.container`, `[Container]\nRootfs=/x\nExec=/x\n[X-Wakesock]\n${lines}`);
}
const configuration = (): string[] => checkConfiguration(files.paths, loadAll(files.paths), [units]).map(({ code, file, line, message }) => `${file.slice(files.base.length + 1)}:${line} ${code} ${message}`);

test.each<[string, string, boolean]>([
  ['8081', '8081', true], ['8081', '0.0.0.0:8081', true], ['8081', '127.0.0.1:8081', true], ['127.0.0.1:8081', '8081', true], ['127.0.0.1:8081', '127.0.0.2:8081', false],
  ['8081', '8082', false], ['[::]:80', '[::1]:80', true], ['[::1]:80', '[0::1]:80', true], ['/run/x', '/run/x', true], ['/run/x', '/run/y', false], ['80', '[::1]:80', false],
])('two sites on %s and %s', (one, two, conflict) => {
  addSite('a', `ListenStream=${one}\n`);
  addSite('b', `ListenStream=${two}\n`);
  expect(configuration()).toEqual(conflict ? [expect.stringMatching(/^etc\/b\.container:5 conflict .*of site a$/)] : []);
});

test('two sites of one host name', () => {
  addSite('a', 'Host=x.example\nPort=80\n');
  addSite('b', 'Port=80\nHost=y.example X.example\n');
  expect(configuration()).toEqual(['etc/b.container:6 conflict Host=: Expected a host name of its own for site b, found x.example, which is of site a']);
});

test('names that no site may have', () => {
  files.write('etc/Front Page.container', '');
  files.write('etc/control.container', '');
  expect(configuration().toSorted()).toEqual([expect.stringMatching(/^etc\/Front Page\.container:0 ERR_WAKESOCK_SITE_NAME/), expect.stringMatching(/^etc\/control\.container:0 ERR_WAKESOCK_SITE_NAME/)]);
});

test('socket units of wakesock.service', () => {
  addSite('blog', 'ListenStream=80\n');
  files.write('units/blog.socket', '[Socket]\nListenStream=127.0.0.1:80\nService=wakesock.service\n');
  files.write('units/wakesock-site-blog.socket', '[Socket]\nListenStream=80\nService=wakesock.service\nFileDescriptorName=blog\n');
  files.write('units/wakesock.socket', '[Socket]\nListenStream=/run/x\nFileDescriptorName=control\nService=wakesock.service\n');
  files.write('units/wakesock-lease.socket', '[Socket]\nListenStream=/run/y\nFileDescriptorName=control=lease\nService=wakesock.service\n');
  files.write('units/other.socket', '[Socket]\nListenDatagram=80\nAccept=yes\n');
  expect(configuration()).toEqual([]);
  files.write('units/x.socket', '[Socket]\nListenDatagram=80\nAccept=yes\nService=wakesock.service\nFileDescriptorName=blgo\n');
  files.write('units/y.socket', '[Socket]\nListenStream=81\nService=wakesock.service\n');
  expect(configuration().map((line) => line.split(' ', 2).join(' '))).toEqual([
    'units/x.socket:3 ERR_WAKESOCK_SOCKET', 'units/x.socket:2 ERR_WAKESOCK_SOCKET', 'units/x.socket:5 ERR_WAKESOCK_NO_SITE', 'units/y.socket:0 ERR_WAKESOCK_NO_SITE',
  ]);
  files.write('units/x.socket.d/fix.conf', '[Socket]\nAccept=no\nListenDatagram=\nFileDescriptorName=blog\n');
  expect(configuration()).toHaveLength(1);
});

test('a socket unit that listens where its site does not', () => {
  addSite('blog', 'ListenStream=80\n');
  files.write('units/wakesock-site-blog.socket', '[Socket]\nListenStream=0.0.0.0:80\nListenStream=0.0.0.0:81\nListenStream=/run/x\nService=wakesock.service\nFileDescriptorName=blog\n');
  expect(configuration()).toEqual([
    'units/wakesock-site-blog.socket:3 undeclared-address ListenStream=: Expected a port or path that site blog declares (80), found "0.0.0.0:81"',
    'units/wakesock-site-blog.socket:4 undeclared-address ListenStream=: Expected a port or path that site blog declares (80), found "/run/x"',
  ]);
});

test('more descriptor names than an environment variable can hold', () => {
  addSite('blog', 'ListenStream=80\n');
  files.write('units/blog.socket', `[Socket]\nService=wakesock.service\n${'ListenStream=80\n'.repeat(30_000)}`);
  expect(configuration()).toEqual([expect.stringMatching(/ERR_WAKESOCK_LIMIT .*found 150021$/)]);
});

function userNamespaceProblems(userNs: string): string[] {
  files.write('etc/a.container', `[Container]\nRootfs=${root()}\nExec=/app\nVolume=/proc/sys:/data:ro\n${userNs}[X-Wakesock]\nListenStream=80\n`);
  const { site, places } = loadSite(files.paths, 'a');
  return checkSite(site as Site, places).map(({ code, line, severity, message }) => `${line} ${severity} ${code} ${message}`);
}

test('a volume whose files cannot be the site\'s own in a user namespace: a warning, an error where it asks for one, nothing with UserNS=host', () => {
  program('app');
  expect(userNamespaceProblems('')).toEqual([expect.stringMatching(/^4 warning no-user-namespace .*\/proc\/sys is on a file system of type proc/)]);
  expect(userNamespaceProblems('UserNS=auto\n')).toEqual([expect.stringMatching(/^4 error no-user-namespace /)]);
  expect(userNamespaceProblems('UserNS=host\n')).toEqual([]);
});
