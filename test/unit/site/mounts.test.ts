import { resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Site, SiteMount } from '../../../src/base/site.ts';
import { siteMount } from '../../../src/site/mount-options.ts';
import { parseMount, parseTmpfs, parseVolume, type SourceContext } from '../../../src/site/mount-values.ts';
import { loadSite } from '../../../src/site/index.ts';
import { NotSupportedError } from '../../../src/site/reading.ts';
import { UnitValueError } from '../../../src/unitfile/value-error.ts';
import { SiteFiles } from './site-files.ts';

const context: SourceContext = {
  absolute: (path) => resolve('/etc/sites', path),
  volumeUnit: (name) => ({ name: `systemd-${name}`, copyUp: name !== 'plain.volume' }),
};
const volume = (text: string): SiteMount => parseVolume(text, context);
const mount = (text: string): SiteMount => parseMount(text, context);
const bind = (rest: Partial<SiteMount>): SiteMount => siteMount('bind', '/data', { source: '/srv/data', ...rest });
const named = (rest: Partial<SiteMount>): SiteMount => siteMount('volume', '/data', { source: 'store', ...rest });

test.each<[string, SiteMount]>([
  ['/srv/data:/data', bind({})],
  ['/srv//data/:/data/', bind({})],
  ['/srv/data:/data:ro,Z,rprivate', bind({ readOnly: true })],
  ['/srv/data:/data:', bind({})],
  ['/srv/data:/data:noexec,suid,dev,bind,U,copy', bind({ exec: false, suid: true, dev: true, recursive: false, chown: true })],
  ['./data:/data', bind({ source: '/etc/sites/data' })],
  ['../data:/data', bind({ source: '/etc/data' })],
  ['store:/data', named({})],
  ['store:/data:ro,nocopy,nocreate', named({ readOnly: true, copyUp: false, create: false })],
  ['store.volume:/data', named({ source: 'systemd-store.volume' })],
  ['plain.volume:/data', named({ source: 'systemd-plain.volume', copyUp: false })],
  ['/data', siteMount('volume', '/data')],
])('Volume=%s', (text, expected) => expect(volume(text)).toEqual(expected));

test.each<[string, SiteMount]>([
  ['type=bind,source=/srv/data,destination=/data', bind({})],
  ['type=bind,src=/srv/data,dst=/data,ro=true,bind-propagation=private,relabel=shared,consistency=cached', bind({ readOnly: true })],
  ['type=bind,src=/srv/data,target=/data,readonly,bind-nonrecursive,chown=true', bind({ readOnly: true, recursive: false, chown: true })],
  ['type=bind,src=/srv/data,dest=/data,rw=false', bind({ readOnly: true })],
  ['type=bind,src=/srv/data,dst=/data,ro=false,U=false,idmap=false', bind({})],
  ['type=bind,"src=/srv/a,b ""c""",dst=/data', bind({ source: '/srv/a,b "c"' })],
  ['type=volume,source=store,destination=/data,nocopy', named({ copyUp: false })],
  ['source=store,destination=/data', named({})],
  ['type=volume,dst=/data', siteMount('volume', '/data')],
  ['type=tmpfs,destination=/data,tmpfs-size=1m,tmpfs-mode=0700,notmpcopyup', siteMount('tmpfs', '/data', { copyUp: false, data: ['size=1m', 'mode=0700'] })],
])('Mount=%s', (text, expected) => expect(mount(text)).toEqual(expected));

test.each<[string, SiteMount]>([
  ['/tmp', siteMount('tmpfs', '/tmp')],
  ['/tmp:size=64m,mode=1777,ro,noexec,uid=7,U', siteMount('tmpfs', '/tmp', { readOnly: true, exec: false, chown: true, data: ['size=64m', 'mode=1777', 'uid=7'] })],
  ['/tmp:notmpcopyup,nr_inodes=10k,noatime', siteMount('tmpfs', '/tmp', { copyUp: false, data: ['nr_inodes=10k', 'noatime'] })],
])('Tmpfs=%s', (text, expected) => expect(parseTmpfs(text)).toEqual(expected));

