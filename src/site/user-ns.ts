/** `UserNS=`, podman-run(1) `--userns`: what of it makes sense for a service of the system. */
import type { Site } from '../base/site.ts';
import { quote } from '../unitfile/quote.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

/** As many as systemd gives a container: all that files and programs without a mapping of their own could name. */
const idsDefault = 65_536;
/** Half of all that systemd sets aside for containers. */
const idsMax = 0x3000_0000;

export const userNsDefault: Site['userNs'] = { ids: idsDefault, required: false };

const refused: Readonly<Record<string, string>> = {
  'keep-id': 'it means the user who runs podman, and nobody runs a site; User= says who its program is',
  nomap: 'it means the user who runs podman, and nobody runs a site',
  private: 'its ids would have to be mapped one by one; `auto` chooses them',
  ns: 'the namespace would have to be there before the site',
  container: 'a site has no container of podman beside it',
};

export function parseUserNs(text: string): Site['userNs'] {
  const [, mode = '', , options] = /^([a-z-]+)(:(.*))?$/.exec(text) ?? [];
  if (refused[mode] !== undefined) throw new NotSupportedError(`${mode} is not supported: ${refused[mode]}`, { suggestion: 'auto' });
  if (mode === 'host' && options === undefined) return null;
  if (mode !== 'auto') throw new UnitValueError(`Expected auto, auto:size=NUMBER or host, found ${quote(text)}`);
  let ids = idsDefault;
  for (const option of options?.split(',') ?? []) {
    const [, name, value = ''] = /^([a-z]+)=(.*)$/.exec(option) ?? [];
    if (name === 'uidmapping' || name === 'gidmapping') throw new NotSupportedError(`${name} is not supported: files of a site keep their owners whatever ids it has`, { suggestion: 'auto' });
    if (name !== 'size' || !/^\d{1,10}$/.test(value) || Number(value) < 1 || Number(value) > idsMax) throw new UnitValueError(`Expected size= with a number of ids from 1 to ${idsMax}, found ${quote(option)}`);
    ids = Number(value);
  }
  return { ids, required: true };
}
