/** What processes and cgroups cost, from proc(5) and the kernel's cgroup-v2.rst. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const cgroups = ['/sys/fs/cgroup/wakesock.slice', '/sys/fs/cgroup/system.slice/wakesock.service'];
let ticksPerSecond: number | undefined;

/** Processes in our cgroups, and any other that runs our program or a container of ours. */
export function ourProcesses(program: string): number[] {
  const found = new Set(cgroups.flatMap(processesBelow));
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const [command = '', ...args] = read(`/proc/${pid}/cmdline`)?.split('\0') ?? [];
    if (args.includes(program) || (command.endsWith('crun') && args.some((word) => word.includes('/run/wakesock')))) found.add(pid);
  }
  return [...found];
}

function processesBelow(cgroup: string): number[] {
  if (!existsSync(cgroup)) return [];
  const own = (read(`${cgroup}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
  return [...own, ...readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap(({ name }) => processesBelow(`${cgroup}/${name}`))];
}

/** Bytes that our cgroups are charged; 0: there is none of them; null: they exist, and no memory controller counts. */
export function ourCgroupMemoryBytes(): number | null {
  const present = cgroups.filter((path) => existsSync(path));
  const charged = present.map((path) => read(`${path}/memory.current`));
  return charged.includes(null) ? null : charged.reduce((sum, text) => sum + Number(text), 0);
}

/** Microseconds of CPU that our cgroups have used; a cgroup that is not there has used none. */
export function ourCpuUsec(): number {
  return cgroups.reduce((sum, path) => sum + Number(/^usage_usec (\d+)$/m.exec(read(`${path}/cpu.stat`) ?? '')?.[1] ?? 0), 0);
}

/** Milliseconds of CPU of a process, in steps of a clock tick (10 ms). */
export function processCpuMs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

export function contextSwitches(pid: number): number {
  return [...(read(`/proc/${pid}/status`) ?? '').matchAll(/^(?:non)?voluntary_ctxt_switches:\s*(\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

export interface ProcessMemory {
  /** What it shares divided by the number of sharers, other Node processes of this machine among them. */
  readonly pssBytes: number;
  /** All that it has in memory, shared or not. */
  readonly rssBytes: number;
  /** What would be free without it. */
  readonly privateBytes: number;
}

export function processMemory(pid: number): ProcessMemory {
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? '';
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? Number.NaN) * 1024;
  return { pssBytes: bytes('Pss'), rssBytes: bytes('Rss'), privateBytes: bytes('Private_Clean') + bytes('Private_Dirty') };
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** RLIMIT_NOFILE. */
export function openFilesMax(pid: number): number {
  return Number(/^Max open files\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
