/** The machine of a file of tests in test/vm, with the product installed. */
import { inject } from 'vitest';
import { nodePrefix } from '../vm/machine/disk.ts';
import { bootMachine, type MachineOptions, type VirtualMachine } from '../vm/machine/machine.ts';
import { Scene } from './scene.ts';

/** Each boots from the same disk, and writes to a layer of its own. */
export function bootInstalled(options: Omit<MachineOptions, 'disk'> = {}): Promise<VirtualMachine> {
  return bootMachine({ disk: inject('installedDisk'), ...options });
}

/** With an activator that logs everything and ends soon. */
export async function openScene(machine: VirtualMachine, exitIdleTime = '5s'): Promise<Scene> {
  return Scene.open(machine, exitIdleTime, await installedProgram());
}

/** After a boot: nothing is installed anew. */
export async function continueScene(machine: VirtualMachine): Promise<Scene> {
  return Scene.of(machine, await installedProgram());
}

async function installedProgram(): Promise<string> {
  return `${await nodePrefix()}/lib/node_modules/wakesock/dist/wakesock.cjs`;
}
