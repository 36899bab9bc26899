/** Resource limits of a program, setrlimit(2): the site's own, and what systemd gives a service where it has none. */
import { WakesockError } from '../base/errors.ts';
import { openFilesHardDefault, openFilesSoftDefault } from '../base/limits.ts';
import type { Site } from '../base/site.ts';
import type { OciRlimit } from './oci.ts';

/** RLIM_INFINITY */
export const unlimited = 2n ** 64n - 1n;

/** The highest that a program can be given, by name without RLIMIT_ and in lower case. */
export type HighestLimits = ReadonlyMap<string, bigint>;

/** Rows of `/proc/PID/limits`. */
const rows: Readonly<Record<string, string>> = {
  cpu: 'cpu time', fsize: 'file size', data: 'data size', stack: 'stack size', core: 'core file size', rss: 'resident set', nproc: 'processes',
  nofile: 'open files', memlock: 'locked memory', locks: 'file locks', sigpending: 'pending signals', msgqueue: 'msgqueue size',
  nice: 'nice priority', rtprio: 'realtime priority', rttime: 'realtime timeout',
};

/**
 * @param limits the text of our own `/proc/PID/limits`: without CAP_SYS_RESOURCE no hard limit can be raised
 * @param openFilesMax fs.nr_open, which nobody can exceed
 */
export function highestLimits(limits: string, mayRaise: boolean, openFilesMax: bigint): HighestLimits {
  return new Map(Object.entries(rows).map(([name, row]) => {
    if (mayRaise) return [name, name === 'nofile' ? openFilesMax : unlimited];
    const hard = new RegExp(`^Max ${row} +\\S+ +(\\S+)`, 'm').exec(limits)?.[1] ?? 'unlimited';
    return [name, hard === 'unlimited' ? unlimited : BigInt(hard)];
  }));
}

/** @throws WakesockError `ERR_WAKESOCK_NOT_SUPPORTED` for more than the machine gives */
export function rlimitsOf({ ulimits }: Pick<Site, 'ulimits'>, highest: HighestLimits): OciRlimit[] {
  const most = (name: string): bigint => highest.get(name) ?? unlimited;
  const own = Object.entries(ulimits).map(([name, { soft, hard }]) => {
    const hardest = hard === '-1' ? most(name) : BigInt(hard);
    if (hardest > most(name)) {
      throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `Ulimit=${name}=${soft}:${hard}: expected a hard limit of at most ${most(name)}, which is all that this machine gives, found ${hard}`);
    }
    return rlimit(name, soft === '-1' ? hardest : BigInt(soft), hardest);
  });
  if (ulimits['nofile']) return own;
  // Not ours: a thousand sockets need the activator's own to be high, and some programs look at every number up to theirs.
  const hard = smaller(BigInt(openFilesHardDefault), most('nofile'));
  return [...own, rlimit('nofile', smaller(BigInt(openFilesSoftDefault), hard), hard)];
}

function rlimit(name: string, soft: bigint, hard: bigint): OciRlimit {
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: String(smaller(soft, hard)), hard: String(hard) };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
