/** Who waits until a site is awake, or asleep. */
import type { WakesockError } from '../base/errors.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: WakesockError) => void;
}

interface SleepWaiter extends Waiter {
  readonly force: boolean;
}

export class Waiters {
  #wake: Waiter[] = [];
  #sleep: SleepWaiter[] = [];

  get none(): boolean {
    return this.#wake.length === 0 && this.#sleep.length === 0;
  }

  /** What a sleep that somebody waits for is to be: by force where one of them asked for it. Null: nobody waits for one. */
  get sleep(): { readonly force: boolean } | null {
    return this.#sleep.length === 0 ? null : { force: this.#sleep.some(({ force }) => force) };
  }

  untilAwake(): Promise<void> {
    return new Promise((resolve, reject) => void this.#wake.push({ resolve, reject }));
  }

  untilAsleep(force: boolean): Promise<void> {
    return new Promise((resolve, reject) => void this.#sleep.push({ resolve, reject, force }));
  }

  awake(): void {
    for (const waiter of this.#wake.splice(0)) waiter.resolve();
  }

  asleep(): void {
    for (const waiter of this.#sleep.splice(0)) waiter.resolve();
  }

  notAwake(error: WakesockError): void {
    for (const waiter of this.#wake.splice(0)) waiter.reject(error);
  }

  /** An attempt has failed. Who asked for force while it was made without has another one of its own. */
  notAsleep(error: WakesockError, force: boolean): void {
    const all = this.#sleep;
    this.#sleep = all.filter((waiter) => waiter.force && !force);
    for (const waiter of all) if (!waiter.force || force) waiter.reject(error);
  }

  sendAway(error: WakesockError): void {
    this.notAwake(error);
    this.notAsleep(error, true);
  }
}
