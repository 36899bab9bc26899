/** What is mounted below the directories that a site with a user namespace binds: its bundle names each, so another table means another bundle. */
import { realpathSync } from 'node:fs';
import type { MountsBelow } from '../base/site.ts';
import { mountsBelow, type MountEntry } from '../linux/mount-table.ts';

export function mountsUnchanged(before: MountsBelow | null, table: { read(): readonly MountEntry[] }): boolean {
  if (before === null) return true;
  const now = foundBelow(before.directories, table.read());
  return now.length === before.found.length && now.every((path, index) => path === before.found[index]);
}

export function foundBelow(directories: readonly string[], table: readonly MountEntry[]): string[] {
  return directories.flatMap((directory) => {
    try {
      return mountsBelow(table, realpathSync.native(directory));
    } catch {
      // Gone: crun will say so.
      return [];
    }
  });
}
