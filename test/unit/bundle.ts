import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A TypeScript file of this project as a program that Node runs, made as scripts/build.mjs makes ours. Gone after the test. */
export async function bundle(entry: string): Promise<string> {
  const { program, remove } = await makeBundle(entry);
  onTestFinished(remove);
  return program;
}

/** The same for all tests of a file: `beforeAll(async () => { …; return remove; })`. */
export async function makeBundle(entry: string): Promise<{ program: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-bundle-'));
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const build = await rolldown({ input: { program: join(root, entry) }, platform: 'node', external: ['koffi'], logLevel: 'silent' });
    await build.write({ dir: directory, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' });
    await build.close();
  } catch (error) {
    await remove();
    throw error;
  }
  return { program: join(directory, 'program.cjs'), remove };
}
