/**
 * Thrown by every value reader of this library, and the only thing they throw: the text is not a value of the kind.
 * `offset` says where in the text (UTF-16 units from 0) the trouble begins.
 */
export class UnitValueError extends Error {
  override readonly name = 'UnitValueError';
  readonly offset: number;
  readonly suggestion: string | null;

  constructor(message: string, options: { offset?: number; suggestion?: string } = {}) {
    super(message);
    this.offset = options.offset ?? 0;
    this.suggestion = options.suggestion ?? null;
  }
}
