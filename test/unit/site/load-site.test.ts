import { appendFileSync, mkdirSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Site } from '../../../src/base/site.ts';
import { listSiteNames, listTemplateNames, loadSite, sourcesUnchanged, timerMsMax, type LoadedSite } from '../../../src/site/index.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { schema } from '../../../src/site/schema.ts';
import { SiteFiles } from './site-files.ts';

let files: SiteFiles;
beforeEach(() => { files = new SiteFiles(); });
afterEach(() => files.remove());

const minimal = '[Container]\nRootfs=/srv/root\nExec=/bin/app\n[X-Wakesock]\nListenStream=8081\n';

function load(text: string): LoadedSite {
  files.write('etc/a.container', text);
  return loadSite(files.paths, 'a');
}
function site(text: string): Site {
  const { site, diagnostics } = load(text);
  expect(diagnostics).toEqual([]);
  return site as Site;
}
const problems = (text: string): string[] => load(text).diagnostics.map(({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`);
const container = (lines: string): string => `${minimal}[Container]\n${lines}`;
const wakesock = (lines: string): string => `[Container]\nRootfs=/srv/root\nExec=/bin/app\n[X-Wakesock]\n${lines}`;

test('the least that a site is', () => {
  expect(site(minimal)).toEqual({
    name: 'a', description: 'a', handoff: 'adopt', listen: [{ family: 'ipv4', address: '0.0.0.0', port: 8081, text: '0.0.0.0:8081' }],
    ports: [{ kind: 'tcp', port: 8081 }], hosts: [], target: null, unit: null, idleMs: 300_000, startTimeoutMs: 30_000, stopTimeoutMs: 10_000,
    root: { kind: 'rootfs', path: '/srv/root' }, exec: ['/bin/app'], entrypoint: null, environment: {}, network: { mode: { kind: 'none' }, dns: { servers: null, search: null, options: null }, hosts: [] }, sysctls: {}, mounts: [], secrets: [], credentials: [], devices: [], user: null, group: null, addGroups: [], workingDir: null,
    hostName: null, userNs: { ids: 65_536, required: false }, readOnly: false, readOnlyTmpfs: true, timezone: null, shmBytes: null, mask: [], unmask: [], annotations: {}, noNewPrivileges: true, autoUpdate: null, seccompProfile: 'default', addCapabilities: [], dropCapabilities: [], ulimits: {}, stopSignal: 'TERM', resources: [],
  });
});

test('a plain Quadlet is a site as it stands; it goes through JSON unchanged', () => {
  const loaded = site(`[Unit]
Description=Blog
After=network-online.target

[Container]
Image=localhost/blog:1
ContainerName=blog
Environment=NODE_ENV=production "GREETING=hello world"
Volume=/srv/blog:/data:ro,Z
PublishPort=8081:3000
PublishPort=[::1]:8082:3001/tcp
Tmpfs=/tmp:size=64m
User=1000:1000
AddCapability=net_bind_service CAP_CHOWN
Ulimit=nofile=2048
ReadOnly=true

[Service]
Restart=always
MemoryMax=256M
CPUQuota=50%
TasksMax=128
TimeoutStartSec=20

[Install]
WantedBy=default.target

[X-Foreign]
Any=thing
`);
  expect(loaded).toMatchObject({
    description: 'Blog', root: { kind: 'image', image: 'localhost/blog:1' }, environment: { NODE_ENV: 'production', GREETING: 'hello world' },
    mounts: [siteMount('bind', '/data', { source: '/srv/blog', readOnly: true }), siteMount('tmpfs', '/tmp', { data: ['size=64m'] })],
    listen: [{ text: '0.0.0.0:8081' }, { text: '[::1]:8082' }], ports: [{ kind: 'tcp', port: 3000 }, { kind: 'tcp', port: 3001 }],
    user: '1000', group: '1000', addCapabilities: ['CAP_NET_BIND_SERVICE', 'CAP_CHOWN'], ulimits: { nofile: { soft: '2048', hard: '2048' } }, readOnly: true, startTimeoutMs: 20_000,
    resources: [
      { name: 'MemoryMax', signature: 't', value: '268435456' }, { name: 'CPUQuotaPerSecUSec', signature: 't', value: '500000' },
      { name: 'TasksMax', signature: 't', value: '128' },
    ],
  });
  expect(JSON.parse(JSON.stringify(loaded))).toEqual(loaded);
});

test('ListenStream= and Port= win over PublishPort=', () => {
  const text = `${minimal.replace('8081', '9000')}Port=4000\n[Container]\nPublishPort=127.0.0.1:8081:3000\n`;
  expect(site(text)).toMatchObject({ listen: [{ text: '0.0.0.0:9000' }], ports: [{ port: 4000 }] });
  expect(site(text.replace('Port=4000\n', ''))).toMatchObject({ listen: [{ text: '0.0.0.0:9000' }], ports: [{ port: 3000 }] });
  expect(site(text.replace('ListenStream=9000\n', ''))).toMatchObject({ listen: [{ text: '127.0.0.1:8081' }], ports: [{ port: 4000 }] });
});

test('addresses and ports are paired in order', () => {
  expect(site(wakesock('ListenStream=80\nListenStream=[::]:80\nListenStream=/run/a.sock\nPort=3000\nPort=3000\nPort=/tmp/app.sock\n'))).toMatchObject({
    listen: [{ family: 'ipv4' }, { family: 'ipv6', address: '::' }, { family: 'unix', path: '/run/a.sock' }],
    ports: [{ port: 3000 }, { port: 3000 }, { kind: 'unix', path: '/tmp/app.sock' }],
  });
  expect(site(wakesock('ListenStream=/run/a.sock\n')).ports).toEqual([{ kind: 'unix', path: '/run/a.sock' }]);
  expect(site(wakesock('Handoff=listen-fds\nListenStream=80\nListenStream=81\n'))).toMatchObject({ handoff: 'listen-fds', ports: [] });
  expect(site(wakesock('Host=a.example\nPort=3000\n'))).toMatchObject({ listen: [], ports: [{ port: 3000 }], hosts: ['a.example'] });
});

test.each<[string, string[]]>([
  ['ListenStream=80\nListenStream=81\nPort=3000\n', ['error conflict 6:1']],
  ['ListenStream=80\nPort=3000\nPort=3001\n', ['error conflict 7:1']],
  ['ListenStream=80\nPort=/run/x.sock\n', ['error conflict 6:6']],
  ['ListenStream=/run/x.sock\nPort=80\n', ['error conflict 6:6']],
  ['ListenStream=80\nListenStream=81\nPort=3000\nPort=3000\n', ['error conflict 8:6']],
  ['ListenStream=80\nListenStream=0.0.0.0:80\nPort=1\nPort=2\n', ['error conflict 6:14']],
  ['ListenStream=@abc\n', ['error bad-value 5:14']],
  ['ListenStream=80\nPort=x\n', ['error bad-value 6:6']],
  ['Host=a.example\n', ['error missing-key 5:1']],
  ['', ['error missing-key 0:0']],
  ['Target=unix:/x\nListenStream=80\n', ['error conflict 5:1']],
  ['Handoff=relay\nListenStream=80\n', ['warning no-effect 2:1', 'warning no-effect 3:1', 'error missing-key 5:1']],
  ['Handoff=relay\nListenStream=80\nTarget=0.0.0.0:80\n', ['warning no-effect 2:1', 'warning no-effect 3:1', 'error bad-value 7:8']],
  ['Handoff=relay\nListenStream=80\nTarget=8080\nPort=3\nUnit=app\n', ['warning no-effect 2:1', 'warning no-effect 3:1', 'warning no-effect 8:1', 'error bad-value 9:6']],
  ['ListenStream=80\nRoot=host\n', ['error conflict 2:1']],
  ['ListenStream=80\nHandoff=listen-fds\nPort=80\n', ['warning no-effect 7:1']],
  ['ListenStream=80\nHandoff=adpot\n', ['error bad-value 6:9']],
  ['ListenStream=80\nHost=http://x.example/\n', ['error bad-value 6:6']],
  ['ListenStream=80\nHost=a.example b_c.example:80\n', ['error bad-value 6:16']],
  ['ListenStream=80\nIdelSec=5\n', ['warning unknown-key 6:1']],
])('[X-Wakesock] %j', (lines, expected) => expect(problems(wakesock(lines))).toEqual(expected));

test.each<[string, string[]]>([
  ['Secret=x,type=file\n', ['error bad-value 7:8']],
  ['Network=bridge\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:9']],
  ['Network=none\n', []],
  ['Network=host\nNetwork=none\n', ['error conflict 8:1']],
  ['Network=host\nNetwork=\nNetwork=none\n', []],
  ['Network=none:x\n', ['error bad-value 7:13']],
  ['Network=pasta:-t,none,--mtu,1400,-4\n', []],
  ['Network=pasta:-4,-t,8080\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:18']],
  ['Network=pasta:--map-gw\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:15']],
  ['Network=pasta:--map-host-loopback=10.0.0.1\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:15']],
  ['Network=pasta:-p,/tmp/x\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:15']],
  ['Network=pasta:--mtu\n', ['error bad-value 7:15']],
  ['Network=pasta:--interface,-t\n', []],
  ['Network=pasta:--mtu=x\n', ['error bad-value 7:15']],
  ['Network=shops\nNetwork=db.network\nNetworkAlias=x\n', []],
  ['Network=shops:ip=10.0.0.1,ip6=fd00::1,alias=x\n', []],
  ['Network=shops\nIP=10.0.0.1\nIP6=fd00::1\n', []],
  ['Network=shops\nNetwork=host\n', ['error conflict 7:1']],
  ['Network=shops\nNetwork=shops\n', ['error conflict 8:1']],
  ['Network=a\nNetwork=b\nIP=10.0.0.1\n', ['error conflict 9:1']],
  ['Network=pasta\nIP=10.0.0.1\nNetworkAlias=x\n', ['error conflict 8:1', 'error conflict 9:1']],
  ['Network=shops:mac=0a:00:00:00:00:01\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:15']],
  ['Network=shops\nIP=fd00::1\n', ['error bad-value 8:4']],
  ['Network=../x\n', ['error bad-value 7:9']],
  ['Network=slirp4netns\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:9']],
  ['Network=container:x\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:9']],
  ['Network=db.container\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:9']],
  ['Network=ns:/run/x\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:9']],
  ['DNS=1.1.1.1\n', ['error conflict 7:1']],
  ['Network=pasta\nDNS=1.1.1.1\nDNS=2001:db8::1\nDNSSearch=.\nDNSOption=ndots:1\n', []],
  ['Network=pasta\nDNS=example.com\n', ['error bad-value 8:5']],
  ['Network=pasta\nDNS=none\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 8:5']],
  ['Network=pasta\nDNSSearch=a b\n', ['error bad-value 8:11']],
  ['Network=pasta\nDNSOption=rotate\\nnameserver\n', ['error bad-value 8:11']],
  ['AddHost=db:10.0.0.1\nAddHost=a;b:[2001:db8::1]\n', []],
  ['AddHost=db\n', ['error bad-value 7:9']],
  ['AddHost=db:host-gateway\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:12']],
  ['AddHost=d b:10.0.0.1\n', ['error bad-value 7:9']],
  ['Sysctl=net.ipv4.ip_default_ttl=77 "net/ipv4/ip_local_port_range=1024 65000" kernel.msgmax=1 fs.mqueue.msg_max=5\n', []],
  ['Network=host\nSysctl=net.core.somaxconn=77\n', ['error conflict 8:1']],
  ['Sysctl=vm.swappiness=1\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:8']],
  ['Sysctl=kernel.hostname=x\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:8']],
  ['Sysctl=net..x=1\n', ['error bad-value 7:8']],
  ['Label=a=b\nAutoUpdate=registry\n', ['warning no-effect 7:1', 'warning no-effect 8:1']],
  ['AutoUpdate=image\n', ['error bad-value 7:12']],
  ['Secret=x\nSecret=\n', []],
  ['Enviroment=A=b\n', ['warning unknown-key 7:1']],
  ['Environment=A\n', ['error bad-value 7:13']],
  ['Environment=A=b \\\n  C\n', ['error bad-value 8:3']],
  ['EnvironmentFile=nothing\n', ['error bad-value 7:17']],
  ['EnvironmentFile=-nothing\n', []],
  ['Volume=-data:/data\n', ['error bad-value 7:8']],
  ['Volume=/a:/b:ro,O\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:17']],
  ['Volume=/a:/b\nVolume=/c:/b\n', ['error bad-value 8:8']],
  ['Image=x\n', ['error conflict 7:1']],
  ['PublishPort=3000\n', ['error bad-value 7:13']],
  ['PublishPort=80:3000/udp\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:21']],
  ['PublishPort=80-82:3000-3002\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:13']],
  ['PublishPort=1.2.3:80:3000\n', ['error bad-value 7:13']],
  ['StopSignal=SIGTREM\n', ['error bad-value 7:12']],
  ['Ulimit=nofile=1024:2048\nUlimit=core=0:-1\nUlimit=stack=-1\n', []],
  ['Ulimit=nofile\n', ['error bad-value 7:14']],
  ['Ulimit=nofile=2048:1024\n', ['error bad-value 7:15']],
  ['Ulimit=nofile=-1:1024\n', ['error bad-value 7:15']],
  ['Ulimit=nofile=1:2:3\n', ['error bad-value 7:15']],
  ['Ulimit=nofile=18446744073709551616\n', ['error bad-value 7:15']],
  ['Ulimit=nofiles=1\n', ['error bad-value 7:8']],
  ['Ulimit=host\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 7:8']],
  ['AddCapability=chown net_foo\n', ['error bad-value 7:21']],
  ['ReadOnly=maybe\n', ['error bad-value 7:10']],
  ['WorkingDir=srv\n', ['error bad-value 7:12']],
  ['HostName=%Z\n', ['error bad-value 7:10']],
  ['Exec=/bin/app "x\n', ['error bad-value 7:15']],
  ['Exec=/bin/app ${X} \\q\n', ['warning exec-variable 7:15', 'warning unknown-escape 7:20']],
  ['MemoryMax=5M\n', ['warning unknown-key 7:1']],
  ['[Contaner]\nA=b\n', ['warning unknown-section 7:1']],
  ['[X-Wakesok]\nA=b\n', ['warning unknown-section 7:1']],
  ['[Container\nA=b\n', ['error section-header 7:1']],
  ['[Service]\nMemoryMax=101%\n', ['error bad-value 8:11']],
  ['[Service]\nMemoryMax=0%\nTasksMax=0%\n', ['error bad-value 8:11', 'error bad-value 9:10']],
  ['[Service]\nIODeviceWeight=/dev/sda 0\nIODeviceWeight=/dev/sdb 10\nIOReadBandwidthMax=/srv\n', ['error bad-value 8:25', 'error bad-value 10:20']],
  ['[Service]\nIPAddressDeny=any\nLimitNOFILE=5\nStartupCPUWeight=5\nPrivateTmp=yes\n[Unit]\nConditionMemory=5G\n',
    ['error ERR_WAKESOCK_NOT_SUPPORTED 8:1', 'warning no-effect 9:1', 'warning no-effect 10:1', 'warning no-effect 11:1', 'warning no-effect 13:1']],
  ['[Service]\nTimeoutStopSec=5\nTimeoutStopSec=\n', ['warning no-effect 9:1']],
  ['[Service]\nCPUQuota=50\n', ['error bad-value 8:10']],
  ['[Service]\nTimeoutStartSec=5mn\n', ['error bad-value 8:19']],
  ['[Service]\nExecStartPre=/bin/x\n', ['error ERR_WAKESOCK_NOT_SUPPORTED 8:1']],
])('[Container] %j', (lines, expected) => expect(problems(container(lines))).toEqual(expected));

test('a mistyped key says what was meant, one of another section where it belongs', () => {
  expect(load(container('Enviroment=A=b\nMemoryMax=5M\n[Unit]\nWantedBy=a.target\n')).diagnostics.map(({ suggestion }) => suggestion)).toEqual(['Environment=', 'MemoryMax= in [Service]', 'WantedBy= in [Install]']);
});

test('nothing but a root and a program is missing', () => {
  expect(problems('[X-Wakesock]\nListenStream=80\n')).toEqual(['error missing-key 0:0']);
  expect(problems('[Container]\nRootfs=/x\n[X-Wakesock]\nListenStream=80\n')).toEqual(['error missing-key 0:0']);
  expect(problems('[Container]\nRootfs=x\nExec=/a\n[X-Wakesock]\nListenStream=80\n')).toEqual(['error bad-value 2:8']);
});

test('Exec=, Entrypoint=: words, escapes, dollar signs, specifiers', () => {
  expect(site(container('Entrypoint=["/bin/sh","-c"]\nExec="echo $$HOME %%" \'%n\' a\\x20b $$X\n')).exec)
    .toEqual(['/bin/sh', '-c', 'echo $HOME %', 'a.container', 'a b', '$X']);
});

test('EnvironmentFile= is podman\'s, relative to the file, and Environment= wins', () => {
  const file = files.write('etc/env', '# c\nA=1\n B="x y"\r\nC=\n\nD=file\nonly\n');
  const loaded = load(container('Environment=D=unit\nEnvironmentFile=env\n'));
  expect(loaded.site?.environment).toEqual({ A: '1', B: '"x y"', C: '', D: 'unit' });
  expect(loaded.diagnostics).toMatchObject([{ severity: 'warning', code: 'environment-file-line', file, line: 7, text: 'only' }]);
  expect(loaded.sources.map(({ path }) => path)).toContain(file);
});

test('timeouts: 0 and infinity are none, cut to what a timer can carry', () => {
  expect(site(`${minimal}IdleSec=infinity\n[Service]\nTimeoutStartSec=0\nTimeoutStopSec=1min 30\n`))
    .toMatchObject({ idleMs: timerMsMax, startTimeoutMs: timerMsMax, stopTimeoutMs: 90_000 });
});

/** What systemd-run(1) sends for the same settings: see test/system/main-job.test.ts. */
test('shares, sets and devices on the bus', () => {
  const text = `${minimal}[Service]
MemoryMin=0%
MemoryMax=50%
MemoryHigh=33.33%
TasksMax=100%
AllowedCPUs=0 2-3
AllowedCPUs=9
AllowedMemoryNodes=
IODeviceWeight=/dev//sda 10
IODeviceWeight=/dev/sda 20
IOReadBandwidthMax=/srv 5M
IOWriteIOPSMax=/srv infinity
IODeviceLatencyTargetSec="/srv" 20ms
CPUQuotaPeriodSec=10ms
ManagedOOMMemoryPressure=kill
ManagedOOMMemoryPressureLimit=100%
`;
  expect(Object.fromEntries(site(text).resources.map(({ name, signature, value }) => [name, [signature, value]]))).toEqual({
    MemoryMinScale: ['u', 0], MemoryMaxScale: ['u', 2_147_483_648], MemoryHighScale: ['u', 1_431_512_599], TasksMaxScale: ['u', 4_294_967_294],
    AllowedCPUs: ['ay', [0b1101, 0b10]], IODeviceWeight: ['a(st)', [['/dev/sda', '20']]], IOReadBandwidthMax: ['a(st)', [['/srv', '5000000']]],
    IOWriteIOPSMax: ['a(st)', [['/srv', '18446744073709551615']]], IODeviceLatencyTargetUSec: ['a(st)', [['/srv', '20000']]],
    CPUQuotaPeriodUSec: ['t', '10000'], ManagedOOMMemoryPressure: ['s', 'kill'], ManagedOOMMemoryPressureLimit: ['u', 4_294_967_295],
  });
});

test('infinity on the bus', () => {
  const infinity = { signature: 't', value: '18446744073709551615' };
  expect(site(`${minimal}[Service]\nMemoryMax=infinity\nMemorySwapMax=0\nTasksMax=infinity\nCPUWeight=idle\nIOWeight=10000\n`).resources).toEqual([
    { name: 'MemoryMax', ...infinity }, { name: 'MemorySwapMax', signature: 't', value: '0' }, { name: 'CPUWeight', signature: 't', value: '0' },
    { name: 'IOWeight', signature: 't', value: '10000' }, { name: 'TasksMax', ...infinity },
  ]);
});

test('instances of a template', () => {
  files.write('etc/blog@.container', '[Container]\nRootfs=/srv/%i\nExec=/bin/app %i %p %N\n[X-Wakesock]\nHost=%i.example.com\nPort=3000\n');
  files.write('run/blog@alice.container.d/x.conf', '[X-Wakesock]\nHost=alice.org\n');
  expect(loadSite(files.paths, 'blog@alice').site).toMatchObject({
    name: 'blog@alice', hosts: ['alice.example.com', 'alice.org'], root: { path: '/srv/alice' }, exec: ['/bin/app', 'alice', 'blog', 'blog@alice'],
  });
  files.write('state/instances/blog@bob', '');
  files.write('state/instances/gone@bob', '');
  expect(listSiteNames(files.paths)).toEqual(['blog@bob']);
  expect(listTemplateNames(files.paths)).toEqual(['blog']);
  files.write('etc/blog@.container', '');
  files.write('usr/blog@.container', minimal);
  expect([listSiteNames(files.paths), listTemplateNames(files.paths)]).toEqual([[], []]);
});

test('names of sites', () => {
  for (const name of ['Blog', '', '../x', 'a/b', 'front', 'a@', 'a@b@c', 'x'.repeat(129)]) {
    expect(() => loadSite(files.paths, name)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SITE_NAME' }));
  }
  expect(() => loadSite(files.paths, 'nobody')).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' }));
});

test('masked sites are no sites', () => {
  files.write('usr/a.container', minimal);
  files.write('run/b.container', minimal);
  files.write('etc/README', '');
  files.write('etc/control.container', minimal);
  expect(listSiteNames(files.paths)).toEqual(['a', 'b']);
  symlinkSync('/dev/null', `${files.base}/etc/a.container`);
  expect(listSiteNames(files.paths)).toEqual(['b']);
  expect(() => loadSite(files.paths, 'a')).toThrow(/masked/);
});

test.each<[string, () => void]>([
  ['the file', () => appendFileSync(`${files.base}/run/a.container`, '\n')],
  ['a file before it', () => files.write('etc/a.container', minimal)],
  ['a drop-in', () => appendFileSync(`${files.base}/run/a.container.d/x.conf`, '\n')],
  ['a new drop-in', () => files.write('run/a.container.d/y.conf', '')],
  ['a new drop-in directory', () => mkdirSync(`${files.base}/etc/container.d`)],
  ['a variable file', () => appendFileSync(`${files.base}/run/env`, 'A=b\n')],
])('sources change with %s', (_what, change) => {
  files.write('etc/other.container', minimal);
  files.write('run/a.container', container('EnvironmentFile=env\n'));
  files.write('run/a.container.d/x.conf', '[Container]\n');
  files.write('run/env', 'A=1\n');
  const { sources } = loadSite(files.paths, 'a');
  expect(sourcesUnchanged(sources)).toBe(true);
  expect(sourcesUnchanged(JSON.parse(JSON.stringify(sources)) as typeof sources)).toBe(true);
  files.write('etc/unrelated.container', minimal);
  expect(sourcesUnchanged(sources)).toBe(true);
  change();
  expect(sourcesUnchanged(sources)).toBe(false);
});

test('no value of any key throws, and an error means no site', () => {
  const keys = schema.map(({ section, key }) => [section, key] as const);
  const value = fc.oneof(fc.constantFrom('', '1', 'x', '%', '%i', '"', '\\', 'a:b:c:d', '[', '[]', '["a"]', '@x', '/', '/a:/b', '-', '50%', 'infinity', '$X'), fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll(/[\r\n]/g, ' ')));
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), value), { minLength: 1, maxLength: 8 }), (lines) => {
    const { site, diagnostics } = load(lines.map(([[section, key], text]) => `[${section}]\n${key}=${text}\n`).join(''));
    expect(site === null).toBe(diagnostics.some(({ severity }) => severity === 'error'));
    if (site !== null) expect(JSON.parse(JSON.stringify(site))).toEqual(site);
  }), { numRuns: 500 });
});

const image = (lines: string): string => `[Container]\nImage=localhost/blog:1\n${lines}[X-Wakesock]\n`;

describe('Image=', () => {
  test('leaves to the image what only the image knows', () => {
    expect(site(`${image('')}ListenStream=8081\n`)).toMatchObject({ exec: [], entrypoint: null, ports: [], stopSignal: null });
    expect(site(`${image('Entrypoint=/entry\nExec=a b\nStopSignal=SIGQUIT\n')}ListenStream=8081\nPort=3000\n`))
      .toMatchObject({ exec: ['a', 'b'], entrypoint: ['/entry'], ports: [{ kind: 'tcp', port: 3000 }], stopSignal: 'QUIT' });
    expect(site(`${image('')}Host=a.example\n`)).toMatchObject({ listen: [], ports: [] });
  });

  test.each(['nginx', 'docker.io/library/nginx:1.27', 'localhost:5000/a/b@sha256:00', '728e260409e4', 'oci:/srv/image', 'oci-archive:/srv/image.tar'])('%s', (text) => {
    expect(site(`[Container]\nImage=${text}\n[X-Wakesock]\nListenStream=80\n`).root).toEqual({ kind: 'image', image: text });
  });

  test.each([
    ['docker-archive:/srv/image.tar', 'ERR_WAKESOCK_NOT_SUPPORTED'], ['blog.build', 'ERR_WAKESOCK_NOT_SUPPORTED'], ['--help', 'bad-value'], ['a b', 'bad-value'],
  ])('%s is refused: %s', (text, code) => {
    expect(load(`[Container]\nImage=${text}\n[X-Wakesock]\nListenStream=80\n`).diagnostics).toMatchObject([{ severity: 'error', code, line: 2 }]);
  });
});
