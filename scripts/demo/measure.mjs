import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Processes in all cgroups of the box with `name` in their path, and their memory: proportional set size, in which a page
 * shared by two programs counts half for each. Looked at from the machine, so that looking starts nothing in the box.
 * @returns {Promise<{ processes: number, memoryBytes: number }>}
 */
export async function measure(box, name) {
  const cgroups = (await cgroupsBelow(box.info.cgroup)).filter((path) => path.slice(box.info.cgroup.length).includes(name));
  const pids = (await Promise.all(cgroups.map((path) => read(join(path, 'cgroup.procs'))))).flatMap((text) => text.split('\n').filter(Boolean));
  const sizes = await Promise.all(pids.map(async (pid) => Number(/^Pss:\s+(\d+) kB$/m.exec(await read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0)));
  return { processes: pids.length, memoryBytes: sizes.reduce((sum, kib) => sum + kib * 1024, 0) };
}

async function cgroupsBelow(path) {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => cgroupsBelow(join(path, entry.name))));
  return [path, ...below.flat()];
}

/** What has ended in between is empty. */
const read = (path) => readFile(path, 'utf8').catch(() => '');
