import fc from 'fast-check';

/**
 * Any character of Unicode, for `fc.string({ unit: anyCharacter })`: as fast-check's `binary`, whose making takes half a second, and on a busy machine
 * longer than a test may.
 */
export const anyCharacter = fc.integer({ min: 0, max: 0x10_F7FF }).map((code) => String.fromCodePoint(code < 0xD800 ? code : code + 0x800));
