import { parseInteger } from './integer.ts';
import { quote } from './quote.ts';
import { parseSignal } from './signal.ts';
import { suggest } from './suggest.ts';
import { UnitValueError } from './value-error.ts';
import { splitWords } from './words.ts';

/** `man systemd.exec`, Process Exit Codes. */
const names: Readonly<Record<string, number>> = {
  SUCCESS: 0, FAILURE: 1, INVALIDARGUMENT: 2, NOTIMPLEMENTED: 3, NOPERMISSION: 4, NOTINSTALLED: 5, NOTCONFIGURED: 6, NOTRUNNING: 7,
  USAGE: 64, DATAERR: 65, NOINPUT: 66, NOUSER: 67, NOHOST: 68, UNAVAILABLE: 69, SOFTWARE: 70, OSERR: 71, OSFILE: 72, CANTCREAT: 73, IOERR: 74,
  TEMPFAIL: 75, PROTOCOL: 76, NOPERM: 77, CONFIG: 78,
  CHDIR: 200, NICE: 201, FDS: 202, EXEC: 203, MEMORY: 204, LIMITS: 205, OOM_ADJUST: 206, SIGNAL_MASK: 207, STDIN: 208, STDOUT: 209, CHROOT: 210,
  IOPRIO: 211, TIMERSLACK: 212, SECUREBITS: 213, SETSCHEDULER: 214, CPUAFFINITY: 215, GROUP: 216, USER: 217, CAPABILITIES: 218, CGROUP: 219,
  SETSID: 220, CONFIRM: 221, STDERR: 222, PAM: 224, NETWORK: 225, NAMESPACE: 226, NO_NEW_PRIVILEGES: 227, SECCOMP: 228, SELINUX_CONTEXT: 229,
  PERSONALITY: 230, APPARMOR: 231, ADDRESS_FAMILIES: 232, RUNTIME_DIRECTORY: 233, CHOWN: 235, SMACK_PROCESS_LABEL: 236, KEYRING: 237,
  STATE_DIRECTORY: 238, CACHE_DIRECTORY: 239, LOGS_DIRECTORY: 240, CONFIGURATION_DIRECTORY: 241, NUMA_POLICY: 242, CREDENTIALS: 243, BPF: 244, EXCEPTION: 255,
};

/**
 * Reads an exit status: a number from 0 to 255, or a name such as `TEMPFAIL` (`man systemd.exec`, Process Exit Codes).
 * @throws UnitValueError
 */
export function parseExitStatus(text: string): number {
  if (Object.hasOwn(names, text)) return names[text] as number;
  const number = tryTo(() => parseInteger(text, 0n, 255n));
  if (number !== null) return Number(number);
  const near = suggest(text.toUpperCase(), Object.keys(names));
  throw new UnitValueError(`Expected an exit status from 0 to 255 or its name, found ${quote(text)}`, near === null ? {} : { suggestion: near });
}

/** What `SuccessExitStatus=`, `RestartPreventExitStatus=` and `RestartForceExitStatus=` hold. */
export interface ExitStatusSet {
  /** In ascending order. */
  readonly statuses: readonly number[];
  /** Names without `SIG`, in the order of the text. */
  readonly signals: readonly string[];
}

/** Reads exit statuses and signals, separated by spaces (`man systemd.service`). @throws UnitValueError */
export function parseExitStatusSet(text: string): ExitStatusSet {
  const statuses = new Set<number>();
  const signals = new Set<string>();
  for (const { text: word, offset } of splitWords(text)) {
    const status = tryTo(() => parseExitStatus(word));
    const signal = status === null ? tryTo(() => parseSignal(word)) : null;
    if (status !== null) statuses.add(status);
    else if (signal !== null) signals.add(signal);
    else throw new UnitValueError(`Expected an exit status or a signal, found ${quote(word)}`, { offset });
  }
  return { statuses: [...statuses].toSorted((a, b) => a - b), signals: [...signals] };
}

function tryTo<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnitValueError) return null;
    throw error;
  }
}
