import type { TestProject } from 'vitest/node';
import { bootFor } from '../system/global-setup.ts';
import { debianPackages } from './debian-packages.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What images are built from, in the box. */
    debianPackages: string;
  }
}

/** As for whole-system tests, with Debian's packages to build images from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await debianPackages((line) => process.stderr.write(`images: ${line}\n`));
  project.provide('debianPackages', directory);
  return bootFor(project, [directory]);
}
