import { expandSpecifiers, type SpecifierContext } from '../unitfile/specifiers.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import type { Place, UnitEntry } from '../unitfile/unit-file.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import type { SourceState } from '../base/site.ts';

/** Thrown by value readers: the value is understood, and this version does not do it. */
export class NotSupportedError extends UnitValueError {}

/** What reading the keys of one site collects besides the site. */
export class Reading {
  readonly diagnostics: Diagnostic[] = [];
  /** Files that keys name and that were read in (EnvironmentFile=). */
  readonly sources: SourceState[] = [];
  readonly specifiers: SpecifierContext;
  readonly mainFile: string;
  /** Where files of sites are, and what stands beside them. */
  readonly siteDirs: readonly string[];

  constructor(mainFile: string, siteDirs: readonly string[], specifiers: SpecifierContext) {
    this.mainFile = mainFile;
    this.siteDirs = siteDirs;
    this.specifiers = specifiers;
  }

  expand(text: string): string {
    return expandSpecifiers(text, this.specifiers);
  }

  error(code: string, place: Place | null, message: string, suggestion: string | null = null): void {
    this.#add('error', code, place, message, suggestion);
  }

  warning(code: string, place: Place | null, message: string, suggestion: string | null = null): void {
    this.#add('warning', code, place, message, suggestion);
  }

  /** Runs a reader of the entry's value; what it throws of a value becomes a diagnostic at the place. */
  attempt(entry: UnitEntry, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof UnitValueError)) throw error;
      const code = error instanceof NotSupportedError ? 'ERR_WAKESOCK_NOT_SUPPORTED' : 'bad-value';
      this.error(code, entry.place(error.offset), `${entry.key}=: ${error.message}`, error.suggestion);
    }
  }

  #add(severity: Diagnostic['severity'], code: string, place: Place | null, message: string, suggestion: string | null): void {
    const { file, line, column, text } = place ?? { file: this.mainFile, line: 0, column: 0, text: '' };
    this.diagnostics.push({ severity, code, file, line, column, text, message, suggestion });
  }
}
