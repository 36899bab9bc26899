import type { UnitEntry } from '../unitfile/unit-file.ts';
import { splitWords } from '../unitfile/words.ts';
import type { SiteDraft } from './draft.ts';
import type { Reading } from './reading.ts';

/**
 * Reads `Exec=`: words as systemd splits them, specifiers in each word, `$$` a dollar sign. systemd would replace `${NAME}`,
 * and a word that is `$NAME`, by variables of the service that runs podman; here there is no such service, so
 * they go to the program as they are, with a warning.
 */
export function readExec(draft: SiteDraft, entries: readonly UnitEntry[], reading: Reading): void {
  const entry = entries.at(-1) as UnitEntry;
  reading.attempt(entry, () => {
    const words = splitWords(entry.value, 'keep').map((word) => {
      for (const offset of word.unknownEscapes) {
        reading.warning('unknown-escape', entry.place(offset), 'Exec=: Expected an escape sequence such as \\n or \\\\; the backslash is kept', '\\\\');
      }
      const wholeWord = /^\$[A-Za-z_][A-Za-z0-9_]*$/.test(word.text);
      let variable = wholeWord ? word.text : null;
      const text = reading.expand(word.text).replaceAll(/\$\$|\$\{[A-Za-z_][A-Za-z0-9_]*\}/g, (match) => {
        if (match === '$$') return '$';
        variable ??= match;
        return match;
      });
      if (variable !== null) {
        reading.warning('exec-variable', entry.place(word.offset), `Exec=: ${variable} is passed to the program as it is; systemd would have replaced it by a variable of podman's service`, `$${variable}`);
      }
      return text;
    });
    draft.exec = { value: words, entry };
  });
}
