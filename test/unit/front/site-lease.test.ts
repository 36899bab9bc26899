import { expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import type { OwnAnswer } from '../../../src/front/answer.ts';
import { SiteLease, type SiteLeaseOptions } from '../../../src/front/site-lease.ts';

/** What is told of one that the activator answers so, after as long as anybody waits. */
async function told(error: Error): Promise<{ refused: OwnAnswer[]; notReached: unknown[] }> {
  const refused: OwnAnswer[] = [];
  const notReached: unknown[] = [];
  const never: Pick<SiteLeaseOptions, 'onHeld' | 'onLost' | 'before'> = { onHeld: () => expect.fail('held'), onLost: () => expect.fail('lost'), before: () => null };
  await new SiteLease({
    ...never, lease: () => Promise.reject(error), wanted: () => true, waitMsMax: () => -1,
    onRefused: (answer) => { refused.push(answer); }, onNotReached: (reason) => { notReached.push(reason); },
  }).ask();
  return { refused, notReached };
}

test('an activator that cannot be asked: clients are told to come again, the log why', async () => {
  const error = new WakesockError('ERR_WAKESOCK_CONTROL', 'permission denied');
  expect(await told(error)).toEqual({ refused: [expect.objectContaining({ status: 503, retryAfterMs: 5_000 })], notReached: [error] });
});

test('one that refuses the wake has said why in its own log', async () => {
  expect(await told(new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', 'no such site'))).toEqual({ refused: [expect.objectContaining({ status: 502, code: 'ERR_WAKESOCK_SITE_NOT_FOUND' })], notReached: [] });
});
