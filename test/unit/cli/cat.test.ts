import { afterEach, beforeEach, expect, test } from 'vitest';
import { verb } from '../../../src/cli/cat.ts';
import { parseUnit } from '../../../src/unitfile/index.ts';
import { SiteFiles } from '../site/site-files.ts';
import { FakeContext } from './fake-context.ts';

let files: SiteFiles;
beforeEach(() => { files = new SiteFiles(); });
afterEach(() => files.remove());

async function cat(names: readonly string[], values: Record<string, boolean> = {}): Promise<string> {
  const context = new FakeContext({ paths: files.paths });
  expect(await verb.run(context, values, names)).toBe(0);
  return context.out.replaceAll(files.base, '');
}

test('what counts, and where it is from', async () => {
  files.write('etc/blog.container', '[Container]\nExec=/a \\\n  b\nEnvironment=A=1\nEnvironment=B=2\nUser=x\n[X-Wakesock]\nListenStream=1\nHost=%i.example.com\n');
  files.write('usr/container.d/all.conf', '[Service]\nMemoryMax=64M\n');
  files.write('etc/blog.container.d/x.conf', '[Container]\nUser=y\nEnvironment=\nEnvironment=C=3\n[X-Wakesock]\nListenStream=2\nNew=1\n');
  const text = await cat(['blog']);
  expect(text).toBe(`# /etc/blog.container
# /usr/container.d/all.conf
# /etc/blog.container.d/x.conf

[Container]
# /etc/blog.container:2
Exec=/a    b
# /etc/blog.container.d/x.conf:4
Environment=C=3
# /etc/blog.container.d/x.conf:2
User=y

[X-Wakesock]
# /etc/blog.container:8
ListenStream=1
# /etc/blog.container.d/x.conf:6
ListenStream=2
# /etc/blog.container:9
Host=%i.example.com
# /etc/blog.container.d/x.conf:7
New=1

[Service]
# /usr/container.d/all.conf:2
MemoryMax=64M
`);
  // A unit file again, which says the same.
  expect(parseUnit(text, 'x')).toMatchObject({ diagnostics: [], entries: { length: 8 } });
  const { sites } = JSON.parse(await cat(['blog'], { json: true })) as { sites: { entries: unknown[] }[] };
  expect(sites[0]?.entries[0]).toEqual({ section: 'Container', key: 'Exec', value: '/a    b', file: '/etc/blog.container', line: 2, column: 1 });
});

test('one file needs no names; an instance is its template', async () => {
  files.write('etc/t@.container', '[Container]\nExec=/a %i\n');
  expect(await cat(['t@one'])).toBe('# /etc/t@.container\n\n[Container]\n# line 2\nExec=/a %i\n');
});

test('no such site', async () => {
  await expect(cat(['none'])).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
  await expect(cat([])).rejects.toMatchObject({ code: 'ERR_WAKESOCK_USAGE' });
});
