/** Whether the files that something was made from are as they were. */
import { statSync } from 'node:fs';
import type { SourceState } from './site.ts';

/** A path that does not exist has a state too: its appearing is a change. */
export function sourceState(path: string): SourceState {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return { path, mtimeNs: found ? String(found.mtimeNs) : null, size: found ? Number(found.size) : null };
}

/** Whether every file and directory is as it was: the result would be the same. One stat(2) each, no file is read. */
export function sourcesUnchanged(sources: readonly SourceState[]): boolean {
  return sources.every((before) => {
    try {
      const now = sourceState(before.path);
      return now.mtimeNs === before.mtimeNs && now.size === before.size;
    } catch {
      return false;
    }
  });
}
