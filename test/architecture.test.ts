/** The import table of ARCHITECTURE.md, held against the code. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'src');

interface Row {
  readonly folder: string;
  readonly allowed: string;
}

const rows: Row[] = [...readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(
  ([, folder = '', allowed = '']) => ({ folder, allowed: allowed.trim() }),
);
const order = rows.map(({ folder }) => folder);

/** Folders that `folder` may import, from the words in its row. */
function allowedFor({ folder, allowed }: Row): Set<string> {
  const below = order.slice(order.indexOf(folder) + 1);
  const named = [...allowed.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  if (allowed === 'nothing') return new Set();
  if (allowed === 'everything' || allowed === 'all below') return new Set(below);
  const except = /^all below but `(\w+)`$/.exec(allowed);
  if (except) return new Set(below.filter((name) => name !== except[1]));
  const andBelow = /^`(\w+)` and all below it$/.exec(allowed);
  if (andBelow) return new Set(order.slice(order.indexOf(andBelow[1] ?? '')));
  return new Set(named);
}

function folderOf(file: string): string {
  const [first = ''] = relative(sources, file).split('/');
  return first.replace(/\.ts$/, '');
}

const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => join(sources, name));
const imports = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, target = '']) => ({ file, target: resolve(dirname(file), target) })),
).filter(({ target }) => target.startsWith(sources));

describe('the import table of ARCHITECTURE.md', () => {
  it('names every folder of src', () => {
    const folders = new Set(files.map(folderOf));
    expect(folders.size).toBeGreaterThan(10);
    expect([...folders].filter((folder) => !order.includes(folder))).toEqual([]);
  });

  it('is followed by every import', () => {
    expect(imports.length).toBeGreaterThan(100);
    const broken = imports
      .map(({ file, target }) => ({ file, from: folderOf(file), to: folderOf(target) }))
      .filter(({ from, to }) => {
        const row = rows.find(({ folder }) => folder === from);
        return from !== to && (!row || !allowedFor(row).has(to));
      })
      .map(({ file, to }) => `${relative(root, file)} imports ${to}`);
    expect(broken).toEqual([]);
  });
});
