/** No text makes a reader throw anything but its own error. Findings are kept in test/corpus; work.test.ts counts what it costs. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as unitfile from '../../../src/unitfile/index.ts';
import { oracleTest } from '../../support/oracle.ts';
import { attempt, pieces, readers } from '../../support/unitfile-readers.ts';
import { anyCharacter } from '../../support/any-character.ts';

test('every function that is given text is here', () => {
  // These are given paths of files, values or objects.
  const others = new Set(['formatMode', 'indexAliases', 'isMasked', 'loadUnit', 'readUnitFile', 'sourceState', 'UnitValueError']);
  const functions = Object.entries(unitfile).filter(([, value]) => typeof value === 'function').map(([name]) => name);
  expect(functions.filter((name) => !others.has(name)).toSorted()).toEqual(Object.keys(readers).toSorted());
});

describe('anything, by anyone', () => {
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: anyCharacter, maxLength: 4 })), { maxLength: 30 }).map((all) => all.join(''));
  for (const [name, read] of Object.entries(readers)) {
    oracleTest(name, 10_000, (seed) => fc.assert(fc.property(text, (found) => attempt(read, found)), { numRuns: 500, seed }));
  }

  test('findings of the past', () => {
    const corpus = new URL('../../corpus/', import.meta.url);
    const names = readdirSync(corpus, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) for (const read of Object.values(readers)) attempt(read, readFileSync(new URL(name, corpus), 'utf8'));
  });
});
