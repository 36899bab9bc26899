import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { siteFileBytesMax } from '../base/limits.ts';
import { sourceState } from '../unitfile/load.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import type { SiteDraft } from './draft.ts';
import type { Reading } from './reading.ts';

/** Reads `EnvironmentFile=`: podman's format, one `NAME=value` a line, nothing unquoted. `-` before the path: it may be missing. */
export function readEnvironmentFiles(draft: SiteDraft, entries: readonly UnitEntry[], reading: Reading): void {
  for (const entry of entries) {
    reading.attempt(entry, () => {
      const value = reading.expand(entry.value);
      const optional = value.startsWith('-');
      const path = resolve(dirname(entry.file), optional ? value.slice(1) : value);
      const text = read(path, optional, reading);
      for (const [i, raw] of text.split('\n').entries()) {
        const line = raw.replace(/\r$/, '').trimStart();
        if (line === '' || line.startsWith('#')) continue;
        const equals = line.indexOf('=');
        const place = { file: path, line: i + 1, column: 1, text: raw.replace(/\r$/, '') };
        const name = equals < 0 ? line : line.slice(0, equals).trim();
        if (equals < 0) {
          reading.warning('environment-file-line', place, `Expected NAME=value; podman would take ${JSON.stringify(name.slice(0, 80))} from its own environment, here it is ignored`);
        } else if (name === '' || /[\s\u0000]/.test(name) || line.includes('\0')) {
          reading.error('environment-file-line', place, 'Expected NAME=value');
        } else {
          draft.environment.set(name, line.slice(equals + 1));
        }
      }
    });
  }
}

function read(path: string, optional: boolean, reading: Reading): string {
  try {
    const state = sourceState(path);
    reading.sources.push(state);
    if (state.size === null) {
      if (optional) return '';
      throw new UnitValueError(`Expected a readable file, found nothing at ${path}`);
    }
    if (state.size > siteFileBytesMax) throw new UnitValueError(`Expected a file of at most ${siteFileBytesMax} bytes, found ${state.size} at ${path}`);
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof UnitValueError) throw error;
    throw new UnitValueError(`Expected a readable file: ${error instanceof Error ? error.message : String(error)}`);
  }
}
