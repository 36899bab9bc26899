/** One attempt to start a site's program: from what was prepared to the first process of its container. And why one failed. */
import { describeError } from '../base/errors.ts';
import type { WakesockError } from '../base/errors.ts';
import { preparedDir, runtimeSiteDir } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import type { SiteError } from '../lifecycle/lifecycle.ts';
import type { Crun } from '../runtime/crun.ts';
import { launch } from '../wake/launch.ts';
import { startScope } from '../wake/start-scope.ts';
import type { Container } from './container.ts';
import type { RunnerParts } from './parts.ts';
import { wakeSecrets } from './wake-secrets.ts';

/** What is told on the way, in this order. */
export interface StartSteps {
  /** What the program will be: nothing of it runs yet. */
  prepared(prepared: PreparedSite): void;
  reached(phase: 'process' | 'scope' | 'go'): void;
  /** With the reason for which the scope has to wait, and with null when it is there. */
  hindered(error: WakesockError | null): void;
}

/**
 * Resolves with the number of the container's first process, which runs.
 * @param listenFds sockets for a program that is handed them
 * @throws WakesockError why it does not; of `signal` its reason
 */
export async function startContainer(
  name: string, container: Container, listenFds: () => readonly number[], signal: AbortSignal, parts: RunnerParts, steps: StartSteps,
): Promise<number> {
  const { paths, poller, crun, manager, fdStore } = parts;
  const prepared = await parts.prepared(name);
  signal.throwIfAborted();
  const { site, network = null } = prepared;
  steps.prepared(prepared);
  const secrets = await wakeSecrets(prepared, paths, signal);
  signal.throwIfAborted();
  const sink = parts.lines(name, () => container.process?.pid ?? null);
  return launch(
    site,
    { bundle: preparedDir(paths, name), runtime: runtimeSiteDir(paths, name), rootMount: prepared.rootMount ?? null, network, secrets },
    site.handoff === 'listen-fds' ? listenFds() : [],
    { crun, signal, startScope: manager ? (_, process) => startScope(manager, site, network, process, signal, steps.hindered) : null },
    {
      process: ({ stdout, stderr }) => {
        steps.reached('process');
        try {
          container.output.follow(poller, stdout, 'stdout', sink);
        } finally {
          container.output.follow(poller, stderr, 'stderr', sink);
        }
        // After the gate has opened would be too late: a program must not lose its output with us.
        fdStore.keep(`stdout=${name}`, [stdout]);
        fdStore.keep(`stderr=${name}`, [stderr]);
      },
      scope: () => steps.reached('scope'),
      started: () => steps.reached('go'),
    },
  );
}

/** With the last lines of its output: what crun or the program said is the reason a user looks for. What is left of the container is ended. */
export async function whyNotStarted(name: string, container: Container, error: unknown, { crun, whyNot }: Pick<RunnerParts, 'crun' | 'whyNot'>): Promise<SiteError> {
  const { code, message } = describeError(error);
  if (code !== 'ERR_WAKESOCK_RUNTIME' && code !== 'ERR_WAKESOCK_EXITED') return { code, message };
  await killAll(name, container, crun);
  await container.output.ended();
  const why = code === 'ERR_WAKESOCK_RUNTIME' ? await whyNot(name) : null;
  if (why) return describeError(why);
  const lines = container.output.lastLines;
  const told = container.oomKilled ? `${message}: the kernel killed it, or a process of it, for want of memory` : message;
  return { code, message: lines.length > 0 ? `${told}; its last lines: ${lines.join(' | ')}` : told };
}

/** A crun that ended before it told us the process may have started it all the same: then only crun knows it, if there is no scope. */
export async function killAll(name: string, container: Container, crun: Crun): Promise<void> {
  container.kill();
  if (container.process === null) await crun.delete(name);
}
