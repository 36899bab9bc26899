import { mkdirSync, symlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { leaseAddressOf } from '../../../src/control/lease-address.ts';
import { RouteTable } from '../../../src/front/route-table.ts';
import { SiteHostsReader } from '../../../src/front/site-hosts.ts';
import { frontKeysDefault } from '../../../src/site/front-keys.ts';
import { loadSite } from '../../../src/site/load-site.ts';
import { SiteFiles } from '../site/site-files.ts';

let files: SiteFiles;
afterEach(() => files.remove());

const site = (hosts: string, more = ''): string => `[Container]\nExec=/bin/true\n[X-Wakesock]\nRoot=host\nPort=80\nHost=${hosts}\n${more}`;
const dropIn = (hosts: string): string => `[X-Wakesock]\nHost=${hosts}\n`;

/** Directories from the highest precedence to the lowest, as every test's {@link SiteFiles} has them. */
const layouts: Readonly<Record<string, (write: (path: string, text: string) => void, root: string) => void>> = {
  'one file': (write) => write('etc/a.container', site('a.example *.a.example')),
  'several lines, one that resets': (write) => write('etc/a.container', site('a.example', 'Host=\nHost=b.example\nHost=c.example\n')),
  'a value that cannot be read': (write) => write('etc/a.container', site('a.example', 'Host=http://x/\nHost=c.example\n')),
  'a file that comes first hides another': (write) => { write('etc/a.container', site('etc.example')); write('usr/a.container', site('usr.example')); },
  'a drop-in': (write) => { write('etc/a.container', site('a.example')); write('usr/a.container.d/x.conf', dropIn('more.example')); },
  'a drop-in of its type': (write) => { write('etc/a.container', site('a.example')); write('etc/container.d/x.conf', dropIn('%p.everywhere.example')); },
  'a drop-in of its prefix': (write) => { write('etc/a-b.container', site('ab.example')); write('etc/a-.container.d/x.conf', dropIn('prefix.example')); },
  'a link': (write, root) => { write('etc/real.container', site('%N.example')); write('etc/real.container.d/x.conf', dropIn('more.example')); symlinkSync(`${root}/etc/real.container`, `${root}/etc/a.container`); },
  'an instance': (write) => write('etc/t@.container', site('%i.example %%i.example %j.%i.example')),
  'an instance with a drop-in of its own': (write) => { write('etc/t@.container', site('%i.example')); write('etc/t@i.container.d/x.conf', dropIn('own.example')); },
  'an instance whose template has one': (write) => { write('etc/t@.container', site('%i.example')); write('etc/t@.container.d/x.conf', dropIn('www.%i.example')); },
  'an instance, with a drop-in for all': (write) => { write('etc/t@.container', site('%i.example')); write('run/container.d/x.conf', dropIn('all-%i.example')); },
  'an instance with a file of its own': (write) => { write('etc/t@.container', site('%i.example')); write('usr/t@i.container', site('file.example')); },
  'sockets and rules': (write) => write('etc/a.container', site('a.example', 'ListenStream=80\nNoWake=path:/x\n')),
  'several sockets': (write) => write('etc/a.container', site('a.example', 'ListenStream=[::]:80\nListenStream=81\nPort=81\n')),
  'a published port': (write) => write('etc/a.container', '[Container]\nExec=/bin/true\nPublishPort=127.0.0.1:8081:80\n[X-Wakesock]\nRoot=host\nHost=a.example\n'),
  'a socket by its instance': (write) => write('etc/t@.container', '[Container]\nExec=/bin/true\n[X-Wakesock]\nRoot=host\nHandoff=listen-fds\nHost=%i.example\nListenStream=/run/%i.sock\n'),
};

describe('what is read of a site for its routes', () => {
  test.each(Object.keys(layouts))('is what its files say: %s', async (layout) => {
    files = new SiteFiles();
    for (const dir of ['etc', 'run', 'usr']) mkdirSync(`${files.base}/${dir}`, { recursive: true });
    layouts[layout]?.((path, text) => files.write(path, text), files.base);
    const reader = await SiteHostsReader.open(files.paths.siteDirs);
    let found = 0;
    for (const name of ['a', 'a-b', 't@i', 't@x-y']) {
      const read = reader.read(name, undefined);
      let loaded;
      try {
        loaded = loadSite(files.paths, name);
      } catch {
        expect(read).toBeNull();
        continue;
      }
      found++;
      const [listen] = loaded.site?.listen ?? [];
      if (read?.hasDefaultKeys === true) expect(loaded.front).toBe(frontKeysDefault);
      expect({ hosts: [...new Set(read?.hosts)], hasSocket: read?.hasSocket, address: read?.address, hasRules: read?.hasRules })
        .toEqual({ hosts: [...loaded.places.hosts.keys()], hasSocket: listen !== undefined, address: listen === undefined ? null : leaseAddressOf(listen), hasRules: loaded.front.noWake.length > 0 });
    }
    expect(found).toBeGreaterThan(0);
  });

  test.each([
    ['X-Wakesock', 'NoWake=path:/x'], ['X-Wakesock', 'WaitPageAfterSec=5'], ['X-Wakesock', 'WaitPage=/srv/page.html'], ['X-Wakesock', 'MaxPending=7'], ['X-Wakesock', 'Upgrade=none'],
    ['X-Wakesock', 'AllowConnect=yes'], ['X-Wakesock', 'Handoff=relay\nTarget=8082'], ['X-Wakesock', 'NotKnownYet=1'],
    ['Service', 'TimeoutSec=5'], ['Service', 'TimeoutStartSec=5'], ['Service', 'TimeoutStopSec=5'], ['Container', 'StopTimeout=5'],
  ])('what says more to the front door is read in full: [%s] %s', async (section, line) => {
    files = new SiteFiles();
    files.write('etc/a.container', site('a.example', `[${section}]\n${line}\n`));
    files.write('etc/b.container', site('b.example', 'IdleSec=5\nListenStream=8081\nHandoff=adopt\n[Service]\nMemoryMax=5M\n'));
    const reader = await SiteHostsReader.open(files.paths.siteDirs);
    expect([reader.read('a', undefined)?.hasDefaultKeys, reader.read('b', undefined)?.hasDefaultKeys]).toEqual([false, true]);
    expect(loadSite(files.paths, 'b').front).toBe(frontKeysDefault);
    if (!line.startsWith('NotKnown')) expect(loadSite(files.paths, 'a').front).not.toEqual(frontKeysDefault);
  });

  test('a masked file, and none, are no site', async () => {
    files = new SiteFiles();
    files.write('etc/a.container', '');
    files.write('usr/a.container', site('usr.example'));
    const reader = await SiteHostsReader.open(files.paths.siteDirs);
    expect(reader.read('a', undefined)).toBeNull();
    expect(reader.read('b', undefined)).toBeNull();
  });

  test('a file that has not changed is not read again, one that has is', async () => {
    files = new SiteFiles();
    files.write('etc/a.container', site('a.example'));
    const first = (await SiteHostsReader.open(files.paths.siteDirs)).read('a', undefined) ?? undefined;
    expect((await SiteHostsReader.open(files.paths.siteDirs)).read('a', first)).toBe(first);
    files.write('etc/a.container', site('another.example'));
    expect((await SiteHostsReader.open(files.paths.siteDirs)).read('a', first)?.hosts).toEqual(['another.example']);
  });
});

test('a hundred thousand names: each is found', () => {
  files = new SiteFiles();
  const table = new RouteTable();
  for (let i = 0; i < 100_000; i++) table.add(`s${i}`, [`s${i}.example`, ...(i % 1000 === 0 ? [`*.s${i}.example`] : [])]);
  expect(table.size).toBe(100_100);
  for (let i = 0; i < 100_000; i++) if (table.find(`s${i}.example`) !== `s${i}`) throw new Error(`s${i}.example was not found`);
  expect(table.find('a.b.s5000.example')).toBe('s5000');
  expect(table.find('a.s5001.example')).toBeNull();
});
