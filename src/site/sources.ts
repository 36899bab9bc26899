import type { SourceState } from '../base/site.ts';
import { sourceState } from '../unitfile/load.ts';

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
