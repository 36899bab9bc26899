/**
 * Sites with no socket unit (`Host=` only): a listening socket on the loopback address each, from a lease or a wake until they sleep again. Who
 * connects there has asked for the address before and holds a lease, so that nobody is lost when it is closed.
 */
import { describeError } from '../base/errors.ts';
import type { PreparedSite } from '../base/site.ts';
import { isRecorded } from '../runtime/enabled.ts';
import { openListener } from '../sockets/listener.ts';
import type { RunnerParts, StoredFds } from './parts.ts';
import { namesNotDormant } from './runtime-state.ts';
import { SiteRunner } from './site-runner.ts';

/** In the fd store. */
export const loopbackKind = 'listen';

const nothingStored: StoredFds = { notify: null, stdout: null, stderr: null, spares: new Map(), closeContainer: () => {} };

export class LoopbackSites {
  readonly #runners: Map<string, SiteRunner>;
  readonly #parts: RunnerParts;
  /** Sites whose only socket is ours. */
  readonly #own: Set<string>;

  /** @param own those whose socket was found in the fd store */
  constructor(runners: Map<string, SiteRunner>, parts: RunnerParts, own: Iterable<string>) {
    this.#runners = runners;
    this.#parts = parts;
    this.#own = new Set(own);
  }

  /** The prepared site of this name, if it is enabled and has no socket unit. */
  find(name: string): PreparedSite | null {
    const { paths, preparedNow } = this.#parts;
    if (!isRecorded(paths, name)) return null;
    const prepared = preparedNow(name);
    return prepared.site.listen.length === 0 && prepared.site.handoff !== 'relay' ? prepared : null;
  }

  /** Null: there is no such site. @throws WakesockError it has no address left, or what is prepared cannot be read */
  open(name: string): SiteRunner | null {
    return this.find(name) === null ? null : this.#open(name);
  }

  /** What an earlier activator left running, where the fd store was emptied meanwhile: nobody else would ever stop it. */
  takeOver(): void {
    for (const name of namesNotDormant(this.#parts.paths)) {
      try {
        if (!this.#runners.has(name) && this.find(name) !== null) this.#open(name);
      } catch (error) {
        this.#parts.log.error(`${name} could not be taken over`, { site: name, ...describeError(error) });
      }
    }
    this.closeQuiet();
  }

  /** Gives up the sockets of those that sleep. */
  closeQuiet(): void {
    for (const name of this.#own) {
      const runner = this.#runners.get(name);
      if (runner?.quiet !== true) continue;
      this.#own.delete(name);
      this.#runners.delete(name);
      runner.close();
      this.#parts.fdStore.drop(`${loopbackKind}=${name}`);
    }
  }

  #open(name: string): SiteRunner {
    const listener = openListener({ family: 'ipv4', address: '127.0.0.1', port: 0 });
    this.#parts.fdStore.keep(`${loopbackKind}=${name}`, [listener.fd]);
    const runner = new SiteRunner(name, [listener], this.#parts);
    this.#runners.set(name, runner);
    runner.begin(nothingStored);
    this.#own.add(name);
    return runner;
  }
}
