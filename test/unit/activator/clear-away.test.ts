import { expect, test } from 'vitest';
import { clearAway } from '../../../src/activator/clear-away.ts';
import type { Log } from '../../../src/base/log.ts';

test('one step after the other, each whatever became of the ones before', async () => {
  const done: string[] = [];
  const log = { error: (message: string, fields: object) => void done.push(`${message} ${JSON.stringify(fields)}`) } as unknown as Log;
  await clearAway('blog', log, [
    async () => {
      await Promise.resolve();
      done.push('first');
    },
    () => {
      throw new Error('no');
    },
    () => Promise.reject(new Error('neither')),
    () => void done.push('last'),
  ]);
  expect(done.map((line) => line.replace(/"code":"[^"]*"/, 'code'))).toEqual([
    'first',
    'Clearing away a container failed {"site":"blog",code,"message":"no"}',
    'Clearing away a container failed {"site":"blog",code,"message":"neither"}',
    'last',
  ]);
});
