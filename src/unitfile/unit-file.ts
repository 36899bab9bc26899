import type { Diagnostic } from './diagnostic.ts';

/** A place in a file: line and column from 1, the column in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line as it stands in the file. */
  readonly text: string;
}

/** One `Key=value`, continuation lines joined as systemd joins them. */
export interface UnitEntry {
  readonly section: string;
  readonly key: string;
  /** Without the whitespace around it. A backslash at the end of a line has become one space. */
  readonly value: string;
  readonly file: string;
  /** Of the key. */
  readonly line: number;
  readonly column: number;
  /** The physical line that the key is on. */
  readonly text: string;
  /** Where the character at `offset` of {@link value} stands in the file. */
  place(offset?: number): Place;
}

/** A stretch of the file. The `raw` of all nodes in order is the file, byte for byte. */
export type UnitNode =
  | { readonly kind: 'blank' | 'comment' | 'ignored'; readonly raw: string }
  | { readonly kind: 'section'; readonly raw: string; readonly section: string; readonly line: number }
  | { readonly kind: 'entry'; readonly raw: string; readonly entry: UnitEntry };

/** A parsed unit file. */
export interface UnitFile {
  readonly file: string;
  readonly nodes: readonly UnitNode[];
  /** Assignments in the order of the file, of all sections. */
  readonly entries: readonly UnitEntry[];
  readonly diagnostics: readonly Diagnostic[];
  /** The file again, the same bytes. */
  print(): string;
}
