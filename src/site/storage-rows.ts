/** Keys for what a site is given besides its root: directories, memory, secrets, devices. */
import { dirname, resolve } from 'node:path';
import type { SiteCredential, SiteMount } from '../base/site.ts';
import { parseBoolean } from '../unitfile/boolean.ts';
import type { UnitEntry } from '../unitfile/unit-file.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { quote } from '../unitfile/quote.ts';
import { parseDevices } from './device-values.ts';
import type { SiteDraft } from './draft.ts';
import { each, one, type KeyRow, type ReadKey } from './key-row.ts';
import { parseMount, parseTmpfs, parseVolume, type SourceContext } from './mount-values.ts';
import { parseByteSize } from './podman-size.ts';
import type { Reading } from './reading.ts';
import { parseLoadCredential, parseSecrets, parseSetCredential } from './secret-values.ts';
import { readVolumeUnit } from './volume-unit.ts';

function mounts(parse: (text: string, context: SourceContext) => SiteMount): ReadKey {
  return (draft, entries, reading) => {
    const context = contextOf(reading);
    for (const entry of entries) {
      reading.attempt(entry, () => {
        const mount = parse(reading.expand(entry.value), context);
        claim(draft, mount.target);
        draft.mounts.push({ value: mount, entry });
      });
    }
  };
}

function contextOf(reading: Reading): SourceContext {
  return {
    absolute: (path) => resolve(dirname(reading.mainFile), path),
    volumeUnit: (name) => readVolumeUnit(name, reading),
  };
}

function claim(draft: SiteDraft, target: string): void {
  const taken = [...draft.mounts.map(({ value }) => value.target), ...draft.secrets.flatMap(({ value: { as } }) => (as.kind === 'file' ? [as.target] : []))];
  if (taken.includes(target)) throw new UnitValueError(`Expected one mount at ${quote(target)}, found another before`);
}

function credential<T extends { readonly id: string } & Partial<SiteCredential>>(parse: (text: string) => T): ReadKey {
  return each(parse, (draft, found, entry) => {
    const before = draft.credentials.get(found.id)?.value ?? { id: found.id, load: null, set: null };
    draft.credentials.set(found.id, { value: { ...before, ...found }, entry });
  });
}

export const storageRows: readonly KeyRow[] = [
  {
    section: 'Container', key: 'Volume', syntax: '[HOST-PATH | VOLUME | NAME.volume:]CONTAINER-DIR[:OPTIONS]', list: true,
    text: 'A directory or file of the machine (`./` and `../` are relative to the site file), a volume of podman\'s by its name or its `.volume` unit, or, with no source, one of the '
      + 'site\'s own. Options: `ro`, `rw`, `noexec`, `suid`, `dev`, `bind`, `rbind`, `U`, `copy`, `nocopy`, `nocreate`; `z` and `Z` are accepted and change nothing. See [storage.md](storage.md).',
    read: mounts(parseVolume),
  },
  {
    section: 'Container', key: 'Mount', syntax: 'type=bind | volume | tmpfs,OPTION[,…]', list: true,
    text: 'The same as `Volume=` and `Tmpfs=` in other words: `source=`, `destination=`, `ro`, `U`, `bind-nonrecursive`, `relabel=`, `tmpfs-size=`, `tmpfs-mode=`, `notmpcopyup`, …. '
      + 'Other types, and parts of volumes (`subpath=`), are refused.',
    read: mounts(parseMount),
  },
  {
    section: 'Container', key: 'Tmpfs', syntax: 'CONTAINER-DIR[:OPTIONS]', list: true,
    text: 'A directory in memory, for example `/tmp:size=64m`. It begins with what the root has there, at each start; with `notmpcopyup` it is empty. Options: `size=`, `nr_inodes=`, `mode=`, `uid=`, `gid=`, '
      + '`ro`, `noexec`, `suid`, `dev`, `noatime`, `U`.',
    read: mounts(parseTmpfs),
  },
  {
    section: 'Container', key: 'Secret', syntax: 'NAME[,type=mount | env][,target=…][,uid=…][,gid=…][,mode=…]', list: true,
    text: 'A secret of podman\'s (podman-secret(1)) as a file, `/run/secrets/NAME` unless `target=` says otherwise, of mode 0444; or as a variable. It is read at each wake. '
      + 'See [storage.md](storage.md#secrets).',
    read: (draft, entries, reading) => {
      each(parseSecrets, (_draft, secrets, entry: UnitEntry) => {
        for (const secret of secrets) {
          const { as } = secret;
          if (as.kind === 'file') claim(draft, as.target);
          else if (draft.secrets.some(({ value: { as: other } }) => other.kind === 'env' && other.variable === as.variable)) throw new UnitValueError(`Expected one secret as ${as.variable}, found another before`);
          draft.secrets.push({ value: secret, entry });
        }
      })(draft, entries, reading);
    },
  },
  {
    section: 'Container', key: 'AddDevice', syntax: '[-]HOST-DEVICE[:CONTAINER-DEVICE][:rwm]…', list: true,
    text: 'A device of the machine, or all of a directory, below `/dev` in the container; the scope is allowed to open it. With `-` it may be missing.',
    read: each(parseDevices, (draft, devices, entry) => { for (const value of devices) draft.devices.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'ShmSize', syntax: 'NUMBER[b | k | m | g]', default: '64m', text: 'How much `/dev/shm` holds. 0: no limit.',
    read: one(parseByteSize, (draft, value) => { draft.shmBytes = String(value); }),
  },
  {
    section: 'Container', key: 'ReadOnlyTmpfs', syntax: 'BOOLEAN', default: 'yes',
    text: 'With `ReadOnly=yes`: `/tmp`, `/var/tmp` and `/run` are in memory, and begin with what the root has there.',
    read: one(parseBoolean, (draft, value) => { draft.readOnlyTmpfs = value; }),
  },
  {
    section: 'Container', key: 'VolatileTmp', syntax: 'BOOLEAN', default: 'no', text: 'The same as `Tmpfs=/tmp:size=512m,mode=1777`. With `ReadOnly=yes` it changes nothing.',
    read: one(parseBoolean, (draft, value, entry) => { draft.volatileTmp = { value, entry }; }),
  },
  {
    section: 'Service', key: 'LoadCredential', syntax: 'ID[:PATH]', list: true,
    text: 'A credential (systemd.exec(5)): the file at PATH, or of that name in `/etc/credstore`, `/run/credstore` or `/usr/lib/credstore`, is `$CREDENTIALS_DIRECTORY/ID` in the container, '
      + 'readable by its user alone. It is read at each wake.',
    read: credential((text) => parseLoadCredential(text, false)),
  },
  {
    section: 'Service', key: 'LoadCredentialEncrypted', syntax: 'ID[:PATH]', list: true,
    text: 'Likewise, encrypted (systemd-creds(1)); also looked for in `credstore.encrypted`. Decrypting takes a process at each wake.',
    read: credential((text) => parseLoadCredential(text, true)),
  },
  {
    section: 'Service', key: 'SetCredential', syntax: 'ID:VALUE', list: true, text: 'A credential\'s value itself, where there is none to load. Who may read the site file may read it, so it is for what is no secret.',
    read: credential((text) => parseSetCredential(text, false)),
  },
  {
    section: 'Service', key: 'SetCredentialEncrypted', syntax: 'ID:BASE64', list: true, text: 'Likewise, as `systemd-creds encrypt` prints it.',
    read: credential((text) => parseSetCredential(text, true)),
  },
];
