import { parseBoolean } from '../unitfile/boolean.ts';
import { expandSpecifiers, nameSpecifiers } from '../unitfile/specifiers.ts';
import { loadUnit } from '../unitfile/load.ts';
import { mergeUnits } from '../unitfile/merge.ts';
import { quote } from '../unitfile/quote.ts';
import { splitUnitName, type UnitName } from '../unitfile/unit-name.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError, type Reading } from './reading.ts';

/** What would make the volume another one than podman makes of its name alone. */
const refused = ['Driver', 'Device', 'Type', 'Options', 'Image', 'PodmanArgs', 'GlobalArgs', 'ContainersConfModule', 'User', 'Group', 'UID', 'GID'];

/**
 * Quadlet's `NAME.volume`, looked for where site files are: a volume called `systemd-NAME`, or `VolumeName=`.
 * @throws UnitValueError
 */
export function readVolumeUnit(unitName: string, reading: Reading): { name: string; copyUp: boolean } {
  if (splitUnitName(unitName) === null) throw new UnitValueError(`Expected a name such as data.volume, found ${quote(unitName)}`);
  const unit = loadUnit(unitName, reading.siteDirs);
  reading.sources.push(...unit.sources);
  if (unit.files.length === 0) throw new UnitValueError(`Expected a file ${unitName} in ${reading.siteDirs.join(', ')}, found ${unit.masked ? 'it masked' : 'none'}`);
  for (const file of unit.files) reading.diagnostics.push(...file.diagnostics);
  const merged = mergeUnits(unit.files);
  const last = (key: string): string | undefined => merged.all('Volume', key).at(-1)?.value;
  for (const key of refused) {
    if (merged.all('Volume', key).length > 0) throw new NotSupportedError(`${key}= of ${unitName} is not supported: make the volume with podman volume create, and name it`);
  }
  const name = splitUnitName(unit.name) as UnitName;
  const said = last('VolumeName');
  const expanded = said === undefined || said === '' ? `systemd-${unitName.slice(0, -'.volume'.length)}` : expandSpecifiers(said, { ...reading.specifiers, ...nameSpecifiers(name) });
  return { name: expanded, copyUp: parseBoolean(last('Copy') ?? 'yes') };
}
