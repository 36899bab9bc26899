import { EventEmitter, once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { RouteSource } from '../../../src/front/route-source.ts';
import { RouteTable } from '../../../src/front/route-table.ts';
import { SiteFiles } from '../site/site-files.ts';

describe('a table of routes', () => {
  const table = new RouteTable();
  table.add('exact', ['a.example.com']);
  table.add('below', ['*.example.com', '*.deep.example.com']);
  table.add('second', ['a.example.com', '*.example.com', 'b.example.net']);

  test.each([
    ['a.example.com', 'exact'], ['b.example.com', 'below'], ['x.y.example.com', 'below'], ['example.com', null],
    ['b.example.net', 'second'], ['xb.example.net', null], ['.example.com', 'below'], ['', null], ['com', null],
  ])('%s → %s', (host, site) => expect(table.find(host)).toBe(site));

  test('a name belongs to the first that claims it', () => {
    expect(table.claimedTwice).toEqual([
      { host: 'a.example.com', site: 'exact', other: 'second' }, { host: '*.example.com', site: 'below', other: 'second' },
    ]);
  });

  test('the default site has what nobody else has', () => {
    const all = new RouteTable();
    all.add('other', ['*']);
    all.add('a', ['a.example']);
    expect([all.find('a.example'), all.find('b.example'), all.find('127.0.0.1')]).toEqual(['a', 'other', 'other']);
  });
});

function site(hosts: string): string {
  return `[Container]\nExec=/bin/true\n[X-Wakesock]\nRoot=host\nListenStream=8081\nPort=80\nHost=${hosts}\n`;
}

describe('the routes of site files', () => {
  let files: SiteFiles;
  let routes: RouteSource;
  const log = createLog({ level: 'error', interactive: true });
  afterEach(() => {
    routes.close();
    files.remove();
  });

  /** `enable` makes it. */
  const enable = (name: string) => mkdirSync(`${files.paths.stateDir}/sites/${name}`, { recursive: true });

  /** The watcher has seen it: nothing else tells. */
  async function becomes(host: string, name: string | null): Promise<void> {
    while (routes.table.find(host) !== name) await new Promise((resolve) => { setTimeout(resolve, 5); });
  }

  test('only enabled sites are served; instances of a template by their own names', async () => {
    files = new SiteFiles();
    files.write('etc/on.container', site('on.example *.on.example'));
    files.write('etc/off.container', site('off.example'));
    files.write('etc/t@.container', site('%i.example'));
    enable('on');
    enable('t@alice');
    mkdirSync(`${files.paths.stateDir}/instances`, { recursive: true });
    mkdirSync(`${files.paths.stateDir}/instances/t@alice`);
    routes = new RouteSource(files.paths, log);
    await routes.ready;
    expect(['on.example', 'x.on.example', 'off.example', 'alice.example', 'bob.example'].map((host) => routes.table.find(host)))
      .toEqual(['on', 'on', null, 't@alice', null]);
  });

  test('changes are picked up: a file, another, a drop-in, enabling, disabling', async () => {
    files = new SiteFiles();
    files.write('etc/a.container', site('a.example'));
    routes = new RouteSource(files.paths, log);
    await routes.ready;
    expect(routes.table.size).toBe(0);
    enable('a');
    await becomes('a.example', 'a');
    files.write('etc/a.container', site('other.example'));
    await becomes('other.example', 'a');
    expect(routes.table.find('a.example')).toBeNull();
    files.write('etc/a.container.d/10-more.conf', '[X-Wakesock]\nHost=more.example\n');
    await becomes('more.example', 'a');
    rmSync(`${files.paths.stateDir}/sites/a`, { recursive: true });
    await becomes('other.example', null);
  });

  test('a directory that cannot be read leaves the routes as they were, and is read again; what a site says is not known by what could not be read', async () => {
    files = new SiteFiles();
    files.write('etc/a.container', `${site('a.example')}\nMaxPending=7\n`);
    enable('a');
    mkdirSync(`${files.paths.stateDir}/elsewhere/instances`, { recursive: true });
    symlinkSync('elsewhere/instances', `${files.paths.stateDir}/instances`);
    const steps = new EventEmitter();
    const failed = once(steps, 'failed');
    routes = new RouteSource(files.paths, { ...log, error: () => { steps.emit('failed'); } });
    await routes.ready;
    rmSync(`${files.paths.stateDir}/elsewhere/instances`, { recursive: true });
    symlinkSync('instances', `${files.paths.stateDir}/elsewhere/instances`);
    files.write('etc/a.container', `${site('other.example')}\nMaxPending=7\n`);
    files.write('etc/b.container', site('b.example'));
    enable('b');
    await failed;
    expect(['a.example', 'b.example'].map((host) => routes.table.find(host))).toEqual(['a', null]);
    rmSync(`${files.paths.stateDir}/elsewhere/instances`);
    mkdirSync(`${files.paths.stateDir}/elsewhere/instances`);
    await becomes('b.example', 'b');
    expect(routes.table.find('other.example')).toBe('a');

    const dropIn = `${files.paths.siteDirs[0]}/a.container.d/10.conf`;
    mkdirSync(dropIn, { recursive: true });
    expect(routes.keys('a').allowConnect).toBe(false);
    rmSync(dropIn, { recursive: true });
    files.write('etc/a.container.d/10.conf', '[X-Wakesock]\nAllowConnect=yes\n');
    expect(routes.keys('a').allowConnect).toBe(true);
  });

  test('of an instance, and of a site without a socket, there is a record, or it is not enabled', async () => {
    files = new SiteFiles();
    files.write('etc/t@.container', site('%i.example'));
    files.write('etc/bare.container', site('bare.example').replace(/ListenStream=.*\n/, ''));
    for (const name of ['t@alice', 't@bob', 'bare']) enable(name);
    const records = `${files.paths.stateDir}/instances`;
    mkdirSync(`${records}/t@alice`, { recursive: true });
    routes = new RouteSource(files.paths, log);
    await routes.ready;
    expect(['alice.example', 'bob.example', 'bare.example'].map((host) => routes.table.find(host))).toEqual(['t@alice', null, null]);
    mkdirSync(`${records}/bare`);
    await becomes('bare.example', 'bare');
  });

  test('a drop-in beside others, and what a site says besides its names, are read again; a name is that of the first in the alphabet who claims it', async () => {
    files = new SiteFiles();
    const names = Array.from({ length: 10 }, (_, i) => `a${i}`);
    for (const name of names.toReversed()) {
      files.write(`etc/${name}.container`, site('shared.example'));
      enable(name);
    }
    files.write('etc/a0.container.d/10.conf', '[X-Wakesock]\nMaxPending=7\n');
    routes = new RouteSource(files.paths, log);
    await routes.ready;
    expect(routes.table.find('shared.example')).toBe('a0');
    expect(routes.keys('a0').pendingMax).toBe(7);
    files.write('etc/a0.container.d/20.conf', '[X-Wakesock]\nMaxPending=8\nHost=more.example\n');
    await becomes('more.example', 'a0');
    expect(routes.keys('a0').pendingMax).toBe(8);
  });
});
