/** Runs at most `max` at once; the others wait their turn, in order. */
export function makeGate(max: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    // A turn is handed over as it is, so that nobody comes in between.
    if (running === max) await new Promise<void>((resolve) => { queue.push(resolve); });
    else running++;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };
}
