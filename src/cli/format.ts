/** Figures as people read them; `-` for what is not known. */

export const unknown = '-';

/** Of less than a second. */
export const ageNone = 'now';

/** `now`, `12 s`, `5 min`, `3 h`, `2 d`. */
export function formatAge(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 1) return ageNone;
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function formatAgeSince(iso: string | null, now: Date): string {
  const since = iso === null ? NaN : Date.parse(iso);
  return Number.isNaN(since) ? unknown : formatAge(now.getTime() - since);
}

/** `512 B`, `41.3 MiB`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return unknown;
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** `4.2 ms`, `740 ms`, `12.3 s`. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return unknown;
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

export function formatCpu(usec: number | null): string {
  return formatMs(usec === null ? null : usec / 1000);
}

export function formatCount(count: number | null): string {
  return count === null ? unknown : String(count);
}
