/** A problem of a unit file, at its place: what a compiler would print. Plain data. */
export interface Diagnostic {
  /** `error`: the file cannot be used as it is. `warning`: something in it has no effect. */
  readonly severity: 'error' | 'warning';
  /** Stable: scripts may match on it. */
  readonly code: string;
  readonly file: string;
  /** From 1; 0 where the problem is of the whole file. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count; 0 where the problem is of the whole line or file. */
  readonly column: number;
  /** The line as it stands in the file, without its end; empty where there is none. */
  readonly text: string;
  /** Names the thing, what was expected and what was found. */
  readonly message: string;
  /** What to write instead, where that is known. */
  readonly suggestion: string | null;
}
