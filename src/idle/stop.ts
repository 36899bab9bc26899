/**
 * Stopping without losing a client (design section 4, Idle): new clients are held, the program is frozen, and only if a
 * last look finds nobody is it let go with its stop signal. Up to that signal everything can be undone.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { freezeMsMax } from '../base/limits.ts';
import { machine } from '../linux/constants.ts';
import { pidfdSignal, signalFirstThread } from '../linux/pidfd.ts';
import type { Activity } from './activity.ts';

export interface StopParts {
  readonly pid: number;
  readonly pidfd: number;
  /** Null where there are no scopes: then the look is all there is. */
  readonly cgroup: { freeze(): Promise<boolean>; thaw(): void; kill(): void } | null;
  readonly hold: () => void;
  readonly unhold: () => void;
  readonly look: () => Activity;
  /** Whether this is nobody. Asked only once the program is frozen. */
  readonly quiet: (activity: Activity) => boolean;
  /** Nothing can be undone from here on. */
  readonly committed: () => void;
}

/** What was done: `inUse` means nothing, and everything is as before. */
export type StopOutcome = 'inUse' | 'signalled' | 'killed';

/** @param signal the image's stop signal, without SIG */
export async function beginStop(parts: StopParts, signal: string): Promise<StopOutcome> {
  const number = signalNumber(signal);
  // A namespace's first process that does not catch a signal never sees it (pid_namespaces(7)): nobody waits for it, and
  // as it is killed frozen it cannot accept anybody either, so nobody needs to be held.
  const catches = catchesSignal(parts.pid, number);
  // Where nothing can be frozen it runs until it is killed.
  const holds = catches || parts.cgroup === null;
  let nobody = false;
  try {
    if (holds) parts.hold();
    nobody = (await frozen(parts.cgroup)) && parts.quiet(parts.look());
  } finally {
    // Whatever went wrong: no site may stay frozen or deaf.
    if (!nobody) {
      parts.cgroup?.thaw();
      if (holds) parts.unhold();
    }
  }
  if (!nobody) return 'inUse';
  parts.committed();
  return letGo(parts, number, catches);
}

/** What an activator that died while the program was frozen had decided: it may have sent the signal or not, the program has not seen it. */
export function finishStop(parts: Pick<StopParts, 'pid' | 'pidfd' | 'cgroup'>, signal: string): 'signalled' | 'killed' {
  const number = signalNumber(signal);
  return letGo(parts, number, catchesSignal(parts.pid, number));
}

function letGo(parts: Pick<StopParts, 'pid' | 'pidfd' | 'cgroup'>, signal: number, catches: boolean): 'signalled' | 'killed' {
  if (!catches) {
    killNow(parts);
    return 'killed';
  }
  // Sent first: it is the first thing the program sees when it runs again.
  signalFrozen(parts, signal);
  parts.cgroup?.thaw();
  return 'signalled';
}

/**
 * Makes every call in which the program waits be made anew: freezing interrupts it like a signal (signal(7), SA_RESTART).
 * For a new activator: a seccomp notification that the dead one had received can be received by nobody else, and an
 * `accept` that began while systemd had made the socket blocking would wait for the next client with the last one unanswered.
 */
export async function interruptCalls(cgroup: NonNullable<StopParts['cgroup']>): Promise<void> {
  try {
    await frozen(cgroup);
  } finally {
    cgroup.thaw();
  }
}

/** False where it is gone, or cannot be frozen in time: a process that sleeps in the kernel holds the freezer up. */
async function frozen(cgroup: StopParts['cgroup']): Promise<boolean> {
  if (cgroup === null) return true;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), freezeMsMax);
  });
  try {
    return await Promise.race([cgroup.freeze(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The kernel gives a signal to the first thread if that does not block it, and many programs rely on it: in Python only
 * an interrupted first thread runs handlers. Of frozen threads it prefers none, so the choice is made here.
 */
function signalFrozen({ pid, pidfd, cgroup }: Pick<StopParts, 'pid' | 'pidfd' | 'cgroup'>, signal: number): void {
  if (cgroup !== null && !hasSignal(pid, signal, 'SigBlk')) signalFirstThread(pid, signal);
  else pidfdSignal(pidfd, signal);
}

/** SIGKILL to the container's first process ends all of its namespace; the cgroup also what is not in it. */
export function killNow(parts: Pick<StopParts, 'pidfd' | 'cgroup'>): void {
  pidfdSignal(parts.pidfd, constants.signals.SIGKILL);
  parts.cgroup?.kill();
}

/**
 * Who blocks a signal waits for it with sigwait(3) or signalfd(2), as tini and dumb-init do. A process that is gone
 * catches nothing.
 */
export function catchesSignal(pid: number, signal: number): boolean {
  return hasSignal(pid, signal, 'SigCgt') || hasSignal(pid, signal, 'SigBlk') || waitsForSignal(pid);
}

/** In sigwait(3) the kernel shows the awaited signals as not blocked; which ones is taken for granted (proc_pid_syscall(5)). */
function waitsForSignal(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/syscall`, 'utf8').startsWith(`${machine().rtSigtimedwait} `);
  } catch {
    return false;
  }
}

/** Of the first thread, proc_pid_status(5): bit n-1 is signal n. */
function hasSignal(pid: number, signal: number, field: 'SigCgt' | 'SigBlk'): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return false;
  }
  const mask = BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  return ((mask >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Accepts `TERM`, `SIGTERM`, `15` and `RTMIN+3`. */
export function signalNumber(name: string): number {
  const text = name.toUpperCase().replace(/^SIG/, '');
  if (/^\d+$/.test(text)) return Number(text);
  const realTime = /^RTMIN(?:\+(\d+))?$/.exec(text);
  // glibc keeps 32 and 33 to itself, so SIGRTMIN is 34 for every program that uses it.
  if (realTime) return 34 + Number(realTime[1] ?? 0);
  return (constants.signals as Record<string, number>)[`SIG${text}`] ?? constants.signals.SIGTERM;
}
