import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ListenAddress } from '../../../src/base/site.ts';
import { socketUnitText } from '../../../src/cli/socket-unit.ts';
import { renderUnit } from '../../../src/cli/unit-templates.ts';

const units = new URL('../../../units/', import.meta.url);
const ipv4 = (address: string, port: number): ListenAddress => ({ family: 'ipv4', address, port, text: `${address}:${port}` });
const ipv6 = (address: string, port: number): ListenAddress => ({ family: 'ipv6', address, port, text: `[${address}]:${port}` });
const unix = (path: string): ListenAddress => ({ family: 'unix', path, text: path });
const textOf = (...listen: ListenAddress[]) => socketUnitText({ name: 'blog', description: 'Blog 100% %i', handoff: 'adopt', listen });
const settings = (text: string) => text.split('\n').filter((line) => /^[A-Z]/.test(line));

test('the whole unit', () => {
  expect(settings(textOf(ipv4('0.0.0.0', 8081)))).toEqual([
    'Description=Blog 100%% %%i (wakesock)', 'StartLimitIntervalSec=0',
    'ListenStream=0.0.0.0:8081', 'FileDescriptorName=blog', 'Service=wakesock.service', 'Slice=system-wakesock-49.slice', 'TriggerLimitIntervalSec=0', 'WantedBy=sockets.target',
  ]);
});

test('IPv6 is IPv6 only, so that the same port can be had on IPv4', () => {
  expect(settings(textOf(ipv4('0.0.0.0', 80), ipv6('::', 80)))).toEqual(expect.arrayContaining(['ListenStream=0.0.0.0:80', 'ListenStream=[::]:80', 'BindIPv6Only=ipv6-only']));
  expect(textOf(ipv4('0.0.0.0', 80))).not.toContain('BindIPv6Only');
});

test.each([
  [ipv4('127.0.0.1', 80), false], [ipv4('0.0.0.0', 80), false], [ipv6('::', 80), false], [ipv6('::1', 80), false], [unix('/run/a'), false],
  [ipv4('192.0.2.1', 80), true], [ipv6('2001:db8::1', 80), true],
])('an address that may come later: %j', (address, later) => {
  expect(settings(textOf(address)).includes('FreeBind=yes')).toBe(later);
});

test('of a relayed site the sockets are its own relay\'s, whose service is as the front door\'s', () => {
  const text = socketUnitText({ name: 't@db', description: '', handoff: 'relay', listen: [ipv4('0.0.0.0', 5432)] });
  expect(settings(text)).toEqual(expect.arrayContaining(['FileDescriptorName=relay=t@db', 'Service=wakesock-relay@t@db.service']));
  const of = (unit: string) => settings(readFileSync(new URL(unit, units), 'utf8')).filter((line) => !/^(?:Description|SyslogIdentifier|TimeoutStopSec|CacheDirectory(?:Mode)?)=/.test(line));
  expect(of('wakesock-relay@.service')).toEqual(of('wakesock-front.service'));
});

test('a path is taken literally', () => {
  expect(textOf(unix('/run/100%/a b.sock'))).toContain('ListenStream=/run/100%%/a b.sock\n');
});

test('a description cannot add a line', () => {
  expect(settings(socketUnitText({ name: 'a', handoff: 'adopt', description: 'x\nService=other.service', listen: [unix('/run/a')] }))).not.toContain('Service=other.service');
});

test('systemd-analyze verify is happy with all units', () => {
  const systemdVersion = Number(/^systemd (\d+)/.exec(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }))?.[1]);
  const directory = mkdtempSync(join(tmpdir(), 'wakesock-units-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = { 'wakesock-site-blog.socket': textOf(ipv4('0.0.0.0', 80), ipv6('2001:db8::1', 80), unix('/run/100%/a b')) } as Record<string, string>;
  for (const name of ['wakesock.service', 'wakesock.socket', 'wakesock.slice', 'wakesock-relay@.service']) {
    files[name] = renderUnit(readFileSync(new URL(name, units), 'utf8'), { node: process.execPath, program: process.execPath, systemdVersion });
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const output = execFileSync('systemd-analyze', ['verify', '--man=no', ...Object.keys(files).map((name) => join(directory, name))], { encoding: 'utf8', stdio: 'pipe' });
  expect(output).toBe('');
});

test('lines for a newer systemd are put in for it, and left out for others', () => {
  const template = 'A=1\n#@254 B=2\nC=3\n';
  const render = (systemdVersion: number | null) => renderUnit(template, { node: '/n', program: '/p', systemdVersion });
  expect(render(254)).toBe('A=1\nB=2\nC=3\n');
  expect(render(253)).toBe('A=1\nC=3\n');
  expect(render(null)).toBe('A=1\nC=3\n');
});

test.each([
  ['/usr/bin/node', '/usr/bin/node'],
  ['/opt/my node/bin/node', '"/opt/my node/bin/node"'],
  ['/opt/50%/$x', '/opt/50%%/$$x'],
  ['/a"b\\c', '"/a\\"b\\\\c"'],
])('ExecStart=: %s', (node, word) => {
  expect(renderUnit('ExecStart=@NODE@ @PROGRAM@ run\n', { node, program: '/p', systemdVersion: null })).toBe(`ExecStart=${word} /p run\n`);
});
