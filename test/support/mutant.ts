/**
 * The built product with one protection taken out, to show that a test sees it missing. A copy, changed as text: the product
 * itself has no switch that somebody could come upon.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../box/machine.ts';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
const copy = '/opt/wakesock-mutant';
const dropIn = '/etc/systemd/system/wakesock.service.d/zz-mutant.conf';

export interface Mutation {
  /** What is in the bundle exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** From here on systemd starts the copy, until {@link removeMutant}. */
export async function installMutant(box: Machine, exitIdleTime: string, ...mutations: readonly Mutation[]): Promise<void> {
  await box.run(['sh', '-c', 'rm -rf "$0" && mkdir -p "$0" && cp -r "$1/dist" "$0" && ln -s "$1/node_modules" "$0/node_modules"', copy, checkout]);
  for (const [path, text] of mutated(mutations)) await box.writeFile(join(copy, path), text);
  const command = `${process.execPath} ${copy}/dist/wakesock.cjs run --exit-idle-time=${exitIdleTime} --log-level=debug`;
  await box.writeFile(dropIn, `[Service]\nExecStart=\nExecStart=${command}\n`);
  await restart(box);
}

export async function removeMutant(box: Machine): Promise<void> {
  await box.run(['rm', '-f', dropIn]);
  await restart(box);
}

/** The activator that runs is the other one: its end is waited for. */
async function restart(box: Machine): Promise<void> {
  await box.run(['systemctl', 'daemon-reload']);
  await box.run(['systemctl', 'try-restart', 'wakesock.service']);
}

/** Changed files of the bundle, by path. */
function mutated(mutations: readonly Mutation[]): Map<string, string> {
  const chunks = join(checkout, 'dist/chunks');
  if (!existsSync(chunks)) throw new Error(`Expected the built product in ${chunks}, found none`);
  const files = new Map(['dist/wakesock.cjs', ...readdirSync(chunks).map((name) => `dist/chunks/${name}`)].map((path) => [path, readFileSync(join(checkout, path), 'utf8')]));
  const changed = new Map<string, string>();
  for (const { find, replace } of mutations) {
    const holders = [...files].filter(([, text]) => text.includes(find));
    const [holder] = holders;
    if (holders.length !== 1 || !holder || holder[1].split(find).length !== 2) throw new Error(`Expected \`${find}\` exactly once in dist/, found it in ${holders.map(([path]) => path).join(', ') || 'no file'}`);
    const text = holder[1].replace(find, () => replace);
    files.set(holder[0], text);
    changed.set(holder[0], text);
  }
  return changed;
}

/** What keeps clients from being lost (design section 4), each as what takes it out. */
export const without = {
  /** New clients are not held while the program ends. */
  hold: [{ find: '\thold() {\n\t\tthis.#held = true;', replace: '\thold() {\n\t\treturn;' }],
  /** A stop is tried an idle time after the last client went, whoever is there: then everything is up to the last look. */
  firstLook: [
    { find: 'if (activity.established > 0) this.#lastActiveMs', replace: 'if (false) this.#lastActiveMs' },
    { find: 'if (this.isQuiet(activity)) return', replace: 'if (this.#parts.now() - this.#lastActiveMs >= this.#parts.presentIdleMs()) return' },
  ],
  /** The program is neither frozen nor looked at before it is told to end. */
  lastLook: [{ find: 'await frozen(parts.cgroup) && parts.quiet(parts.look())', replace: 'true' }],
  /** The next activator does not know that the program had been told to end. */
  memoryOfStop: [{ find: 'stopping: this.ending.begun,', replace: 'stopping: false,' }],
} satisfies Record<string, readonly Mutation[]>;
