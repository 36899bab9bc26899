import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A TypeScript file of this project as a program that Node runs, made as scripts/build.mjs makes ours. Gone after the test. */
export async function bundle(entry: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'wakesock-bundle-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  const build = await rolldown({ input: { program: join(root, entry) }, platform: 'node', external: ['koffi'], logLevel: 'silent' });
  await build.write({ dir: directory, format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name]-[hash].cjs' });
  await build.close();
  return join(directory, 'program.cjs');
}
