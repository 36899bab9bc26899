import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { enabledRecord, type Paths } from '../base/paths.ts';
import { syncDirectory } from './state-files.ts';

/** Where no socket unit of its own tells that a site is enabled. */
export function recordEnabled(paths: Paths, site: string): void {
  const path = enabledRecord(paths, site);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  // Enabled it stays so, whatever becomes of the machine's power.
  syncDirectory(dirname(path));
}

export function unrecordEnabled(paths: Paths, site: string): void {
  if (!isRecorded(paths, site)) return;
  const path = enabledRecord(paths, site);
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

export function isRecorded(paths: Paths, site: string): boolean {
  return existsSync(enabledRecord(paths, site));
}
