/** Programs that read what they are sent otherwise than they should, each in a way that some server once did. What is passed on must mean the same to all of them. */

export interface SloppyReader {
  readonly name: string;
  /** Splits a head. */
  readonly lines: RegExp;
  /** A name as it is compared. */
  readonly name_: (name: string) => string;
  /** Whether a coding is chunked. */
  readonly chunked: (coding: string) => boolean;
  /** NaN: no length. */
  readonly length: (value: string) => number;
  /** Of several. */
  readonly which: 'first' | 'last';
  /** Of both. */
  readonly prefers: 'length' | 'coding';
}

const strict: SloppyReader = {
  name: 'strict', lines: /\r\n/, name_: (name) => name.toLowerCase(), chunked: (coding) => coding.toLowerCase() === 'chunked', length: (value) => (/^\d+$/.test(value) ? Number(value) : NaN), which: 'first', prefers: 'coding',
};

/** strtol(3) of base 10 or, with `0x` and `0` before it, of another. */
function prefix(value: string): number {
  const [, sign = '', digits = ''] = /^\s*([+-]?)(\d*)/.exec(value) ?? [];
  return digits === '' ? 0 : Number(`${sign}${digits}`);
}

export const sloppyReaders: readonly SloppyReader[] = [
  strict,
  { ...strict, name: 'any line end', lines: /\r\n|\n|\r/ },
  { ...strict, name: 'control characters end lines', lines: /\r\n|[\n\r\v\f\x1c-\x1e]/ },
  { ...strict, name: 'lines are folded', lines: /\r\n(?![ \t])/ },
  { ...strict, name: 'names without what is around them', name_: (name) => name.toLowerCase().replace(/^[\x00-\x20\x7f-\xff]+|[\x00-\x20\x7f-\xff]+$/g, '') },
  { ...strict, name: 'names as variables', name_: (name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-') },
  { ...strict, name: 'names end at a space or a zero', name_: (name) => name.toLowerCase().split(/[\s\0]/, 1)[0] as string },
  { ...strict, name: 'any coding', chunked: () => true },
  { ...strict, name: 'part of a coding', chunked: (coding) => /chunk/i.test(coding) },
  { ...strict, name: 'the first of a list of codings', chunked: (coding) => coding.toLowerCase().split(/[,;]/, 1)[0]?.trim() === 'chunked' },
  { ...strict, name: 'only the exact coding', chunked: (coding) => coding === coding.trim() && coding.toLowerCase() === 'chunked' },
  { ...strict, name: 'the beginning of a length', length: prefix },
  { ...strict, name: 'lengths with signs, in all bases', length: (value) => Number(value.replaceAll('_', '') || 0) },
  { ...strict, name: 'the last length', which: 'last' },
  { ...strict, name: 'lengths of 32 bits', length: (value) => Number(value) >>> 0 },
  { ...strict, name: 'a length before a coding', prefers: 'length' },
];

/** What is behind the first head, as far as it is said to be its body: how it is said, and how long it is. */
export function bodyAsReadBy({ lines, name_, chunked, length, which, prefers }: SloppyReader, bytes: string): string {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return 'no head';
  const fields = bytes.slice(0, end).split(lines).slice(1).map((line) => [name_(line.slice(0, line.indexOf(':'))), line.slice(line.indexOf(':') + 1).replace(/^[ \t]+|[ \t]+$/g, '')] as const);
  const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  const lengths = fields.filter(([name]) => name === 'content-length').map(([, value]) => value);
  const isChunked = codings.some(chunked) && !(prefers === 'length' && lengths.length > 0);
  if (isChunked) return 'chunks';
  return lengths.length === 0 ? 'none' : `length ${length(lengths.at(which === 'first' ? 0 : -1) as string)}`;
}
