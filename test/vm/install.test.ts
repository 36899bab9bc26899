/** A user's own view: README's first site on a whole machine. */
import { afterAll, beforeAll, inject, test } from 'vitest';
import { bootMachine, type VirtualMachine } from './machine/machine.ts';

let machine: VirtualMachine;

beforeAll(async () => { machine = await bootMachine({ disk: inject('installedDisk') }); });
afterAll(() => machine.stop());

test('x', async () => {
  console.log(await machine.run(['sh', '-c', 'wakesock --version; wakesock status; systemctl status wakesock.socket']));
});
