/** What the documentation names is there: links, examples, commands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { verbs } from '../../../src/cli/verbs.ts';
import { loadSite } from '../../../src/site/index.ts';
import { SiteFiles } from '../site/site-files.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const pages = ['', 'docs', 'examples', 'bench']
  .flatMap((folder) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => join(root, folder, name)) : []))
  .filter((path) => path.endsWith('.md'));
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = textOf('README.md');
const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts);

interface Block { readonly language: string; readonly text: string }

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({ language, text }));
}

/** Without code, where brackets mean other things. */
function proseOf(markdown: string): string {
  return markdown.replaceAll(/^```\w*\n.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '`');
}

/** As GitHub makes them: lower case, punctuation away, dashes for spaces. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.replaceAll(/^```\w*\n.*?^```$/gms, '').matchAll(/^#{1,6} (.+)$/gm)]
    .map(([, title = '']) => title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));
}

test.each(pages.map((page) => relative(root, page)))('links of %s lead somewhere', (page) => {
  const broken = [...proseOf(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => {
    if (target.startsWith('https://')) return false;
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? join(root, page) : resolve(dirname(join(root, page)), path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('the pages that README promises were found', () => {
  expect(pages.map((page) => relative(root, page))).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/units.md']));
});

let files: SiteFiles | null = null;
afterEach(() => {
  files?.remove();
  files = null;
});

/** What is wrong with a site file of this text; files that it names beside itself are not looked at. */
function problemsOf(text: string, name: string): string[] {
  files = new SiteFiles();
  const isTemplate = text.includes('%i');
  files.write(`etc/${isTemplate ? 'example@' : name}.container`, text);
  const { site, diagnostics } = loadSite(files.paths, isTemplate ? 'example@8091' : name);
  return [...diagnostics.map(({ line, message }) => `${line}: ${message}`), ...(site === null ? ['no site'] : [])];
}

const siteBlocks = pages.map((page) => relative(root, page)).flatMap((page) => blocksOf(textOf(page))
  .filter(({ language, text }) => language === 'ini' && text.includes('[Container]'))
  .map(({ text }, index) => ({ where: `${page}, example ${index + 1}`, text })));

test('README shows site files', () => {
  expect(siteBlocks.filter(({ where }) => where.startsWith('README.md')).length).toBeGreaterThan(0);
});

test.each(siteBlocks)('the site file in $where has no errors and no warnings', ({ text }) => {
  expect(problemsOf(text, 'example')).toEqual([]);
});

const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.container'));

test('there are examples', () => expect(examples.length).toBeGreaterThan(0));

test.each(examples)('examples/%s has no errors and no warnings', (example) => {
  expect(problemsOf(textOf(`examples/${example}`), example.replace('.container', ''))).toEqual([]);
});

/** Lines of code blocks that are typed, and code in the text. */
function commandsOf(markdown: string): string[] {
  const typed = blocksOf(markdown).filter(({ language }) => language === '')
    .flatMap(({ text }) => text.split('\n').map((line) => line.replace(/^# /, '').replace(/ {2,}#.*$/, '')));
  const inline = [...markdown.replaceAll(/^```\w*\n.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  return [...typed, ...inline].flatMap((line) => line.split(' && '));
}

test.each(['README.md', 'CONTRIBUTING.md', 'docs/units.md', 'docs/front.md'])('the verbs that %s names exist', (page) => {
  const named = commandsOf(textOf(page)).flatMap((line) => /^(?:wakesock|node dist\/wakesock\.cjs) ([a-z][a-z-]*)\b/.exec(line)?.[1] ?? []);
  // A table heading of `wakesock status` begins like a command.
  expect(named.filter((verb) => verb !== 'activator' && !Object.hasOwn(verbs, verb))).toEqual([]);
  expect(named.length).toBeGreaterThan(0);
});

test.each(['README.md', 'CONTRIBUTING.md'])('the npm scripts that %s names exist', (page) => {
  const named = commandsOf(textOf(page)).flatMap((line) => {
    const [, script, other] = /^npm (?:run ([\w:]+)|(test)\b)/.exec(line) ?? [];
    return script ?? other ?? [];
  });
  expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  expect(named.length).toBeGreaterThan(0);
});

test('the quick start of README is exactly two commands', () => {
  const quickStart = readme.slice(readme.indexOf('## Quick start'), readme.indexOf('## Figures'));
  expect(blocksOf(quickStart).map(({ text }) => text)).toEqual(['npm ci && npm run demo\nnpm ci && npm test\n']);
});

test('README names every Debian package that is installed', async () => {
  const { packages } = (await import(pathToFileURL(join(root, 'scripts/packages.mjs')).href)) as { packages: readonly { readonly name: string }[] };
  const table = readme.slice(readme.indexOf('| package | what for |'), readme.indexOf('Where a box is impossible'));
  const named = [...table.matchAll(/^\| ([a-z0-9, -]+) \|/gm)].flatMap(([, names = '']) => names.split(', '));
  expect(named.filter((name) => name !== 'package' && name !== '---').toSorted()).toEqual(packages.map(({ name }) => name).toSorted());
});

test('README gives a reason for every dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(textOf('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const rows = readme.slice(readme.indexOf('## Dependencies')).split('\n').filter((line) => line.startsWith('| '));
  const missing = Object.entries({ ...dependencies, ...devDependencies }).filter(([name, version]) => {
    const number = version.split('@').at(-1) ?? '';
    return !rows.some((row) => (row.startsWith(`| ${name} `) || row.startsWith(`| [${name}]`)) && row.includes(` ${number}`));
  });
  expect(missing.map(([name, version]) => `${name} ${version}`)).toEqual([]);
});
