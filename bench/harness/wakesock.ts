/** The built product, used as a user does: `install`, site files, `enable`, the control socket. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { controlClient } from '../../src/control/client.ts';
import type { SiteStatus } from '../../src/control/types.ts';
import type { Manager } from '../../src/systemd/manager.ts';
import { controlSocketUnitName, frontServiceUnitName, frontSocketUnitName, scopeName, serviceUnitName, socketUnitName } from '../../src/systemd/unit-names.ts';
import { preparedDir, systemPaths } from '../../src/base/paths.ts';
import type { Bench, Handoff, Program } from '../types.ts';

const run = promisify(execFile);
const unitFile = `/etc/systemd/system/${serviceUnitName}`;
const dropInOf = (unit: string): string => `/run/systemd/system/${unit}.d/zz-bench.conf`;
/** Of what is not resident. From the start on: whoever is started for a client of its control socket or its port needs some of it to get there. */
const exitIdle = '100ms';
const sitePrefix = 'bench-';
/** A command line has an end. Each command makes systemd read all its units anew, which takes a millisecond for each. */
const sitesPerCommand = 10_000;
/** A line or two for each of them. */
const outputBytesMax = 64 * 1024 * 1024;

/** How long the activator stays when no site is awake. */
export type Stay = 'resident' | 'exits';

export interface EnabledSite {
  readonly name: string;
  readonly port: number;
  /** Behind the front door: what it is asked for there. */
  readonly host?: string;
}

interface SiteLines {
  /** Of `[Container]`. */
  readonly more?: readonly string[];
  /** Of `[X-Wakesock]`, for a site of this name. */
  readonly own?: (name: string) => readonly string[];
  /** `IdleSec=`. Default: only the benchmark puts them to sleep. */
  readonly idle?: string;
  /** No socket of its own: the front door, which must be open, takes its clients, and it is asked for by its name. */
  readonly behindFront?: boolean;
}

export class Wakesock {
  readonly control = controlClient(systemPaths.controlPath);
  readonly #program: string;
  readonly #manager: Manager;
  /** Not 80, which others of this machine may have. */
  readonly frontPort: number;
  readonly #wasInstalled = existsSync(unitFile);
  readonly #sites = new Set<string>();
  readonly #bundles = new Map<string, string>();
  #sitesMade = 0;

  constructor(checkout: string, manager: Manager, frontPort: number) {
    this.#program = `${checkout}/dist/wakesock.cjs`;
    this.#manager = manager;
    this.frontPort = frontPort;
  }

  /** Idempotent. No activator runs afterwards, nor a front door. */
  async install(stay: Stay): Promise<void> {
    if (!existsSync(unitFile)) await this.#run('install');
    const command = (verb: string): string => `[Service]\nExecStart=\nExecStart=${process.execPath} ${this.#program} ${verb} --exit-idle-time=${stay === 'resident' ? 'infinity' : exitIdle}\n`;
    writeUnit(dropInOf(serviceUnitName), command('run'));
    writeUnit(dropInOf(frontServiceUnitName), command('front'));
    writeUnit(dropInOf(frontSocketUnitName), `[Socket]\nListenStream=\nListenStream=127.0.0.1:${this.frontPort}\n`);
    await this.#manager.reload();
    await this.closeFront();
    await this.stopActivator();
  }

  /** Clients of sites behind it wait from now on. It starts with the first of them. */
  async openFront(): Promise<void> {
    await this.#manager.startUnit(frontSocketUnitName);
  }

  async closeFront(): Promise<void> {
    for (const name of [frontSocketUnitName, frontServiceUnitName]) await this.#manager.stopUnit(name);
  }

