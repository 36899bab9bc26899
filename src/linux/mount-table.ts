/** What is mounted where, proc_pid_mountinfo(5). */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { eventsNow, POLLPRI } from './fd.ts';

export interface MountEntry {
  readonly target: string;
  /** Of the file system, e.g. `ext4`. */
  readonly type: string;
}

const path = '/proc/self/mountinfo';

export function parseMountTable(text: string): MountEntry[] {
  return text.trimEnd().split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const target = fields[4];
    // Optional fields end with a dash.
    const type = fields[fields.indexOf('-', 6) + 1];
    return target === undefined || type === undefined ? [] : [{ target: target.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), type }];
  });
}

export function readMountTable(): MountEntry[] {
  return parseMountTable(readFileSync(path, 'utf8'));
}

/** The mount points below `directory`, parents first. */
export function mountsBelow(table: readonly MountEntry[], directory: string): string[] {
  const prefix = directory === '/' ? '/' : `${directory}/`;
  return [...new Set(table.map(({ target }) => target).filter((target) => target.startsWith(prefix) && target !== directory))].toSorted((a, b) => a.length - b.length);
}

/** Of the mount that `file` is in. */
export function fileSystemOf(table: readonly MountEntry[], file: string): string {
  const around = table.filter(({ target }) => target === '/' || file === target || file.startsWith(`${target}/`));
  return around.toSorted((a, b) => a.target.length - b.target.length).at(-1)?.type ?? 'unknown';
}

/** The table, read again only when it has changed: asking whether it has takes some microseconds, however many mounts there are. */
export class WatchedMountTable {
  #fd: number | null = null;
  #table: readonly MountEntry[] = [];

  read(): readonly MountEntry[] {
    // Each look at its events, and its first opening, begins a new wait for the next change.
    if (this.#fd !== null && (eventsNow(this.#fd, POLLPRI) & POLLPRI) === 0) return this.#table;
    this.#fd ??= openSync(path, 'r');
    this.#table = parseMountTable(readAll(this.#fd));
    return this.#table;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}

function readAll(fd: number): string {
  const parts: Buffer[] = [];
  const buffer = Buffer.alloc(64 * 1024);
  for (let position = 0; ;) {
    const length = readSync(fd, buffer, 0, buffer.length, position);
    if (length === 0) return Buffer.concat(parts).toString('utf8');
    parts.push(Buffer.from(buffer.subarray(0, length)));
    position += length;
  }
}
