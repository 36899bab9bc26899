import { Chunked } from './chunked.ts';
import { Body, type BodyKind, type Framing } from './framing.ts';

/** Where the body of a message ends (RFC 9112 6), in bytes as they arrive. One object per connection and direction, used again for every message. */
export class BodyEnd {
  readonly #chunked = new Chunked();
  #kind: BodyKind = Body.none;
  #left = 0;

  /** The head is complete: what comes next is the body. */
  begin({ body, length }: Framing): void {
    this.#kind = body;
    this.#left = body === Body.length ? length : 0;
    if (body === Body.chunked) this.#chunked.reset();
  }

  /**
   * @returns behind the last byte of the body that is in these bytes, which begin with it at `start`
   * @throws Refusal 400: chunks that could be read otherwise
   */
  find(bytes: Buffer, start: number): number {
    switch (this.#kind) {
      case Body.chunked: return this.#chunked.scan(bytes, start, bytes.length);
      case Body.untilClose: return bytes.length;
      default: {
        const length = Math.min(this.#left, bytes.length - start);
        this.#left -= length;
        return start + length;
      }
    }
  }

  /** The whole body has been found. Never of one that ends with its connection. */
  get found(): boolean {
    return this.#kind === Body.chunked ? this.#chunked.done : this.#kind !== Body.untilClose && this.#left === 0;
  }
}