  /** Removes every site of ours, and all else that was not there before. */
  async remove(): Promise<void> {
    await this.disable([...this.#sites]);
    await this.closeFront();
    await this.stopActivator();
    for (const unit of [serviceUnitName, frontServiceUnitName, frontSocketUnitName]) {
      rmSync(dropInOf(unit), { force: true });
      removeIfEmpty(dirname(dropInOf(unit)));
    }
    if (!this.#wasInstalled && existsSync(unitFile)) await this.#run('uninstall');
    await this.#manager.reload();
  }

  /** Enables sites of one program in one go. */
  async enable(
    program: Program, handoff: Handoff, bench: Bench, count = 1, { more = [], own: moreOwn = () => [], idle = 'infinity', behindFront = false }: SiteLines = {},
  ): Promise<EnabledSite[]> {
    const { container, own } = program.prepare(bench);
    // Short where there are many: all names together are one variable of the activator's environment.
    const prefix = count > 100 ? sitePrefix : `${sitePrefix}${program.name}-${handoff}-`;
    const sites = Array.from({ length: count }, (): EnabledSite => {
      const name = `${prefix}${this.#sitesMade += 1}`;
      return behindFront ? { name, port: this.frontPort, host: name } : { name, port: bench.nextPort() };
    });
    for (const { name, port, host } of sites) {
      writeSite(name, [
        '[Container]', ...container, ...more,
        '[X-Wakesock]', ...own, host === undefined ? `ListenStream=${port}` : `Host=${host}`, `Handoff=${handoff}`, ...handoff === 'adopt' ? [`Port=${program.port}`] : [], ...moreOwn(name), `IdleSec=${idle}`,
      ]);
      this.#sites.add(name);
    }
    await this.#runMany('enable', sites.map(({ name }) => name));
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
    await this.#runMany('disable', names);
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

  /** Resolves when nothing of ours runs and systemd listens again. */
  async allGone({ name, host }: EnabledSite): Promise<void> {
    if (host !== undefined) await this.#listensAgain(frontServiceUnitName, frontSocketUnitName);
    await this.#listensAgain(serviceUnitName, host === undefined ? socketUnitName(name) : controlSocketUnitName);
  }

  async #listensAgain(service: string, socket: string): Promise<void> {
    await this.#manager.waitUnitState(service, (state) => state === 'inactive');
    await this.#manager.waitUnitState(socket, (_, subState) => subState === 'listening');
  }

  async stopActivator(): Promise<void> {
    await this.#manager.stopUnit(serviceUnitName);
  }

  activatorPid(): Promise<number> {
    return this.#pidOf(serviceUnitName);
  }

  frontPid(): Promise<number> {
    return this.#pidOf(frontServiceUnitName);
  }

  async #pidOf(service: string): Promise<number> {
    const { MainPID: pid } = await this.#manager.getUnitProperties(service, 'Service', ['MainPID']);
    return Number(pid);
  }

  /**
   * The text of `config.json` as `enable` renders it for a `listen-fds` site, which is never woken: nothing is notified. Without a user
   * namespace, since its root would have to be mounted for it.
   */
  async bundleOf(program: Program, bench: Bench): Promise<string> {
    const known = this.#bundles.get(program.name);
    if (known !== undefined) return known;
    const [site] = await this.enable(program, 'listen-fds', bench, 1, { more: ['UserNS=host'] });
    if (site === undefined) throw new Error('Expected one site, got none');
    const text = readFileSync(`${preparedDir(systemPaths, site.name)}/config.json`, 'utf8');
    this.#bundles.set(program.name, text);
    return text;
  }

  async #runMany(verb: string, names: readonly string[]): Promise<void> {
    for (let from = 0; from < names.length; from += sitesPerCommand) await this.#run(verb, ...names.slice(from, from + sitesPerCommand));
  }

  async #run(...args: readonly string[]): Promise<void> {
    const failed = await run(process.execPath, [this.#program, ...args], { maxBuffer: outputBytesMax }).then(() => null, (error: Error & { stderr?: string }) => error);
    // Not the whole of its command line, which may name thousands of sites.
    if (failed) throw new Error(`wakesock ${args[0]}: ${failed.stderr?.trim().split('\n').at(-1) || failed.message.slice(0, 200)}`);
  }
}

function siteFile(name: string): string {
  return `/etc/wakesock/sites/${name}.container`;
}

function writeUnit(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
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
