/** The control socket's view of the runners. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../base/log.ts';
import type { ControlBackend } from '../control/backend.ts';
import type { ControlListen } from '../control/listen.ts';
import type { ControlServer } from '../control/server.ts';
import type { ExitPolicy } from './exit-policy.ts';
import type { Runner } from './runner.ts';

/** The sites of this activator. */
export interface Sites {
  all(): readonly Runner[];
  /** @throws WakesockError ERR_WAKESOCK_SITE_NOT_FOUND */
  find(name: string): Promise<Runner>;
}

export class ActivatorControl {
  readonly #listen: ControlListen | null;
  readonly #sites: Sites;
  readonly #exit: ExitPolicy;
  readonly #log: Log;
  #server: ControlServer | null = null;

  constructor(listen: ControlListen | null, sites: Sites, exit: ExitPolicy, log: Log) {
    this.#listen = listen;
    this.#sites = sites;
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
    const find = (name: string) => this.#sites.find(name);
    const status = async (name: string) => (await find(name)).status();
    return {
      sites: () => Promise.resolve(this.#sites.all().map((runner) => runner.status())),
      site: status,
      wake: async (name, by) => {
        await (await find(name)).wake(by);
        return status(name);
      },
      sleep: async (name, { force }) => {
        await (await find(name)).sleep(force);
        return status(name);
      },
      lease: async (name) => (await find(name)).lease(),
    };
  }
}
