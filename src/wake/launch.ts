/**
 * The cold path, in order: process → scope → go → listen (design section 4). What does not depend on each other overlaps:
 * crun is loaded while systemd makes the scope, and waits at its gate.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { makePipe } from '../linux/fd.ts';
import { closeFd } from '../linux/libc.ts';
import type { Child } from '../runtime/child.ts';
import { makeGate } from '../runtime/gate.ts';
import type { Crun } from '../runtime/crun.ts';
import { makeMeetingPlace, whatNetworkSaid } from '../runtime/network-meeting.ts';
import { WakesockError } from '../base/errors.ts';
import type { NetworkService, RootMount, Site } from '../base/site.ts';
import type { SecretFiles } from '../runtime/secret-mount.ts';

export interface LaunchPlaces {
  /** `config.json` of the prepared site. */
  readonly bundle: string;
  /** Runtime directory of this site, made here. */
  readonly runtime: string;
  readonly rootMount: RootMount | null;
  readonly network: NetworkService | null;
  readonly secrets: WakeSecrets | null;
}

/** Read for this wake. */
export interface WakeSecrets {
  /** `NAME=value` */
  readonly environment: readonly string[];
  readonly files: SecretFiles | null;
}

export interface LaunchParts {
  readonly crun: Crun;
  /** Puts the process into the site's scope; null where there is no systemd. */
  readonly startScope: ((site: Site, pid: number) => Promise<void>) | null;
  /** Ends an attempt that takes too long: crun is killed, the promise rejects. */
  readonly signal: AbortSignal;
}

export interface LaunchSteps {
  /** A process that will become crun exists. The read ends of its output are the callee's from here on. */
  process(output: { readonly stdout: number; readonly stderr: number }): void;
  scope(): void;
  /** crun has started the program. */
  started(): void;
}

/**
 * Resolves with the container's first process once crun has started the program.
 *
 * @param listenFds for a program that speaks sd_listen_fds(3)
 */
export async function launch(site: Site, places: LaunchPlaces, listenFds: readonly number[], parts: LaunchParts, steps: LaunchSteps): Promise<number> {
  parts.signal.throwIfAborted();
  if (places.network !== null && parts.startScope === null) throw new WakesockError('ERR_WAKESOCK_NOT_SUPPORTED', `${site.name}: Network= other than none and host needs systemd`);
  mkdirSync(places.runtime, { recursive: true, mode: 0o700 });
  if (places.network !== null) makeMeetingPlace(places.runtime);
  const pidFile = `${places.runtime}/pid`;
  rmSync(pidFile, { force: true });
  // An activator that died left it: crun would refuse the name.
  await parts.crun.delete(site.name);
  // Who gives up in between finds no crun to kill.
  parts.signal.throwIfAborted();
  const gate = makeGate(places.runtime, `${places.bundle}/config.json`, places.secrets?.environment ?? []);
  let child: Child | null = null;
  const kill = (): void => child?.kill();
  parts.signal.addEventListener('abort', kill);
  try {
    const { run, output } = startCrun(site, places, gate.path, pidFile, listenFds, parts.crun);
    child = run;
    // A crun that fails early must not wait for the scope, nor leave a rejection that nobody looks at.
    const failed = run.exited.then(({ code, signal }) => {
      const said = code === 0 || places.network === null ? '' : whatNetworkSaid(places.runtime);
      if (said !== '') throw new WakesockError('ERR_WAKESOCK_NETWORK', `The network could not be made: ${said}`);
      if (code !== 0) throw new WakesockError('ERR_WAKESOCK_RUNTIME', `crun ended with ${signal ?? statusText(code)}`);
    });
    failed.catch(() => {});
    steps.process(output);
    if (parts.startScope) await Promise.race([parts.startScope(site, run.pid), failed.then(() => undefined)]);
    steps.scope();
    gate.open();
    await failed;
    steps.started();
    return Number(readFileSync(pidFile, 'utf8'));
  } catch (error) {
    // A crun that has not come to the gate yet would wait there for ever.
    kill();
    throw error;
  } finally {
    parts.signal.removeEventListener('abort', kill);
    gate.abandon();
  }
}

/** A detached crun that cannot write its own state says nothing and ends with the errno (libcrun_container_run). */
function statusText(code: number | null): string {
  const [name, text] = (code !== null && code > 1 && getSystemErrorMap().get(-code)) || [];
  return name === undefined ? `status ${code}` : `status ${code} (as an errno: ${name}, ${text})`;
}

interface Started {
  readonly run: Child;
  /** Read ends. */
  readonly output: Parameters<LaunchSteps['process']>[0];
}

function startCrun(site: Site, places: LaunchPlaces, configPath: string, pidFile: string, listenFds: readonly number[], crun: Crun): Started {
  const unused = new Set<number>();
  const pipe = (): ReturnType<typeof makePipe> => {
    const made = makePipe();
    unused.add(made.readEnd).add(made.writeEnd);
    return made;
  };
  try {
    const [stdout, stderr] = [pipe(), pipe()];
    const run = crun.run({ id: site.name, bundle: places.bundle, configPath, pidFile, stdout: stdout.writeEnd, stderr: stderr.writeEnd, listenFds, mounts: { root: places.rootMount, secrets: places.secrets?.files ?? null } });
    unused.delete(stdout.readEnd);
    unused.delete(stderr.readEnd);
    return { run, output: { stdout: stdout.readEnd, stderr: stderr.readEnd } };
  } finally {
    // Only crun and the program may hold the write ends: their end is the end of the output.
    for (const fd of unused) closeFd(fd);
  }
}
