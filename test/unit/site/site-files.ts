import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Paths } from '../../../src/base/paths.ts';

/** A search path and a state directory of their own, below one directory that goes away with the test. */
export class SiteFiles {
  readonly base = mkdtempSync(join(tmpdir(), 'wakesock-site-'));
  readonly paths: Paths = {
    siteDirs: [`${this.base}/etc`, `${this.base}/run`, `${this.base}/usr`],
    stateDir: `${this.base}/state`, runtimeDir: `${this.base}/runtime`, controlPath: `${this.base}/runtime/control.sock`,
  };

  write(path: string, text: string, mode = 0o644): string {
    const file = `${this.base}/${path}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    return file;
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}
