/** Keys of [Container] that say what a container is like, and have few words. */
import { parseAnnotations } from './annotations.ts';
import { parseByteSize } from './podman-size.ts';
import { quote } from '../unitfile/quote.ts';
import { splitWords } from '../unitfile/words.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { each, one, type KeyRow } from './key-row.ts';
import { NotSupportedError } from './reading.ts';
import { parseAbsolutePath, parseAccount, timerMsMax } from './values.ts';

const infinity = String(2n ** 64n - 1n);

export const containerRows: readonly KeyRow[] = [
  {
    section: 'Container', key: 'AutoUpdate', syntax: 'registry | local', default: 'neither',
    text: 'What `wakesock auto-update` does for a site with an image. `registry`: pulls the image, which must be named with its registry; `local`: takes what podman\'s storage has under the name. '
      + 'Then the site is prepared with the new version, which its next wake has (see [images.md](images.md#a-new-version)).',
    read: one((text) => {
      if (text !== 'registry' && text !== 'local') throw new UnitValueError(`Expected registry or local, found ${quote(text)}`);
      return text;
    }, (draft, value, entry) => { draft.autoUpdate = { value, entry }; }),
  },
  {
    section: 'Container', key: 'GroupAdd', syntax: 'GROUP', list: true, text: 'A further group of the program, by name or number in the container. `keep-groups` is refused: the groups of whoever starts the site are not its own.',
    read: each((text) => {
      if (text === 'keep-groups') throw new NotSupportedError('keep-groups: the groups of whoever starts the site are not its own');
      return parseAccount(text);
    }, (draft, value) => { draft.addGroups.push(value); }),
  },
  {
    section: 'Container', key: 'Timezone', syntax: 'AREA/PLACE | local', default: 'the image\'s', text: 'The time zone, by its name in the machine\'s `/usr/share/zoneinfo`, which is mounted at `/etc/localtime`; `local` is the machine\'s own.',
    read: one((text) => {
      if (!/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+){0,3}$/.test(text)) throw new UnitValueError(`Expected a time zone such as Europe/Berlin, or local, found ${quote(text)}`);
      return text;
    }, (draft, value) => { draft.timezone = value; }),
  },
  {
    section: 'Container', key: 'Annotation', syntax: 'NAME=VALUE…', list: true, text: 'Annotations of the OCI configuration, for whoever looks at the container. Names that crun itself reads (`run.oci.`, …) are refused.',
    read: (draft, entries, reading) => {
      for (const entry of entries) reading.attempt(entry, () => { for (const [name, value] of parseAnnotations(entry.value, (text) => reading.expand(text))) draft.annotations.set(name, value); });
    },
  },
  {
    section: 'Container', key: 'Mask', syntax: 'PATH[:PATH…]', list: true, text: 'Paths that the container cannot look into, besides podman\'s own list.',
    read: each((text) => splitWords(text).flatMap(({ text: word }) => word.split(':').map(parseAbsolutePath)), (draft, value) => { draft.mask.push(...value); }),
  },
  {
    section: 'Container', key: 'Unmask', syntax: 'ALL | PATH[:PATH…]', list: true, text: 'Paths of podman\'s list that are neither hidden nor read-only; `*` stands for any name. `ALL`: none is.',
    read: each((text) => splitWords(text).flatMap(({ text: word }) => (word.toUpperCase() === 'ALL' ? ['ALL'] : word.split(':').map(parseAbsolutePath))), (draft, value) => { draft.unmask.push(...value); }),
  },
  {
    section: 'Container', key: 'StopTimeout', syntax: 'SECONDS', text: 'The same as `TimeoutStopSec=` in [Service], which wins. 0: the site is killed at once.',
    read: one((text) => {
      if (!/^\d{1,9}$/.test(text)) throw new UnitValueError(`Expected whole seconds, found ${quote(text)}`);
      return Math.min(Math.max(1, Number(text) * 1000), timerMsMax);
    }, (draft, value) => { draft.stopTimeoutMs = value; }),
  },
  {
    section: 'Container', key: 'Memory', syntax: 'NUMBER[b | k | m | g]', text: 'The same as `MemoryMax=` in [Service], which wins.',
    read: one((text) => {
      const bytes = parseByteSize(text);
      if (bytes === 0n) throw new UnitValueError('Expected a size above 0, found 0');
      return bytes;
    }, (draft, value) => { draft.resources.push({ name: 'MemoryMax', signature: 't', value: String(value) }); }),
  },
  {
    section: 'Container', key: 'PidsLimit', syntax: 'NUMBER', text: 'The same as `TasksMax=` in [Service], which wins. -1 and 0: no limit.',
    read: one((text) => {
      if (!/^(?:-1|\d{1,9})$/.test(text)) throw new UnitValueError(`Expected a number, or -1 for no limit, found ${quote(text)}`);
      return Number(text) > 0 ? text : infinity;
    }, (draft, value) => { draft.resources.push({ name: 'TasksMax', signature: 't', value }); }),
  },
];
