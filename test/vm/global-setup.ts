import type { TestProject } from 'vitest/node';
import { targetOfRun } from '../system/global-setup.ts';
import { installedMachine } from './installed.ts';
import type { Disk } from './machine/disk.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a machine in which the product is installed. Nobody writes to it. */
    installedDisk: Disk;
  }
}

/** Installs the product once; each file of tests boots a machine of its own from that. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const machine = await installedMachine(targetOfRun(), (line) => process.stderr.write(`vm: ${line}\n`));
  project.provide('installedDisk', machine.disk);
  return () => machine.stop();
}
