/** What was read of the sites' files, kept for the next front door: to read ten thousand of them takes half a second of its start, to look whether they have changed a tenth of that. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SiteHosts } from './site-hosts.ts';

/** A file that was changed so shortly before it was read may be changed again without another time: clocks of file systems, and ours, go in steps. */
const settledMs = 2_000;

export class KeptHosts {
  readonly #path: string;
  readonly #program: string;
  #kept: ReadonlyMap<string, SiteHosts> = new Map();

  /** @param program changes with the code that reads the files: what another one has read does not count */
  constructor(path: string, program: string) {
    this.#path = path;
    this.#program = program;
  }

  /** Empty where there is nothing that can be used. */
  read(): ReadonlyMap<string, SiteHosts> {
    try {
      const { program, sites } = JSON.parse(readFileSync(this.#path, 'utf8')) as { program: string; sites: [string, SiteHosts][] };
      if (program === this.#program) this.#kept = new Map(sites);
    } catch {
      // Never written, or cut off by a power failure: all is read anew.
    }
    return this.#kept;
  }

  /** Does nothing where nothing has changed, or there is no room. @param readMs when the reading began, in milliseconds since the epoch */
  write(known: ReadonlyMap<string, SiteHosts>, readMs: number): void {
    if (known.size === this.#kept.size && [...known].every(([name, site]) => this.#kept.get(name) === site)) return;
    const sites = [...known].filter(([, { file }]) => file !== null && file.ctimeMs < readMs - settledMs);
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(`${this.#path}.new`, JSON.stringify({ program: this.#program, sites }));
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // The next one reads the files, as this one did.
    }
  }
}
