/** The built product, used as a user does: `install`, site files, `enable`, the control socket. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { controlClient } from '../../src/control/client.ts';
import type { SiteStatus } from '../../src/control/types.ts';
import type { Manager } from '../../src/systemd/manager.ts';
import { scopeName, serviceUnitName, socketUnitName } from '../../src/systemd/unit-names.ts';
import { preparedDir, systemPaths } from '../../src/base/paths.ts';
import type { Bench, Handoff, Program } from '../types.ts';

const run = promisify(execFile);
const unitFile = `/etc/systemd/system/${serviceUnitName}`;
const dropIn = `/run/systemd/system/${serviceUnitName}.d/zz-bench.conf`;
const sitePrefix = 'bench-';

/** How long the activator stays when no site is awake. */
export type Stay = 'resident' | 'exits';

export interface EnabledSite {
  readonly name: string;
  readonly port: number;
}

export class Wakesock {
  readonly control = controlClient(systemPaths.controlPath);
  readonly #program: string;
  readonly #manager: Manager;
  readonly #wasInstalled = existsSync(unitFile);
  readonly #sites = new Set<string>();
  readonly #bundles = new Map<string, string>();
  #sitesMade = 0;

  constructor(checkout: string, manager: Manager) {
    this.#program = `${checkout}/dist/wakesock.cjs`;
    this.#manager = manager;
  }

  /** Idempotent. No activator runs afterwards. */
  async install(stay: Stay): Promise<void> {
    if (!existsSync(unitFile)) await this.#run('install');
    mkdirSync(dirname(dropIn), { recursive: true });
    writeFileSync(dropIn, `[Service]\nExecStart=\nExecStart=${process.execPath} ${this.#program} run --exit-idle-time=${stay === 'resident' ? 'infinity' : '1ms'}\n`);
    await this.#manager.reload();
    await this.stopActivator();
  }

  /** Removes every site of ours, and all else that was not there before. */
  async remove(): Promise<void> {
    await this.disable([...this.#sites]);
    await this.stopActivator();
    rmSync(dropIn, { force: true });
    removeIfEmpty(dirname(dropIn));
    if (!this.#wasInstalled && existsSync(unitFile)) await this.#run('uninstall');
    await this.#manager.reload();
  }

  /** Enables sites of one program in one go. */
  async enable(program: Program, handoff: Handoff, bench: Bench, count = 1, more: readonly string[] = [], moreOwn: (name: string) => readonly string[] = () => []): Promise<EnabledSite[]> {
    const { container, own } = program.prepare(bench);
    const sites = Array.from({ length: count }, () => ({ name: `${sitePrefix}${program.name}-${handoff}-${this.#sitesMade += 1}`, port: bench.nextPort() }));
    for (const { name, port } of sites) {
      writeSite(name, [
        '[Container]', ...container, ...more,
        '[X-Wakesock]', ...own, `ListenStream=${port}`, `Handoff=${handoff}`, ...handoff === 'adopt' ? [`Port=${program.port}`] : [],
        ...moreOwn(name),
        // Only the benchmark puts it to sleep.
        'IdleSec=infinity',
      ]);
      this.#sites.add(name);
    }
    await this.#run('enable', ...sites.map(({ name }) => name));
    return sites;
  }

  /** `wakesock create` of an image, as a user does; resolves with how long the command took, in milliseconds. */
  async create(image: string, port: number): Promise<EnabledSite & { readonly ms: number }> {
    const name = `${sitePrefix}created-${this.#sitesMade += 1}`;
    const startMs = performance.now();
    await this.#run('create', `--image=${image}`, `--listen=${port}`, `--port=${port}`, name);
    return { name, port, ms: performance.now() - startMs };
  }

  /** What {@link create} made. */
  async rm(name: string): Promise<number> {
    const startMs = performance.now();
    await this.#run('rm', name);
    return performance.now() - startMs;
  }

  async disable(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#run('disable', ...names);
    for (const name of names) {
      rmSync(siteFile(name));
      this.#sites.delete(name);
    }
  }

  /** Resolves when the site can be woken as if it had slept for long: the activator is done, and systemd with its scope. */
  async sleep(name: string): Promise<SiteStatus> {
    const status = await this.control.sleep(name, { force: true });
    await this.#manager.waitUnitGone(scopeName(name));
    return status;
  }

  /** Resolves when no activator runs and systemd listens again. */
  async activatorGone(site: string): Promise<void> {
    await this.#manager.waitUnitState(serviceUnitName, (state) => state === 'inactive');
    await this.#manager.waitUnitState(socketUnitName(site), (_, subState) => subState === 'listening');
  }

  async stopActivator(): Promise<void> {
    await this.#manager.stopUnit(serviceUnitName);
  }

  async activatorPid(): Promise<number> {
    const { MainPID: pid } = await this.#manager.getUnitProperties(serviceUnitName, 'Service', ['MainPID']);
    return Number(pid);
  }

  /**
   * The text of `config.json` as `enable` renders it for a `listen-fds` site, which is never woken: nothing is notified. Without a user
   * namespace, since its root would have to be mounted for it.
   */
  async bundleOf(program: Program, bench: Bench): Promise<string> {
    const known = this.#bundles.get(program.name);
    if (known !== undefined) return known;
    const [site] = await this.enable(program, 'listen-fds', bench, 1, ['UserNS=host']);
    if (site === undefined) throw new Error('Expected one site, got none');
    const text = readFileSync(`${preparedDir(systemPaths, site.name)}/config.json`, 'utf8');
    this.#bundles.set(program.name, text);
    return text;
  }

  async #run(...args: readonly string[]): Promise<void> {
    await run(process.execPath, [this.#program, ...args]);
  }
}

function siteFile(name: string): string {
  return `/etc/wakesock/sites/${name}.container`;
}

function writeSite(name: string, lines: readonly string[]): void {
  mkdirSync('/etc/wakesock/sites', { recursive: true });
  writeFileSync(siteFile(name), `${lines.join('\n')}\n`);
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
