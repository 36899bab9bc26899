/** Every example of docs/unitfile.md and every `@example` of the source runs, and gives what it says. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as unitfile from '../../../src/unitfile/index.ts';

const names = Object.keys(unitfile);

const check = (found: unknown, expected: unknown, line: string): void => expect(found, line).toEqual(expected);

/** Lines `EXPRESSION; // VALUE` are checked, others are run. */
function run(code: string): number {
  let checks = 0;
  const body = code.split('\n').filter((line) => !line.startsWith('import ')).map((line) => {
    const [, expression, value] = /^(.*?);? \/\/ (.+)$/.exec(line) ?? [];
    if (expression === undefined || value === undefined) return line;
    checks++;
    return `check((${expression}), (${value}), ${JSON.stringify(line)});`;
  }).join('\n');
  new Function('check', ...names, `'use strict';\n${body}`)(check, ...names.map((name) => unitfile[name as keyof typeof unitfile]));
  return checks;
}

describe('docs/unitfile.md', () => {
  const text = readFileSync(new URL('../../../docs/unitfile.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string);
  test.each(blocks.map((code, i) => [i + 1, code] as const))('example %i', (_number, code) => expect(run(code)).toBeGreaterThan(0));

  test('names everything that there is to read, write and check, and nothing else', () => {
    const named = new Set([...text.matchAll(/\b[a-zA-Z]\w+\b/g)].map(([word]) => word));
    const small = new Set(['quote', 'suggest', 'isPercentage', 'isMasked', 'readUnitFile', 'sourceState', 'simplifyPath', 'knownKeys', 'unitTypes', 'quadletTypes', 'lineBytesMax', 'unitFileBytesMax', 'unixPathBytesMax', 'UnitValueError']);
    expect(names.filter((name) => !named.has(name) && !small.has(name))).toEqual([]);
    const readers = [...text.matchAll(/`((?:parse|format|is|escape|unescape|load|index)[A-Z]\w+)`/g)].map(([, name]) => name as string);
    expect(readers.filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('@example', () => {
  const directory = new URL('../../../src/unitfile/', import.meta.url);
  const examples = readdirSync(directory).flatMap((file) => [...readFileSync(new URL(file, directory), 'utf8').matchAll(/\* @example\n((?: \* .*\n)+?) \*\//g)]
    .map(([, lines]) => [file, (lines as string).replaceAll(/^ \* /gm, '')] as const));
  test('there are some', () => expect(examples.length).toBeGreaterThan(15));
  // TypeScript's `?.` and `??` are JavaScript's, too.
  test.each(examples)('%s', (_file, code) => expect(run(code)).toBeGreaterThan(0));
});
