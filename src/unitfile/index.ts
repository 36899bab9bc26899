/** `wakesock/unitfile`: reads, changes and writes systemd unit files as systemd does. No dependencies; only `load.ts` needs Node. */
export { parseBoolean } from './boolean.ts';
export { formatCalendarEvent, parseCalendarEvent, type CalendarChain, type CalendarComponent, type CalendarEvent } from './calendar-event.ts';
export { nextElapse } from './calendar-next.ts';
export { expandCommand } from './expand-variables.ts';
export { checkUnit } from './check-unit.ts';
export { knownKeys } from './known-keys.ts';
export { formatCommandLine, parseCommandLines, simplifyPath, type CommandLine } from './command-line.ts';
export type { Diagnostic } from './diagnostic.ts';
export { addKey, changeEntry, formatUnit, removeKey, setKey } from './edit.ts';
export { parseEnvironment } from './environment.ts';
export { parseEnvironmentFile } from './environment-file.ts';
export { escapePath, escapeUnitName } from './escape-name.ts';
export { parseExitStatus, parseExitStatusSet, type ExitStatusSet } from './exit-status.ts';
export { parseInteger } from './integer.ts';
export { parseIpv4, parseIpv6 } from './ip-address.ts';
export { parseIpPrefix, parseIpPrefixes, type IpPrefix } from './ip-prefix.ts';
export { getBoolean, getCommandLines, getEnvironment, getInteger, getSizeBytes, getText, getTimeSpanMs, getWords } from './get.ts';
export { indexAliases, isMasked, loadUnit, readUnitFile, sourceState, unitFileBytesMax, type AliasIndex, type LoadedUnit, type LoadSource } from './load.ts';
export { mergeUnits, type MergedUnit } from './merge.ts';
export { formatMode, parseMode } from './mode.ts';
export { lineBytesMax, parseUnit } from './parse.ts';
export { isPercentage, parsePermyriad } from './percentage.ts';
export { parseProcessLimit, type ProcessLimit } from './process-limit.ts';
export { quote } from './quote.ts';
export { escapeSpecifiers, quoteWord, quoteWords } from './quote-word.ts';
export {
  parseCpuQuotaUsec, parseCpuSet, parseCpuWeight, parseDeviceBandwidth, parseDeviceIops, parseDeviceLatencyUsec, parseDeviceWeight, parseMemoryAmount, parseTasksAmount,
  parseWeight, type DeviceAmount, type ResourceAmount,
} from './resource-control.ts';
export { quadletSearchPath, unitSearchPath, type SearchPathSources } from './search-path.ts';
export { parseSignal, parseSignalNumber } from './signal.ts';
export { parseSizeBytes } from './size.ts';
export { parsePort, parseSocketAddress, unixPathBytesMax, type SocketAddress } from './socket-address.ts';
export { expandSpecifiers, nameSpecifiers, unitSpecifiers, type SpecifierContext, type SpecifierSources } from './specifiers.ts';
export { suggest } from './suggest.ts';
export { parseTimeSpanMs, parseTimeSpanUsec } from './time-span.ts';
export { unescapePath, unescapeUnitName } from './unescape-name.ts';
export type { Place, UnitEntry, UnitFile, UnitNode } from './unit-file.ts';
export { dropInNames, instanceName, isUnitName, quadletTypes, splitUnitName, templateOf, unitTypes, type UnitName } from './unit-name.ts';
export { UnitValueError } from './value-error.ts';
export { splitWords, type Word } from './words.ts';
