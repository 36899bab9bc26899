import { listenFdNamesBytesMax } from '../base/limits.ts';

/** What is stored of a site that is awake, each under the name `KIND=SITE`: its seccomp notify descriptor, and its output. */
export const storedKinds = ['notify', 'stdout', 'stderr'] as const;

/**
 * Room for the names of what is stored for the next activator. With those of its sockets they come to it in one environment variable: past the
 * limit of one, systemd could not start it at all (E2BIG), and nobody would wake any site any more.
 */
export class FdNames {
  #bytesLeft: number;
  readonly #bytes = new Map<string, number>();

  /** @param inherited LISTEN_FDNAMES: what the sockets take of it they take again, and what is stored is stored still */
  constructor(inherited = '', bytesMax = listenFdNamesBytesMax) {
    this.#bytesLeft = bytesMax - bytesOf(inherited);
    for (const name of inherited.split(':')) if (name.includes('=')) this.#add(name, bytesOf(name));
  }

  /** False: there is no room, and it must not be stored. */
  take(name: string, count: number): boolean {
    const bytes = count * bytesOf(name);
    if (bytes > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes;
    this.#add(name, bytes);
    return true;
  }

  /** All that was stored under the name. */
  drop(name: string): void {
    this.#bytesLeft += this.#bytes.get(name) ?? 0;
    this.#bytes.delete(name);
  }

  #add(name: string, bytes: number): void {
    this.#bytes.set(name, (this.#bytes.get(name) ?? 0) + bytes);
  }
}

/** With the colon that parts it from the next. */
function bytesOf(names: string): number {
  return Buffer.byteLength(names) + 1;
}
