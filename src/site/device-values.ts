import type { SiteDevice } from '../base/site.ts';
import { quote } from '../unitfile/quote.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';
import { parseAbsolutePath } from './values.ts';

/** `AddDevice=[-]HOST-DEVICE[:CONTAINER-DEVICE][:ACCESS]`, several apart by spaces. */
export function parseDevices(text: string): SiteDevice[] {
  return text.split(/[ \t\n\r]+/).filter((word) => word !== '').map(parseDevice);
}

function parseDevice(word: string): SiteDevice {
  const optional = word.startsWith('-');
  const [source = '', ...rest] = (optional ? word.slice(1) : word).split(':');
  if (!source.startsWith('/') && source.includes('=')) throw new NotSupportedError(`Devices of the Container Device Interface are not supported, found ${quote(word)}: name the nodes`);
  const target = rest[0]?.startsWith('/') ? rest.shift() as string : source;
  const access = rest.shift() ?? 'rwm';
  if (rest.length > 0 || !/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access)) throw new UnitValueError(`Expected HOST-DEVICE[:CONTAINER-DEVICE][:rwm], found ${quote(word)}`);
  const made = { source: parseAbsolutePath(source), target: parseAbsolutePath(target), access, optional };
  // Anywhere else the node would stay, in the site's own directory or in whatever its root is.
  if (!made.target.startsWith('/dev/')) throw new NotSupportedError(`Expected a place below /dev/ in the container, found ${quote(made.target)}`);
  return made;
}
