/** The box of this file's tests. Each worker of a run has one, in which its files run one after another. */
import { inject } from 'vitest';
import { attachBox, type AttachedBox } from '../box/box.ts';

export function testBox(): AttachedBox {
  const info = inject('boxes')[Number(process.env['VITEST_POOL_ID']) - 1];
  if (info === undefined) throw new Error(`Expected a box for worker ${process.env['VITEST_POOL_ID']}, found none`);
  return attachBox(info);
}
