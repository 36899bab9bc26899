import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { resolveIdentity } from '../../../src/runtime/identity.ts';
import { SiteTree } from '../../../src/runtime/site-tree.ts';

/** A value is a file's text; one that begins with `->` is a link to the rest; null is a directory. */
function makeTree(entries: Record<string, string | null>): { tree: SiteTree; root: string } {
  const base = mkdtempSync(join(tmpdir(), 'wakesock-tree-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const root = join(base, 'root');
  mkdirSync(root);
  writeFileSync(join(base, 'secret'), 'bob:x:7:7::/stolen:\n');
  for (const [path, value] of Object.entries(entries)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (value === null) mkdirSync(join(root, path), { recursive: true });
    else if (value.startsWith('->')) symlinkSync(value.slice(2), join(root, path));
    else writeFileSync(join(root, path), value);
  }
  return { tree: new SiteTree([{ target: '/', source: root }]), root };
}

const accounts = {
  'etc/passwd': '# comment\nroot:x:0:0:root:/root:/bin/sh\nbob:x:1000:100::/home/bob:/bin/sh\nodd:x:abc:1::/:\nhomeless:x:5:6:::\n',
  'etc/group': 'root:x:0:\nusers:x:100:bob\nweb:x:33:alice,bob\nnone:x:44:\nbad\n',
};

describe('by the accounts of the root', () => {
  test.each([
    [null, null, { uid: 0, gid: 0, additionalGids: [], home: '/root' }],
    ['bob', null, { uid: 1000, gid: 100, additionalGids: [33], home: '/home/bob' }],
    ['1000', null, { uid: 1000, gid: 100, additionalGids: [33], home: '/home/bob' }],
    ['bob', 'none', { uid: 1000, gid: 44, additionalGids: [], home: '/home/bob' }],
    ['bob:web', null, { uid: 1000, gid: 33, additionalGids: [], home: '/home/bob' }],
    ['bob:web', 'none', { uid: 1000, gid: 44, additionalGids: [], home: '/home/bob' }],
    ['4242', null, { uid: 4242, gid: 0, additionalGids: [], home: '/' }],
    ['4242', '4343', { uid: 4242, gid: 4343, additionalGids: [], home: '/' }],
    ['homeless', null, { uid: 5, gid: 6, additionalGids: [], home: '/' }],
    [null, 'web', { uid: 0, gid: 33, additionalGids: [], home: '/root' }],
  ])('User=%s Group=%s', (user, group, identity) => {
    expect(resolveIdentity(makeTree(accounts).tree, user, group)).toEqual(identity);
  });

  test.each([
    ['eve', null, 'User=eve'], ['odd', null, 'User=odd'], ['bob', 'eve', 'Group=eve'], ['4294967295', null, 'User=4294967295'],
    ['-1', null, 'User=-1'], ['', null, 'User='], ['99999999999', null, 'User=99999999999'],
  ])('User=%s Group=%s is an error', (user, group, message) => {
    expect(() => resolveIdentity(makeTree(accounts).tree, user, group)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SITE_FILE', message: expect.stringContaining(message) }));
  });

  test('numbers need no accounts', () => {
    expect(resolveIdentity(makeTree({}).tree, '1:2', null)).toEqual({ uid: 1, gid: 2, additionalGids: [], home: '/' });
  });
});

describe('hostile roots', () => {
  test.each([
    ['an absolute link', { 'etc/passwd': '->/secret' }],
    ['a relative link out', { 'etc/passwd': '->../../secret' }],
    ['many steps up', { 'etc/passwd': '->../../../../../../../secret' }],
    ['a directory that leads out', { etc: '->..' , secret: null }],
    ['a link through a directory that leads out', { 'x/up': '->../..', 'etc/passwd': '->/x/up/secret' }],
    ['a link to itself', { 'etc/passwd': '->passwd' }],
    ['a circle', { 'etc/passwd': '->/a', a: '->b', b: '->/etc/passwd' }],
    ['a directory', { 'etc/passwd': null }],
    ['a file for a directory', { etc: 'bob:x:1:1::/:' }],
    ['a magic link', { 'etc/passwd': '->/proc/self/root/etc/passwd' }],
  ])('%s: nobody is found', (_, entries) => {
    expect(() => resolveIdentity(makeTree(entries).tree, 'bob', null)).toThrow('User=bob');
  });

  test('links that stay inside are followed as the program would', () => {
    const { tree } = makeTree({ 'data/passwd': 'bob:x:5:6::/:\n', 'etc/passwd': '->/../../data/./passwd', usr: '->data' });
    expect(resolveIdentity(tree, 'bob', null).uid).toBe(5);
  });

  test('a FIFO is not waited for', () => {
    const { tree, root } = makeTree({ etc: null });
    execFileSync('mkfifo', [join(root, 'etc/passwd')]);
    expect(() => resolveIdentity(tree, 'bob', null)).toThrow('User=bob');
  });

  test('a huge file is not read', () => {
    expect(() => resolveIdentity(makeTree({ 'etc/passwd': 'x'.repeat(1024 * 1024 + 1) }).tree, 'bob', null)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
  });

  test('no path and no link leads out of the root', () => {
    const part = fc.constantFrom('..', '.', 'a', 'b', 'c', '');
    const path = fc.tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 6 })).map(([absolute, parts]) => (absolute ? '/' : './') + parts.join('/'));
    fc.assert(fc.property(path, path, path, path, (a, b, c, wanted) => {
      const base = mkdtempSync(join(tmpdir(), 'wakesock-tree-'));
      try {
        const root = join(base, 'root');
        mkdirSync(join(root, 'd'), { recursive: true });
        for (const [name, target] of Object.entries({ a, b, 'd/c': c, c: 'd' })) symlinkSync(target, join(root, name));
        const found = new SiteTree([{ target: '/', source: root }]).find(wanted, '/d');
        if (found === null) return;
        expect(found.stats.isSymbolicLink()).toBe(false);
        expect(found.path === root || found.path.startsWith(`${root}/`)).toBe(true);
        expect(found.path.split('/')).not.toContain('..');
      } finally {
        rmSync(base, { recursive: true, force: true });
      }
    }), { numRuns: 200 });
  });
});

describe('what is mounted', () => {
  test('covers the root, the longest target first', () => {
    const { root } = makeTree({ 'srv/app/server': 'x', 'srv/conf': 'y', 'bin/sh': 'z', app: '->/opt/app' });
    const tree = new SiteTree([
      { target: '/', source: root }, { target: '/opt/app', source: join(root, 'srv/app') }, { target: '/etc/conf', source: join(root, 'srv/conf') }, { target: '/bin', source: null },
    ]);
    expect(tree.find('/app/server')?.path).toBe(join(root, 'srv/app/server'));
    expect(tree.find('/etc/conf')?.path).toBe(join(root, 'srv/conf'));
    expect(tree.find('/bin/sh')).toBeNull();
    expect(tree.find('/srv/conf/x')).toBeNull();
  });
});

test('further groups, by name and number, also where a group was chosen; each once, and never the main one', () => {
  const { tree } = makeTree(accounts);
  const groups = (user: string | null, group: string | null, add: readonly string[]): readonly number[] => resolveIdentity(tree, user, group, add).additionalGids;
  expect(groups('bob', null, ['none', '7', 'web'])).toEqual([33, 44, 7]);
  expect(groups('bob', 'none', ['none', 'web'])).toEqual([33]);
  expect(groups(null, null, ['web'])).toEqual([33]);
  expect(() => groups(null, null, ['nobody-has'])).toThrow('GroupAdd=nobody-has');
});
