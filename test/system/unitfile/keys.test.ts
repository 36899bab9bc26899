/** Every key that systemd knows is known here. */
import { expect, test } from 'vitest';
import { knownKeys } from '../../../src/unitfile/index.ts';
import { testBox } from '../../support/test-box.ts';

test('all keys of systemd --dump-configuration-items', async () => {
  const text = await testBox().run(['/usr/lib/systemd/systemd', '--dump-configuration-items']);
  let section = '';
  let count = 0;
  const missing: string[] = [];
  for (const line of text.split('\n')) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    const key = /^([^=]+)=/.exec(line)?.[1];
    if (key === undefined) continue;
    count++;
    if (knownKeys[section]?.includes(key) !== true) missing.push(`[${section}] ${key}`);
  }
  expect(count).toBeGreaterThan(1000);
  expect(missing).toEqual([]);
});
