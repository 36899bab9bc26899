import type { TestProject } from 'vitest/node';
import { type BoxInfo, type BoxTarget, bootBox } from '../box/box.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The box that all whole-system tests of a run share: `attachBox(inject('box'))`. */
    box: BoxInfo;
  }
}

/** Boots the box of this run; vitest fails the run when it does not boot. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return bootFor(project);
}

/** @param share directories that box and machine share */
export async function bootFor(project: TestProject, share: readonly string[] = []): Promise<() => Promise<void>> {
  const target = process.env['WAKESOCK_TEST_TARGET'] ?? 'debian12';
  if (!isTarget(target)) throw new Error(`Expected WAKESOCK_TEST_TARGET to be debian12 or debian13, got ${target}`);
  const box = await bootBox({ target, share, log: (line) => process.stderr.write(`box: ${line}\n`) });
  project.provide('box', box.info);
  return box.stop;
}

function isTarget(text: string): text is BoxTarget {
  return text === 'debian12' || text === 'debian13';
}
