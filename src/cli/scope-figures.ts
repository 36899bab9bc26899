import { readFileSync } from 'node:fs';
import { scopeName } from '../systemd/unit-names.ts';

/** What the cgroup of a site's scope tells without asking anybody. */
export interface ScopeFigures {
  readonly frozen: boolean;
  /** null: no memory controller. */
  readonly memoryBytes: number | null;
  readonly cpuUsec: number | null;
}

/** Where systemd puts wakesock.slice. */
export const sliceDirectory = '/sys/fs/cgroup/wakesock.slice';

/** null: the site has no running process in a scope. */
export function scopeFigures(site: string, slice = sliceDirectory): ScopeFigures | null {
  const read = (file: string) => {
    try {
      return readFileSync(`${slice}/${scopeName(site)}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const events = read('cgroup.events');
  if (!/^populated 1$/m.test(events)) return null;
  const memory = read('memory.current').trim();
  const usage = /^usage_usec (\d+)$/m.exec(read('cpu.stat'))?.[1];
  return {
    frozen: /^frozen 1$/m.test(events),
    memoryBytes: memory === '' ? null : Number(memory),
    cpuUsec: usage === undefined ? null : Number(usage),
  };
}
