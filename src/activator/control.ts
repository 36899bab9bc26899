/** The control socket's view of the runners. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ControlBackend } from '../control/backend.ts';
import type { ControlListen } from '../control/listen.ts';
import type { ControlServer } from '../control/server.ts';
import type { ExitPolicy } from './exit-policy.ts';
import type { SiteRunner } from './site-runner.ts';

export class ActivatorControl {
  readonly #listen: ControlListen | null;
  readonly #runners: ReadonlyMap<string, SiteRunner>;
  readonly #exit: ExitPolicy;
  readonly #log: Log;
  #server: ControlServer | null = null;

  constructor(listen: ControlListen | null, runners: ReadonlyMap<string, SiteRunner>, exit: ExitPolicy, log: Log) {
    this.#listen = listen;
    this.#runners = runners;
    this.#exit = exit;
    this.#log = log;
  }

  async serve(): Promise<void> {
    if (!this.#listen) return;
    if ('path' in this.#listen) mkdirSync(dirname(this.#listen.path), { recursive: true });
    const { serveControl } = await import('../control/server.ts');
    this.#server = await serveControl({
      listen: this.#listen,
      backend: this.#backend(),
      onQuiet: () => this.#exit.reconsider(),
      onProblem: (error) => this.#log.error('The control socket cannot accept', { message: error.message }),
    });
    this.#exit.controlBusy = () => (this.#server?.busy ?? 0) > 0;
    this.#exit.reconsider();
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #backend(): ControlBackend {
    const status = (name: string) => Promise.resolve(this.#runner(name).status());
    return {
      sites: () => Promise.resolve([...this.#runners.values()].map((runner) => runner.status())),
      site: status,
      wake: async (name, by) => {
        await this.#runner(name).wake(by);
        return status(name);
      },
      sleep: async (name, { force }) => {
        await this.#runner(name).sleep(force);
        return status(name);
      },
      lease: (name, asked) => this.#runner(name).lease(asked),
    };
  }

  #runner(name: string): SiteRunner {
    const runner = this.#runners.get(name);
    if (!runner) throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `No site \`${name}\` has a socket here; is it enabled?`);
    return runner;
  }
}
