/** Whether our own client and wrk say the same of one server. Pure. */

/** Of a server that is asked by as many at once, each as fast as it is answered. */
export interface Saturated {
  readonly perSecond: number;
  readonly p50Ms: number;
}

export interface Agreement {
  /** What our client says by what wrk says. */
  readonly perSecond: number;
  readonly p50: number;
  readonly agrees: boolean;
}

/** Either way. Turns of a second on a machine that does other things, too, differ by half of it. */
export const bound = 0.15;

export function agreementOf(ours: Saturated, wrk: Saturated): Agreement {
  const [perSecond, p50] = [ours.perSecond / wrk.perSecond, ours.p50Ms / wrk.p50Ms];
  return { perSecond, p50, agrees: [perSecond, p50].every((ratio) => ratio >= 1 / (1 + bound) && ratio <= 1 + bound) };
}

/** For the reader of a report. @param what was asked */
export function agreementText(what: string, { perSecond, p50, agrees }: Agreement): string {
  const figures = `throughput ${perSecond.toFixed(2)}, median ${p50.toFixed(2)} of wrk's`;
  return agrees
    ? `${what}: our client and wrk agree (${figures}).`
    : `${what}: our client and wrk DO NOT AGREE within ${bound * 100} % (${figures}): where our client is the slower one it is what is at its limit, and throughput is wrk's to say.`;
}