describe('refused', () => {
  test.each<[() => unknown, RegExp]>([
    ...['shared', 'rslave', 'O', 'idmap', 'idmap=uids=0-1-10', 'no-dereference'].map((option): [() => unknown, RegExp] => [() => volume(`/a:/b:${option}`), new RegExp(option.split('=')[0] as string)]),
    ...['ramfs', 'devpts', 'glob', 'image', 'artifact'].map((type): [() => unknown, RegExp] => [() => mount(`type=${type},src=/a,dst=/b`), new RegExp(`type=${type}`)]),
    [() => mount('type=volume,src=store,dst=/b,subpath=/x'), /part of a volume/],
    [() => mount('type=volume,src=store,dst=/b,volume-opt=device=x'), /podman volume create/],
    [() => mount('type=bind,src=/a,dst=/b,bind-propagation=shared'), /shared/],
  ])('%s, with a reason', (read, reason) => {
    expect(read).toThrow(NotSupportedError);
    expect(read).toThrow(reason);
  });

  test.each<() => unknown>([
    () => volume('/a:/b:ro:rw'), () => volume('/a:/b:ro,rw'), () => volume('/a:/b:ro,ro'), () => volume('/a:/b:size=1m'), () => volume('/a:/b:nocreate'), () => volume('/a:b'), () => volume('/a:/'), () => volume('/'),
    () => volume('/a:/b/../c'), () => volume('-x:/b'), () => volume(':/b'), () => volume(''), () => volume('a/b:/c'), () => volume(`${'n'.repeat(256)}:/c`),
    () => mount('type=bind,dst=/b'), () => mount('type=bind,src=/a'), () => mount('type=tmpfs,src=/a,dst=/b'), () => mount('type=bnd,src=/a,dst=/b'), () => mount('type=bind,src=store,dst=/b'),
    () => mount('type=volume,src=/a,dst=/b'), () => mount('type=bind,src=/a,src=/c,dst=/b'), () => mount('type=bind,src=/a,dst=/b,ro=maybe'), () => mount('type=bind,"src=/a,dst=/b'), () => mount('type=bind,src=,dst=/b'),
    () => mount('type=tmpfs,dst=/b,nocopy'), () => parseTmpfs('/tmp:rbind'), () => parseTmpfs('/tmp:size=x'), () => parseTmpfs('/tmp:z'), () => parseTmpfs('/tmp:a:b'), () => parseTmpfs('tmp'),
  ])('%s, as a value', (read) => {
    expect(read).toThrow(UnitValueError);
    expect(read).not.toThrow(NotSupportedError);
  });
});

/** What each option is in both ways of saying it. */
const both: readonly (readonly [volume: string, mount: string])[] = [
  ['ro', 'readonly=true'], ['noexec', 'noexec'], ['suid', 'suid'], ['dev', 'dev'], ['bind', 'bind-nonrecursive'], ['U', 'chown'], ['Z', 'relabel=private'], ['private', 'bind-propagation=private'],
];

test('Mount= says what Volume= does, in any order', () => {
  fc.assert(fc.property(fc.shuffledSubarray([...both]), fc.constantFrom('/srv/data', './data', 'store', 'x.volume'), (options, source) => {
    const one = volume(`${source}:/data:${options.map(([text]) => text).join()}`);
    const kind = /^[./]/.test(source) ? 'bind' : 'volume';
    expect(mount([...options.map(([, text]) => text), `dst=/data`, `src=${source}`, `type=${kind}`].join())).toEqual(one);
  }));
});

test('whatever is written: a mount below the root, or an error of the value', () => {
  const word = fc.oneof(fc.constantFrom('type=bind', 'type=tmpfs', 'src=/a', 'dst=/b', 'ro', 'U', ':', ',', '/a', '..', '"', 'z', 'size=1m', 'store', '=', '__proto__', 'constructor'), fc.string({ maxLength: 5 }));
  fc.assert(fc.property(fc.array(word, { maxLength: 8 }), fc.constantFrom('', ':', ','), (words, between) => {
    const text = words.join(between);
    for (const read of [volume, mount, parseTmpfs]) {
      try {
        const { target, source } = read(text);
        expect(target).toMatch(/^\/(?!\.\.?(?:\/|$))./);
        expect(source ?? '').not.toContain('/../');
      } catch (error) {
        if (!(error instanceof UnitValueError)) throw error;
      }
    }
  }), { numRuns: 2_000 });
});

