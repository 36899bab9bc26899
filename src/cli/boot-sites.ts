import { WakesockError } from '../base/errors.ts';
import type { ControlClient } from '../control/client.ts';
import type { WakePhases } from '../control/types.ts';

export interface Boot {
  readonly name: string;
  readonly phasesMs: WakePhases;
  /** False: somebody came meanwhile and is being served. */
  readonly asleepAgain: boolean;
}

/**
 * Wakes a site as a client would, and puts it back to sleep.
 * @throws WakesockError ERR_WAKESOCK_BUSY where it is awake already, which shows nothing about a start; and why it could not be woken
 */
export async function bootSite(name: string, client: Pick<ControlClient, 'wake' | 'sleep'>): Promise<Boot> {
  const asked = new Date().toISOString();
  const { lastWake } = await client.wake(name, { by: 'check' });
  if (lastWake === null || lastWake.at < asked) {
    throw new WakesockError('ERR_WAKESOCK_BUSY', `${name} is awake already, so nothing was tried: put it to sleep first (wakesock sleep ${name})`);
  }
  return { name, phasesMs: lastWake.phasesMs, asleepAgain: await sleepAgain(name, client) };
}

async function sleepAgain(name: string, client: Pick<ControlClient, 'sleep'>): Promise<boolean> {
  try {
    await client.sleep(name, { force: false });
    return true;
  } catch (error) {
    if (error instanceof WakesockError && error.code === 'ERR_WAKESOCK_BUSY') return false;
    throw error;
  }
}
