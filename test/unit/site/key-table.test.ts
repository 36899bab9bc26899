/** The table of keys is whole: nothing that podman or systemd read is unknown to us, and what is not done has a reason. */
import { expect, test } from 'vitest';
import { schema } from '../../../src/site/schema.ts';
import { knownKeys } from '../../../src/unitfile/index.ts';
import { podmanKeys, podmanVersion } from './podman-keys.ts';

const rows = (section: string) => schema.filter((row) => row.section === section);
const keys = (section: string): string[] => rows(section).map(({ key }) => key).toSorted();

test(`[Container]: each key of podman ${podmanVersion}, and no other`, () => {
  expect(podmanKeys['Container']?.length).toBeGreaterThan(90);
  expect(keys('Container')).toEqual(podmanKeys['Container']?.toSorted());
});

test.each(Object.keys(podmanKeys))(`[%s] in the library: each key of podman ${podmanVersion}`, (section) => {
  // What podman 6 adds so far.
  const coming: Readonly<Record<string, readonly string[]>> = { Volume: ['GID', 'UID'] };
  expect(knownKeys[section]?.toSorted()).toEqual([...podmanKeys[section] ?? [], ...coming[section] ?? []].toSorted());
});

/** test/system/unitfile/keys.test.ts holds the keys of [Slice], which are these, against systemd's own list. */
test('[Service]: each key of systemd.resource-control(5)', () => {
  expect(knownKeys['Slice']?.length).toBeGreaterThan(60);
  expect(knownKeys['Slice']?.filter((key) => !keys('Service').includes(key))).toEqual([]);
});

test('[Service]: each limit of systemd.exec(5)', () => {
  const limits = knownKeys['Service']?.filter((key) => key.startsWith('Limit')) ?? [];
  expect(limits.length).toBe(16);
  expect(limits.filter((key) => !keys('Service').includes(key))).toEqual([]);
});

test('[Service], [Unit]: no key that systemd does not know', () => {
  expect(keys('Service').filter((key) => knownKeys['Service']?.includes(key) !== true)).toEqual([]);
  expect(keys('Unit').filter((key) => knownKeys['Unit']?.includes(key) !== true)).toEqual([]);
});

test('each key is either read, with its syntax, or not done, with a reason', () => {
  for (const row of schema) expect('read' in row ? row.syntax.length > 0 && row.text.length > 10 : row.reason.length > 10, `${row.section} ${row.key}`).toBe(true);
});
