/** Whether the files that something was made from are as they were. */
import { statSync } from 'node:fs';
import type { SourceState } from './site.ts';

/** A path that does not exist has a state too: its appearing is a change. */
export function sourceState(path: string): SourceState {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return { path, mtimeNs: found ? String(found.mtimeNs) : null, size: found ? Number(found.size) : null };
}

export function sourcesUnchanged(sources: readonly SourceState[]): boolean {
  return sources.every((source) => {
    const now = sourceState(source.path);
    return now.mtimeNs === source.mtimeNs && now.size === source.size;
  });
}
