/** Local time of a time zone, by the engine's own data (`Intl`). */

const formats = new Map<string, Intl.DateTimeFormat>();
/** There are some 600 names; a caller that invents more gets no bigger cache. */
const formatsMax = 1000;

/** Whether the name is a time zone of the tz database, in its own letter case as far as the engine can tell. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(name)) return false;
  try {
    const canonical = formatOf(name).resolvedOptions().timeZone;
    // The engine takes names in any case, files have one. Of an alias the right case is not known.
    return canonical === name || canonical.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** Seconds that the zone is ahead of UTC at an instant (seconds since the epoch). @throws RangeError for what is no zone */
export function zoneOffset(zone: string, instant: number): number {
  if (zone === 'UTC') return 0;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(instant * 1000)) parts[type] = Number(value);
  const local = Date.UTC(parts['year'] as number, (parts['month'] as number) - 1, parts['day'], parts['hour'], parts['minute'], parts['second']) / 1000;
  return local - instant;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    if (formats.size >= formatsMax) formats.clear();
    formats.set(zone, format);
  }
  return format;
}
