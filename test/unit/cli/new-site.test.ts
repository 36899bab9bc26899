import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import { assertRemovable, newSite, removeSiteFiles, type NewSite, type NewSiteRequest } from '../../../src/cli/new-site.ts';
import { writeOurs } from '../../../src/cli/written-files.ts';
import { loadSite } from '../../../src/site/index.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

const put = (path: string, text = ''): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

function ground(): { paths: Paths; create: (request: Partial<NewSiteRequest>) => NewSite } {
  const directory = temporaryDirectory();
  const paths: Paths = { siteDirs: [`${directory}/etc`, `${directory}/lib`], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: '' };
  put(`${directory}/etc/shop@.container`, '[Container]\nImage=shop\nEnvironment=NAME=%i\n');
  return {
    paths,
    create: (request) => {
      const made = newSite(paths, { name: 'alice', from: null, image: null, hosts: [], listen: [], ports: [], ...request });
      if (made.file) writeOurs(made.file.path, made.file.text);
      return made;
    },
  };
}

const code = (name: string, text = '') => expect.objectContaining({ code: `ERR_WAKESOCK_${name}`, message: expect.stringContaining(text) });

test('of an image: one file that says what was asked for', () => {
  const { paths, create } = ground();
  expect(create({ image: 'docker.io/library/nginx:1.27', listen: ['8081', '[::1]:8082'], hosts: ['a.example.com', 'b.example.com'], ports: ['80', '81'] }).name).toBe('alice');
  expect(loadSite(paths, 'alice')).toMatchObject({
    diagnostics: [],
    site: {
      root: { kind: 'image', image: 'docker.io/library/nginx:1.27' }, listen: [{ text: '0.0.0.0:8081' }, { text: '[::1]:8082' }],
      hosts: ['a.example.com', 'b.example.com'], ports: [{ port: 80 }, { port: 81 }],
    },
  });
});

test('of a template: a drop-in of the instance, or nothing where the template says all', () => {
  const { paths, create } = ground();
  expect(create({ from: 'shop@', listen: ['8081'] })).toMatchObject({ name: 'shop@alice', file: { path: `${paths.siteDirs[0]}/shop@alice.container.d/50-create.conf` } });
  expect(loadSite(paths, 'shop@alice').site).toMatchObject({ listen: [{ text: '0.0.0.0:8081' }], environment: { NAME: 'alice' } });
  expect(create({ from: 'shop@', name: 'bob' })).toEqual({ name: 'shop@bob', file: null });
});

describe('refused', () => {
  test.each<[string, Partial<NewSiteRequest>, ReturnType<typeof code>]>([
    ['neither a template nor an image', {}, code('USAGE', '--from')],
    ['both', { from: 'shop@', image: 'x' }, code('USAGE', '--from')],
    ['a template without @', { from: 'shop' }, code('USAGE', 'shop@')],
    ['a template that is not there', { from: 'none@' }, code('SITE_NOT_FOUND', 'none@.container')],
    ['a name that is none', { name: '../x', image: 'x', listen: ['1'] }, code('SITE_NAME')],
    ['an instance of an image', { name: 'a@b', image: 'x', listen: ['1'] }, code('USAGE', 'without @')],
    ['an image that nobody can reach', { image: 'x' }, code('USAGE', '--listen')],
    ['an image that is none', { image: '--privileged', listen: ['1'] }, code('USAGE', '--image')],
    ['a port that is none', { image: 'x', listen: ['99999'] }, code('USAGE', '--listen')],
    ['a second line', { image: 'x', listen: ['/run/a\nb'] }, code('USAGE')],
    ['a continued line', { from: 'shop@', listen: ['/run/a\\'] }, code('USAGE')],
    ['a host name that is none', { image: 'x', hosts: ['a b/'] }, code('USAGE', '--host')],
  ])('%s', (_, request, error) => {
    const { create } = ground();
    expect(() => create(request)).toThrow(error);
  });

  test('a site that is there, wherever it comes from', () => {
    const { paths, create } = ground();
    put(`${paths.siteDirs[1]}/vendor.container`);
    put(`${paths.stateDir}/instances/shop@enabled`);
    put(`${preparedDir(paths, 'prepared')}/site.json`);
    create({ image: 'x', listen: ['1'] });
    for (const request of [{ name: 'vendor', image: 'x' }, { name: 'enabled', from: 'shop@' }, { name: 'prepared', image: 'x' }, { name: 'alice', image: 'x' }]) {
      expect(() => create({ listen: ['1'], ...request })).toThrow(code('SITE_EXISTS'));
    }
  });
});

test('what a removed site left of its data is no site; it is there for the next of its name, and can be removed', () => {
  const { paths, create } = ground();
  put(`${preparedDir(paths, 'alice')}/upper/file`);
  assertRemovable(paths, 'alice');
  create({ image: 'x', listen: ['1'] });
});

test('a percent sign is itself', () => {
  const { paths, create } = ground();
  create({ image: 'x', listen: ['/run/100%i.sock'] });
  expect(loadSite(paths, 'alice').site?.listen).toMatchObject([{ path: '/run/100%i.sock' }]);
});

describe('removing', () => {
  test('what create wrote, changed since or not', () => {
    const { paths, create } = ground();
    const { file } = create({ image: 'x', listen: ['1'] });
    writeFileSync(file?.path ?? '', `${readFileSync(file?.path ?? '', 'utf8')}IdleSec=1min\n`);
    assertRemovable(paths, 'alice');
    removeSiteFiles(paths, 'alice');
    expect(existsSync(file?.path ?? '')).toBe(false);
    const instance = create({ from: 'shop@', listen: ['1'] });
    removeSiteFiles(paths, 'shop@alice');
    expect(existsSync(dirname(instance.file?.path ?? ''))).toBe(false);
    expect(existsSync(`${paths.siteDirs[0]}/shop@.container`)).toBe(true);
  });

  test('nothing of somebody else\'s, and nothing that is not there', () => {
    const { paths } = ground();
    for (const directory of paths.siteDirs) {
      put(`${directory}/theirs.container`, '[Container]\n');
      expect(() => assertRemovable(paths, 'theirs')).toThrow(code('NOT_OURS', 'theirs.container'));
    }
    expect(() => assertRemovable(paths, 'none')).toThrow(code('SITE_NOT_FOUND'));
  });

  test('a drop-in of somebody else\'s stays', () => {
    const { paths, create } = ground();
    const { file } = create({ from: 'shop@', listen: ['1'] });
    put(`${dirname(file?.path ?? '')}/mine.conf`);
    removeSiteFiles(paths, 'shop@alice');
    expect(existsSync(`${dirname(file?.path ?? '')}/mine.conf`)).toBe(true);
  });
});