describe('in a site', () => {
  let files: SiteFiles;
  beforeEach(() => { files = new SiteFiles(); });
  afterEach(() => files.remove());
  const load = (lines: string, name = 'a') => {
    files.write('etc/a.container', `[Container]\nRootfs=/srv/root\nExec=/bin/app\n${lines}\n[X-Wakesock]\nListenStream=8081\n`);
    return loadSite(files.paths, name);
  };
  const siteOf = (lines: string): Site => {
    const { site, diagnostics } = load(lines);
    expect(diagnostics).toEqual([]);
    return site as Site;
  };
  const problems = (lines: string): string[] => load(lines).diagnostics.map(({ code, line, message }) => `${code} ${line} ${message}`);

  test('a relative path starts at the site file, a unit is looked for beside it, specifiers count', () => {
    files.write('etc/store.volume', '[Volume]\n');
    files.write('etc/other.volume', '[Volume]\nVolumeName=is-%N\nCopy=no\nLabel=x=y\n');
    expect(siteOf('Volume=./data:/a\nVolume=store.volume:/b\nVolume=other.volume:/c\nVolume=of-%N:/d\nVolume=/srv/%N:/e').mounts).toEqual([
      siteMount('bind', '/a', { source: `${files.base}/etc/data` }), siteMount('volume', '/b', { source: 'systemd-store' }), siteMount('volume', '/c', { source: 'is-other', copyUp: false }),
      siteMount('volume', '/d', { source: 'of-a' }), siteMount('bind', '/e', { source: '/srv/a' }),
    ]);
  });

  test('a change of a unit is a change of the site', () => {
    files.write('etc/store.volume', '[Volume]\n');
    expect(load('Volume=store.volume:/b').sources.map(({ path }) => path)).toContain(`${files.base}/etc/store.volume`);
  });

  test('a unit that is not there, or would be another volume', () => {
    expect(problems('Volume=store.volume:/b')).toEqual([expect.stringMatching(/bad-value 4 .*store\.volume/)]);
    files.write('etc/store.volume', '[Volume]\nDriver=nfs\n');
    expect(problems('Volume=store.volume:/b')).toEqual([expect.stringMatching(/ERR_WAKESOCK_NOT_SUPPORTED 4 .*Driver= of store\.volume/)]);
  });

  test('no place twice, in whatever words', () => {
    expect(problems('Volume=/srv:/a\nTmpfs=/a/')).toEqual([expect.stringMatching(/bad-value 5 Tmpfs=: Expected one mount at "\/a"/)]);
    expect(problems('Mount=type=tmpfs,dst=/a\nSecret=x,target=/a')).toEqual([expect.stringMatching(/bad-value 5 Secret=/)]);
  });

  test('VolatileTmp=, where nothing else is there', () => {
    expect(siteOf('VolatileTmp=yes').mounts).toEqual([siteMount('tmpfs', '/tmp', { data: ['size=512m', 'mode=1777'] })]);
    expect(siteOf('VolatileTmp=yes\nVolume=/srv:/tmp').mounts).toEqual([siteMount('bind', '/tmp', { source: '/srv' })]);
    expect(siteOf('VolatileTmp=yes\nReadOnly=yes').mounts).toEqual([]);
  });

  test('limits of podman\'s names; [Service] wins, a share over an amount, too', () => {
    const limits = (lines: string): unknown => siteOf(lines).resources.map(({ name, value }) => [name, value]);
    expect(limits('Memory=64m\nPidsLimit=-1')).toEqual([['MemoryMax', String(64 * 1024 ** 2)], ['TasksMax', String(2n ** 64n - 1n)]]);
    expect(limits('Memory=64m\n[Service]\nMemoryMax=1M')).toEqual([['MemoryMax', '1048576']]);
    expect(limits('Memory=64m\n[Service]\nMemoryMax=50%')).toEqual([['MemoryMaxScale', expect.any(Number)]]);
    expect(siteOf('StopTimeout=3').stopTimeoutMs).toBe(3_000);
    expect(siteOf('StopTimeout=3\n[Service]\nTimeoutStopSec=4').stopTimeoutMs).toBe(4_000);
  });

  test('an annotation that crun would act on is refused', () => {
    expect(siteOf('Annotation=a=b "c=d e"').annotations).toEqual({ a: 'b', c: 'd e' });
    expect(problems('Annotation=run.oci.seccomp_bpf_data=x')).toEqual([expect.stringContaining('ERR_WAKESOCK_NOT_SUPPORTED 4')]);
  });

  test.each(['GroupAdd=keep-groups', 'Timezone=../../etc/shadow', 'Timezone=/etc/shadow', 'Memory=0', 'Memory=x', 'PidsLimit=-2', 'ShmSize=1x', 'Mask=proc', 'StopTimeout=1s'])('%s', (line) => expect(load(line).site).toBe(null));
});
