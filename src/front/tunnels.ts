/** Requests that go on in another protocol (RFC 9110 7.8): what was offered, and what of it passes. */
import { trimBlanks } from './blanks.ts';
import { Field, type Fields } from './fields.ts';

/** What `Upgrade` names, as it is spelt there; several lines are one list (RFC 9110 5.3). Only directly after the head was parsed. */
export function protocolsOf(bytes: Buffer, fields: Fields): string[] {
  const found: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== Field.upgrade) continue;
    for (const part of fields.value(bytes, i).split(',')) {
      const name = trimBlanks(part);
      if (name !== '') found.push(name);
    }
  }
  return found;
}

/** Of what a request offers, or an answer asks for, in its order, what its site takes. @param taken in lower case */
export function passedProtocols(bytes: Buffer, { fields }: { readonly fields: Fields }, taken: readonly string[]): readonly string[] {
  return taken.length === 0 ? taken : protocolsOf(bytes, fields).filter((name) => isOneOf(name, taken));
}

/** Names and versions of protocols, in any case. */
export function isOneOf(protocol: string, names: readonly string[]): boolean {
  const lower = protocol.toLowerCase();
  return names.some((name) => name.toLowerCase() === lower);
}
