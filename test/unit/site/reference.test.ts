import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../src/base/errors.ts';
import { problemCodes, siteReference } from '../../../src/site/reference.ts';
import { schema } from '../../../src/site/schema.ts';

/** `npx vitest run --project unit test/unit/site/reference.test.ts -u` writes it anew. */
test('docs/site-file.md is what the schema says', async () => {
  await expect(siteReference()).toMatchFileSnapshot(new URL('../../../docs/site-file.md', import.meta.url).pathname);
});

test('every key is in the schema once', () => {
  const keys = schema.map(({ section, key }) => `${section}/${key}`);
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

test('the codes that the source reports are documented', () => {
  const folders = ['site', 'unitfile'].map((name) => new URL(`../../../src/${name}/`, import.meta.url));
  const source = folders.flatMap((dir) => readdirSync(dir).map((file) => readFileSync(new URL(file, dir), 'utf8'))).join('\n');
  const used = new Set([...source.matchAll(/(?:error|warning|report|unreadable)\((?:'(?:error|warning)', |path, )?'([a-z-]+|ERR_\w+)'/g)].map(([, code]) => code as string));
  expect(used.size).toBeGreaterThan(10);
  for (const code of used) expect([...Object.keys(problemCodes), ...Object.keys(errorCodes)]).toContain(code);
});
