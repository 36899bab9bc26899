/** Progress with the time left: one line that is written over on a terminal, a line for each tenth elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #startMs = performance.now();
  #tenths = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(done: number, total: number, what: string): void {
    const leftMs = ((performance.now() - this.#startMs) / done) * (total - done);
    const text = `bench: ${what}  ${done}/${total}, ${duration(leftMs)} left`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${text}`);
      return;
    }
    const tenths = Math.floor((done * 10) / total);
    if (tenths > this.#tenths) this.#stream.write(`${text}\n`);
    this.#tenths = tenths;
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
