/** One connection to systemd, with the jobs and units that somebody waits for on it. All of it ends together. */
import { WakesockError } from '../base/errors.ts';
import { openBus, type Bus, type Signal } from './bus.ts';
import { makeGate } from './gate.ts';

export const systemdName = 'org.freedesktop.systemd1';
export const managerPath = '/org/freedesktop/systemd1';
export const managerInterface = 'org.freedesktop.systemd1.Manager';
const busName = 'org.freedesktop.DBus';
/**
 * systemd 252 keeps a match rule for each job that a client waits for; at the bus's 512th it loses its connection and does
 * not come back. Other clients have jobs, too.
 */
const jobsMax = 64;

export interface Session {
  /** Rejects with ERR_WAKESOCK_BUS, as everything else here does when the connection is lost. */
  readonly connected: Promise<void>;
  /** A method of the manager object. */
  call(member: string, signature?: string, body?: readonly unknown[]): Promise<readonly unknown[]>;
  /** A method of any other object of systemd. */
  callOn(path: string, iface: string, member: string, signature: string, body: readonly unknown[]): Promise<readonly unknown[]>;
  /** A method that is answered with a job; resolves with the job's result: `done`, `failed`, `timeout`, … */
  runJob(member: string, signature: string, body: readonly unknown[]): Promise<string>;
  /**
   * Resolves when a signal for which `isIt` is true has come, or at once when `isAlready`, which is asked after the
   * subscription stands so that nothing falls between the two.
   */
  waitSignal(rule: string, isIt: (signal: Signal) => boolean, isAlready: () => Promise<boolean>): Promise<void>;
  /** See {@link Bus.together}. */
  together<T>(work: () => T): T;
  end(reason: WakesockError): void;
}

export function openSession(onLost: (reason: WakesockError) => void, busAddress?: string): Session {
  const jobs = new Map<string, { resolve: (result: string) => void; reject: (reason: WakesockError) => void }>();
  /** Results of jobs that ended while the answer that names the job was still on its way. */
  const endedEarly = new Map<string, string>();
  const listeners = new Set<{ onSignal: (signal: Signal) => void; reject: (reason: WakesockError) => void }>();
  const gate = makeGate(jobsMax);
  let jobCalls = 0;
  let lost: WakesockError | null = null;

  const lose = (reason: WakesockError): void => {
    lost = reason;
    const waiting = [...jobs.values(), ...listeners];
    jobs.clear();
    listeners.clear();
    for (const { reject } of waiting) reject(reason);
    onLost(reason);
  };

  const jobEnded = (path: unknown, result: unknown): void => {
    if (typeof path !== 'string' || typeof result !== 'string') return;
    const job = jobs.get(path);
    jobs.delete(path);
    if (job) job.resolve(result);
    else if (jobCalls > 0) endedEarly.set(path, result);
  };

  const onSignal = (signal: Signal): void => {
    if (signal.member === 'JobRemoved') jobEnded(signal.body[1], signal.body[3]);
    else if (signal.member === 'NameOwnerChanged' && signal.body[0] === systemdName && signal.body[1] !== '') {
      // It re-executes itself, or the bus let it go: answers and signals may be lost.
      bus.fail(new WakesockError('ERR_WAKESOCK_BUS', 'systemd left the bus'));
    }
    for (const listener of listeners) listener.onSignal(signal);
  };

  const bus: Bus = openBus({ onLost: lose, onSignal }, busAddress);

  /** Not waited for: the bus handles the messages of one connection in order. */
  const changeMatch = (member: 'AddMatch' | 'RemoveMatch', rule: string): void => {
    bus.call({ destination: busName, path: '/org/freedesktop/DBus', interface: busName, member, signature: 's', body: [rule] })
      .catch((error: WakesockError) => bus.fail(error));
  };
  const call: Session['call'] = (member, signature = '', body = []) =>
    bus.call({ destination: systemdName, path: managerPath, interface: managerInterface, member, signature, body });

  // Of jobs that we asked for systemd tells us without Subscribe().
  changeMatch('AddMatch', `type='signal',sender='${systemdName}',path='${managerPath}',interface='${managerInterface}',member='JobRemoved'`);
  changeMatch('AddMatch', `type='signal',sender='${busName}',interface='${busName}',member='NameOwnerChanged',arg0='${systemdName}'`);

  let subscribers = 0;
  const subscribe = (rule: string): void => {
    changeMatch('AddMatch', rule);
    if (subscribers++ === 0) call('Subscribe').catch(() => {});
  };
  /** While somebody is subscribed systemd sends the signals of all units: so only as long as needed. */
  const unsubscribe = (rule: string): void => {
    if (lost) return;
    changeMatch('RemoveMatch', rule);
    if (--subscribers === 0) call('Unsubscribe').catch(() => {});
  };

  const runJob: Session['runJob'] = async (member, signature, body) => {
    let early: string | undefined;
    let path = '';
    jobCalls++;
    try {
      path = String((await call(member, signature, body))[0]);
      early = endedEarly.get(path);
    } finally {
      jobCalls--;
      endedEarly.delete(path);
      if (jobCalls === 0) endedEarly.clear();
    }
    if (early !== undefined) return early;
    // The connection may have ended between the answer and this line.
    if (lost) throw lost;
    return new Promise<string>((resolve, reject) => { jobs.set(path, { resolve, reject }); });
  };

  return {
    connected: bus.connected,
    call,
    callOn: (path, iface, member, signature, body) =>
      bus.call({ destination: systemdName, path, interface: iface, member, signature, body }),

    runJob: (member, signature, body) => gate(() => runJob(member, signature, body)),

    async waitSignal(rule, isIt, isAlready) {
      if (lost) throw lost;
      const { promise: seen, resolve, reject } = deferred();
      const listener = { reject, onSignal: (signal: Signal): void => { if (isIt(signal)) resolve(); } };
      listeners.add(listener);
      subscribe(rule);
      try {
        if (!(await isAlready())) await seen;
      } finally {
        listeners.delete(listener);
        unsubscribe(rule);
      }
    },

    together: bus.together,
    end: (reason) => bus.fail(reason),
  };
}

/** Promise.withResolvers(), which Node 20 does not have. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (reason: WakesockError) => void } {
  let resolve: (() => void) | undefined;
  let reject: ((reason: WakesockError) => void) | undefined;
  const promise = new Promise<void>((onResolve, onReject) => { resolve = onResolve; reject = onReject; });
  // It may be rejected while nobody waits for it yet.
  promise.catch(() => {});
  return { promise, resolve: () => resolve?.(), reject: (reason) => reject?.(reason) };
}
