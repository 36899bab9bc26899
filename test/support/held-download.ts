/** A download through the front door that has begun, and is taken no further until the test says so. */
import { createInterface } from 'node:readline';
import type { Machine } from '../box/machine.ts';

/** More than all sockets and pipes on the way hold. */
const bytes = 64 * 1024 * 1024;
const script = `exec 3<&0
curl --silent --show-error --max-time 60 --header "Host: $0" http://127.0.0.1/big/${bytes} | {
  dd bs=1 count=1 status=none of=/dev/null && echo begun && read go <&3 && wc -c
}`;

export class HeldDownload {
  readonly #goOn: () => Promise<string>;

  private constructor(goOn: () => Promise<string>) {
    this.#goOn = goOn;
  }

  /** From a site that has `http_all.py`. Resolves when its first byte has come. */
  static async begin(box: Machine, host: string): Promise<HeldDownload> {
    const { child: { stdin, stdout } } = box.spawn(['sh', '-c', script, host]);
    if (!stdin || !stdout) throw new Error('Expected a shell with a standard input and output');
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const first = await next();
    if (first !== 'begun') throw new Error(`Expected a download of ${host} to begin, got ${first}`);
    return new HeldDownload(() => {
      stdin.end('go\n');
      return next();
    });
  }

  /** Takes the rest. @returns whether that was all */
  async isWhole(): Promise<boolean> {
    return Number(await this.#goOn()) === bytes - 1;
  }
}
