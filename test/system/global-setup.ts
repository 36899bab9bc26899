import type { TestProject } from 'vitest/node';
import { type Box, type BoxInfo, type BoxTarget, bootBox } from '../box/box.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A box for each worker: see test/support/test-box.ts. */
    boxes: readonly BoxInfo[];
  }
}

/** Boots the boxes of this run; vitest fails the run when one does not boot. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return bootFor(project);
}

/** @param share directories that box and machine share */
export async function bootFor(project: TestProject, share: readonly string[] = []): Promise<() => Promise<void>> {
  const target = targetOfRun();
  const boxes: Box[] = [];
  for (let worker = 0; worker < Number(project.config.maxWorkers); worker += 1) {
    boxes.push(await bootBox({ target, share, log: (line) => process.stderr.write(`box: ${line}\n`) }));
  }
  project.provide('boxes', boxes.map(({ info }) => info));
  return async () => {
    for (const { stop } of boxes) await stop();
  };
}

export function targetOfRun(): BoxTarget {
  const target = process.env['WAKESOCK_TEST_TARGET'] ?? 'debian12';
  if (!isTarget(target)) throw new Error(`Expected WAKESOCK_TEST_TARGET to be debian12 or debian13, got ${target}`);
  return target;
}

function isTarget(text: string): text is BoxTarget {
  return text === 'debian12' || text === 'debian13';
}
