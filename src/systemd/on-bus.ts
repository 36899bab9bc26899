import { setTimeout as delay } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';

/** A bus that is restarted is back after this or twice this; nothing announces it. */
const BUS_RETRY_MS = 100;

/**
 * Calls until the bus is there to answer, however long it is away.
 *
 * @param signal nobody wants it any more: rejects with its reason
 * @param away told each time that the bus was not there
 * @throws what `call` throws but `ERR_WAKESOCK_BUS`
 */
export async function onBus<T>(signal: AbortSignal, call: () => Promise<T>, away: (error: WakesockError) => void = () => {}): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof WakesockError) || error.code !== 'ERR_WAKESOCK_BUS') throw error;
      away(error);
      await delay(BUS_RETRY_MS, undefined, { signal });
    }
  }
}
