/** Load on a server: at a rate that does not care how it does (open loop), or as much as it bears (closed loop). */

export interface Load {
  /** Of the requests that were answered, in the order of the answers. */
  readonly latenciesMs: readonly number[];
  /** How often each thing went wrong. */
  readonly failures: Readonly<Record<string, number>>;
  /** How much later than it should the latest request was sent: what the client itself could not do in time. */
  readonly lateMsMax: number;
  readonly durationMs: number;
}

/** One request; resolves when it has been answered and its connection has ended. @param index of the request */
export type Send = (index: number) => Promise<number>;

/**
 * Sends `ratePerSecond` evenly for `durationMs`, whether or not earlier ones have been answered. The latency of a request
 * begins when it was due, not when it could be sent: while a server (or this client) stalls, the requests that would have come
 * count with all of their waiting. Measured from the sending, they would be left out, and the stall with them (coordinated
 * omission, Gil Tene).
 */
export async function openLoop(send: Send, { ratePerSecond, durationMs }: { readonly ratePerSecond: number; readonly durationMs: number }): Promise<Load> {
  const total = Math.max(1, Math.round((ratePerSecond * durationMs) / 1000));
  const tally = new Tally();
  const startMs = performance.now();
  const pending: Promise<void>[] = [];
  const dueMs = (index: number): number => startMs + (index * 1000) / ratePerSecond;
  for (let next = 0; next < total;) {
    const nowMs = performance.now();
    for (; next < total && dueMs(next) <= nowMs; next += 1) {
      tally.late(nowMs - dueMs(next));
      pending.push(tally.count(send(next), dueMs(next)));
    }
    if (next < total) await until(dueMs(next));
  }
  await Promise.all(pending);
  return tally.load(startMs);
}

/** `connections` clients, each of which asks again as soon as it was answered, for `durationMs`. */
export async function closedLoop(send: Send, { connections, durationMs }: { readonly connections: number; readonly durationMs: number }): Promise<Load> {
  const tally = new Tally();
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  let index = 0;
  await Promise.all(Array.from({ length: connections }, async () => {
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) await tally.count(send(index++), nowMs);
  }));
  return tally.load(startMs);
}

/** All of `count` requests at once. */
export async function burst(send: Send, count: number): Promise<Load> {
  const tally = new Tally();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: count }, (_, index) => tally.count(send(index), startMs)));
  return tally.load(startMs);
}

class Tally {
  readonly #latenciesMs: number[] = [];
  readonly #failures: Record<string, number> = {};
  #lateMsMax = 0;

  late(ms: number): void {
    this.#lateMsMax = Math.max(this.#lateMsMax, ms);
  }

  /** The first byte of an answer counts, from `dueMs` on. */
  async count(answer: Promise<number>, dueMs: number): Promise<void> {
    const sentMs = performance.now();
    try {
      this.#latenciesMs.push(sentMs - dueMs + await answer);
    } catch (error) {
      const { message } = error as Error;
      this.#failures[message] = (this.#failures[message] ?? 0) + 1;
    }
  }

  load(startMs: number): Load {
    return { latenciesMs: this.#latenciesMs, failures: this.#failures, lateMsMax: this.#lateMsMax, durationMs: performance.now() - startMs };
  }
}

export function failureCount({ failures }: Pick<Load, 'failures'>): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}

/** Timers are late by up to a millisecond or so: what is due by then is sent together, and counts from when it was due. */
function until(atMs: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, Math.max(0, atMs - performance.now())); });
}
