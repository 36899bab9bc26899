/**
 * The built product as one that is killed at a given line: there it looks for a file of the moment's name, removes it, and
 * sends itself SIGKILL, or the signal that the file names. One copy has all moments; `arm_moments.py` makes the files.
 */
import type { Mutation } from './mutant.ts';

export const momentsDirectory = '/run/wakesock-moments';

interface Place {
  /** What is in the bundle exactly once. */
  readonly find: string;
  /** Behind it, or before it. */
  readonly behind?: true;
}

/** Every place where something is half done. */
const places = {
  'grace period expedited': { find: 'this.#expedite(EXPEDITED_BY_US);', behind: true },
  'asked for, no runner': { find: 'const watches = this.#watches.get(name) ?? [];' },
  'wake begun, nothing noted': { find: 'program.readiness.setDeadline(prepared.site.startTimeoutMs);' },
  'wake noted, no crun': { find: 'const secrets = await wakeSecrets(prepared, paths, signal);' },
  'crun started, its output not stored': { find: 'fdStore.keep(`stdout=${name}`, [stdout]);' },
  'crun started, no scope': { find: 'fdStore.keep(`stderr=${name}`, [stderr]);', behind: true },
  'in its scope, gate shut': { find: 'steps.scope();', behind: true },
  'configuration written, gate half open': { find: '(0, node_fs.renameSync)(`${path}.file`, path);' },
  'gate open': { find: 'gate.open();', behind: true },
  'crun has ended': { find: 'steps.started();' },
  'notify descriptor received, not stored': { find: 'this.#parts.fdStore.keep(`notify=${name}`, [fd]);' },
  'notify descriptor stored': { find: 'this.#parts.fdStore.keep(`notify=${name}`, [fd]);', behind: true },
  'bind received': { find: 'const mismatch = misfit(kind, listener);' },
  'socket not given yet': { find: 'this.#events.giving(listener);', behind: true },
  'socket given, bind not answered': { find: 'if (!installFd(this.#fd, notification.id, listener.fd, caller.fd, closeOnExec)) return null;', behind: true },
  'listen received, not noted': { find: 'readiness.listensOn(listener.inode);' },
  'listen noted, not answered': { find: 'this.#events.willListen(listener);', behind: true },
  'held, not frozen': { find: 'nobody = await frozen(parts.cgroup)' },
  'frozen, nothing noted': { find: 'ending.begins();' },
  'stop noted, no signal': { find: 'return letGo(parts, number, catches);' },
  'signal sent, frozen': { find: 'signalFrozen(parts, signal);', behind: true },
  'thawed, not noted': { find: 'ending.told();' },
  'take-over begun, filters off': { find: 'const alive = survivor(left);' },
  'taken over, not noted': { find: 'if (ending.begun && outcome === "signalled") this.#told(container);' },
  'frozen after a take-over': { find: 'await frozen(cgroup);', behind: true },
  'program gone, clients held': { find: 'const changed = sockets.release(true);' },
  'clients let go, store full': { find: 'const changed = sockets.release(true);', behind: true },
  'store empty, state noted': { find: 'removeRuntimeState(this.#parts.paths, this.#name);' },
  'state removed': { find: 'removeRuntimeState(this.#parts.paths, this.#name);', behind: true },
  'second socket made, not stored': { find: 'this.#events.spareMade(entry.spare.fd, entry.original.inode);' },
  'second socket stored, nobody led to it': { find: 'this.#events.spareMade(entry.spare.fd, entry.original.inode);', behind: true },
  'path not led to the second socket yet': { find: '(0, node_fs.renameSync)(path + spareSuffix, path);' },
  'path led to the second socket': { find: '(0, node_fs.renameSync)(path + spareSuffix, path);', behind: true },
  'path not led to the first socket yet': { find: '(0, node_fs.renameSync)(path + keptSuffix, path);' },
  'path led to the first socket': { find: '(0, node_fs.renameSync)(path + keptSuffix, path);', behind: true },
  'second socket dropped, still stored': { find: 'this.#events.spareDropped(entry.original.inode);' },
} satisfies Record<string, Place>;

export type Moment = keyof typeof places;
export const moments: readonly string[] = Object.keys(places);

/** Beside a place of another moment there may be one of these: each place is changed once. */
export function dyingAtMoments(): Mutation[] {
  const byFind = new Map<string, { before: string; behind: string }>();
  for (const [moment, place] of Object.entries<Place>(places)) {
    const of = byFind.get(place.find) ?? { before: '', behind: '' };
    const file = JSON.stringify(`${momentsDirectory}/${moment}`);
    const die = `if (require("node:fs").existsSync(${file})) { const signal = require("node:fs").readFileSync(${file}, "utf8").trim() || "SIGKILL"; require("node:fs").rmSync(${file}); globalThis.process.kill(globalThis.process.pid, signal); }`;
    of[place.behind ? 'behind' : 'before'] = `${die}\n`;
    byFind.set(place.find, of);
  }
  return [...byFind].map(([find, { before, behind }]) => ({ find, replace: `${before}${find}${behind === '' ? '' : `\n${behind}`}` }));
}
