import { quote } from '../unitfile/quote.ts';
import { splitWords } from '../unitfile/words.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

/** What crun, or we, do something for. */
const reserved = /^(?:run\.oci\.|org\.systemd\.|org\.criu\.|module\.wasm|wakesock\.)/;

/** `Annotation=`: words NAME=VALUE, quoted as systemd does. @throws UnitValueError */
export function parseAnnotations(text: string, expand: (text: string) => string): [name: string, value: string][] {
  return splitWords(text, 'refuse').map((word) => {
    const expanded = expand(word.text);
    const equals = expanded.indexOf('=');
    const name = expanded.slice(0, Math.max(0, equals));
    if (name === '') throw new UnitValueError(`Expected NAME=VALUE, found ${quote(expanded)}`, { offset: word.offset });
    if (reserved.test(name)) throw new NotSupportedError(`${quote(name)} changes how a container is run, and is not passed on`, { offset: word.offset });
    return [name, expanded.slice(equals + 1)];
  });
}
