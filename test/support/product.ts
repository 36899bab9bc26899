/** The built product, installed in a box as README tells a user to: `install`, a site file, `enable`. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SiteStatus, StatusReport } from '../../src/control/types.ts';
import type { ExecResult, Machine } from '../box/machine.ts';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** The programs of test sites, one file each; the box sees the checkout read-only under its own path. */
export const programs = join(checkout, 'test/programs');

export class Product {
  readonly box: Machine;
  readonly #program: string;

  constructor(box: Machine, program = join(checkout, 'dist/wakesock.cjs')) {
    this.box = box;
    this.#program = program;
  }

  /** Idempotent. `exitIdleTime`: how long the activator stays when nothing is awake. */
  async install(exitIdleTime = '1s'): Promise<void> {
    await this.run('install');
    await this.box.writeFile('/etc/systemd/system/wakesock.service.d/test.conf', [
      '[Service]', 'ExecStart=', `ExecStart=${process.execPath} ${this.#program} run --exit-idle-time=${exitIdleTime} --log-level=debug`, '',
    ].join('\n'));
    await this.box.run(['systemctl', 'daemon-reload']);
    // One that another test file has left stays as long as that one said.
    await this.box.run(['systemctl', 'try-restart', 'wakesock.service']);
  }

  /** Exit code 0, or throws with what it said. Resolves with standard output. */
  run(...args: readonly string[]): Promise<string> {
    return this.box.run(this.command(...args));
  }

  exec(...args: readonly string[]): Promise<ExecResult> {
    return this.box.exec(this.command(...args));
  }

  /** The command line of a verb, to be run in the box. */
  command(...args: readonly string[]): string[] {
    return ['node', this.#program, ...args];
  }

  /** Writes SITE.container and enables it. */
  async enable(site: string, container: string): Promise<void> {
    await this.box.writeFile(`/etc/wakesock/sites/${site}.container`, container);
    await this.run('enable', site);
  }

  /** Disables the site and removes its file. */
  async remove(...sites: readonly string[]): Promise<void> {
    // A template is not enabled itself.
    await this.exec('disable', ...sites.filter((site) => !site.endsWith('@')));
    // Its history, too: another file may have a site of the same name, and count its wakes.
    await this.box.run(['rm', '-f', ...sites.flatMap((site) => [`/etc/wakesock/sites/${site}.container`, `/var/lib/wakesock/history/${site}.json`])]);
  }

  /** Does not wake anything. */
  async status(site: string): Promise<SiteStatus> {
    const report = JSON.parse(await this.run('status', '--json', site)) as StatusReport;
    const [found] = report.sites;
    if (!found) throw new Error(`status knows no site ${site}`);
    return found;
  }
}
