/** The virtual machine itself: nothing of it is left, and its disk is as it was. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, inject, test } from 'vitest';
import { pollUntil } from '../support/scene.ts';
import { bootMachine } from './machine/machine.ts';

const here = dirname(fileURLToPath(import.meta.url));
const disk = inject('installedDisk');

function childOf(pid: number): number | undefined {
  const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  return child === '' ? undefined : Number(child);
}

/** Another process may end, and qemu-img does, while it is looked at. */
function isQemu(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('qemu-system');
  } catch {
    return false;
  }
}
const directories = (owner: number): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith(`wakesock-vm-${owner}-`));

test('a machine ends with whoever booted it, however that ends, and the next one clears away what is left', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-vm-test-'));
  try {
    const bundle = await rolldown({ input: { machine: join(here, 'machine/machine.ts') }, platform: 'node' });
    await bundle.write({ dir: directory, format: 'esm', entryFileNames: '[name].mjs' });
    await writeFile(`${directory}/boot.mjs`, `import { bootMachine } from './machine.mjs';\nawait bootMachine({ disk: ${JSON.stringify(disk)} });\n`);
    const owner = spawn(process.execPath, [`${directory}/boot.mjs`], { stdio: 'ignore' });
    const ownerPid = owner.pid ?? 0;
    let qemu = 0;
    await pollUntil('QEMU to run', async () => {
      qemu = childOf(ownerPid) ?? 0;
      return isQemu(qemu);
    });
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await pollUntil('the end of QEMU', async () => !isQemu(qemu));
    expect(directories(ownerPid)).toHaveLength(1);

    const before = statSync(disk.image);
    const next = await bootMachine({ disk });
    expect(directories(ownerPid)).toEqual([]);
    await next.run(['sh', '-c', 'echo changed >/etc/changed && sync']);
    await next.powerOff();
    await next.stop();
    expect(directories(process.pid)).toEqual([]);
    // Whatever is changed in a machine, the disk that it booted from is as it was.
    const after = statSync(disk.image);
    expect([after.mtimeMs, after.blocks]).toEqual([before.mtimeMs, before.blocks]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
