import type { CalendarChain, CalendarEvent } from './calendar-event.ts';
import { zoneOffset } from './time-zone.ts';

/** Local time, broken down; months from 0. Fields may be out of range until {@link normalize}. */
interface Fields { year: number; month: number; day: number; hour: number; minute: number; second: number }

/** systemd's MAX_YEAR and MAX_CALENDAR_ITERATIONS. */
const yearMax = 2199;
const roundsMax = 1000;
const usecPerSecond = 1_000_000;

/**
 * When the event elapses next after an instant.
 *
 * @param after milliseconds since the epoch; fractions count as microseconds
 * @param localTimeZone for an event that names no time zone. Default `UTC`
 * @returns milliseconds since the epoch, with a fraction for microseconds; null if it never elapses again
 * @throws RangeError for a `localTimeZone` that is none
 * @example
 * new Date(nextElapse(parseCalendarEvent('daily'), Date.UTC(2026, 0, 1, 12)) ?? 0).toISOString() // '2026-01-02T00:00:00.000Z'
 */
export function nextElapse(event: CalendarEvent, after: number, localTimeZone = 'UTC'): number | null {
  const clock = new Clock(event.timeZone ?? localTimeZone);
  const start = Math.floor(after * 1000) + 1;
  const seconds = Math.floor(start / usecPerSecond);
  const found = find(event, clock, clock.fields(seconds), start - seconds * usecPerSecond);
  return found === null ? null : found.instant * 1000 + found.usec / 1000;
}

/** As systemd's find_next(): each unit is moved on until it fits, and what is below it starts anew. */
function find(event: CalendarEvent, clock: Clock, start: Fields, startUsec: number): { instant: number; usec: number } | null {
  let c = { ...start };
  let usec = startUsec;
  for (let round = 0; round < roundsMax; round++) {
    c = clock.normal(c);
    const year = match(event.years, c.year);
    if (year === null) return null;
    if (year !== c.year) [c, usec] = [{ year, month: 0, day: 1, hour: 0, minute: 0, second: 0 }, 0];
    if (c.year > yearMax || clock.settle(c) !== 'same') return null;

    const month = match(event.months, c.month + 1);
    if (month !== null && month !== c.month + 1) [c, usec] = [{ ...c, month: month - 1, day: 1, hour: 0, minute: 0, second: 0 }, 0];
    let settled = month === null ? 'bad' : clock.settle(c);
    if (settled === 'bad') {
      [c, usec] = [{ year: c.year + 1, month: 0, day: 1, hour: 0, minute: 0, second: 0 }, 0];
      continue;
    }
    if (settled === 'moved') continue;

    const day = match(event.daysFromEnd ? daysFromEnd(event.days, c) : event.days, c.day);
    if (day !== null && day !== c.day) [c, usec] = [{ ...c, day, hour: 0, minute: 0, second: 0 }, 0];
    settled = day === null ? 'bad' : clock.settle(c);
    if (settled === 'bad') {
      [c, usec] = [{ ...c, month: c.month + 1, day: 1, hour: 0, minute: 0, second: 0 }, 0];
      continue;
    }
    if (settled === 'moved') continue;
    if (event.weekdays !== null && !event.weekdays.includes((new Date(Date.UTC(c.year, c.month, c.day)).getUTCDay() + 6) % 7)) {
      [c, usec] = [{ ...c, day: c.day + 1, hour: 0, minute: 0, second: 0 }, 0];
      continue;
    }

    const hour = match(event.hours, c.hour);
    if (hour !== null && hour !== c.hour) [c, usec] = [{ ...c, hour, minute: 0, second: 0 }, 0];
    settled = hour === null ? 'bad' : clock.settle(c);
    if (settled === 'bad') {
      [c, usec] = [{ ...c, day: c.day + 1, hour: 0, minute: 0, second: 0 }, 0];
      continue;
    }
    if (settled === 'moved') continue;

    const minute = match(event.minutes, c.minute);
    if (minute !== null && minute !== c.minute) [c, usec] = [{ ...c, minute, second: 0 }, 0];
    settled = minute === null ? 'bad' : clock.settle(c);
    if (settled === 'bad') {
      [c, usec] = [{ ...c, hour: c.hour + 1, minute: 0, second: 0 }, 0];
      continue;
    }
    if (settled === 'moved') continue;

    const second = match(event.seconds, c.second * usecPerSecond + usec);
    if (second !== null) [c, usec] = [{ ...c, second: Math.floor(second / usecPerSecond) }, second % usecPerSecond];
    settled = second === null ? 'bad' : clock.settle(c);
    if (settled === 'bad') {
      [c, usec] = [{ ...c, minute: c.minute + 1, second: 0 }, 0];
      continue;
    }
    if (settled === 'moved') continue;
    return { instant: clock.instant(c), usec };
  }
  return null;
}

/** The smallest value of the chain that is not below `value`; null if there is none. */
function match(chain: CalendarChain, value: number): number | null {
  if (chain === null) return value;
  let best: number | null = null;
  for (const { start, stop, repeat } of chain) {
    let candidate: number | null = null;
    if (start >= value) candidate = start;
    else if (repeat > 0) {
      const next = start + repeat * Math.ceil((value - start) / repeat);
      if (stop === null || next <= stop) candidate = next;
    }
    if (candidate !== null && (best === null || candidate < best)) best = candidate;
  }
  return best;
}

/** Days counted from the end of this very month become days of it; what the month is too short for counts as day -1. */
function daysFromEnd(chain: CalendarChain, { year, month }: Fields): CalendarChain {
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const dayOf = (fromEnd: number): number => (last + 1 - fromEnd >= 1 ? last + 1 - fromEnd : -1);
  return (chain ?? []).map(({ start, stop, repeat }) => (stop === null ? { start: dayOf(start), stop: null, repeat } : { start: dayOf(stop), stop: dayOf(start), repeat }));
}

const order: readonly (keyof Fields)[] = ['year', 'month', 'day', 'hour', 'minute', 'second'];

/** mktime(3) and localtime(3) of a time zone. */
class Clock {
  readonly #zone: string;
  /** The offset that counted last: of two instants that a clock shows alike, mktime(3) takes the one that agrees with it. */
  #offset = 0;

  constructor(zone: string) {
    this.#zone = zone;
  }

  fields(instant: number): Fields {
    this.#offset = zoneOffset(this.#zone, instant);
    return brokenDown(instant + this.#offset);
  }

  instant(c: Fields): number {
    const local = Date.UTC(c.year, c.month, c.day, c.hour, c.minute, c.second) / 1000;
    if (this.#zone === 'UTC') return local;
    for (const guess of new Set([this.#offset, zoneOffset(this.#zone, local - 86_400), zoneOffset(this.#zone, local + 86_400)])) {
      if (zoneOffset(this.#zone, local - guess) === guess) {
        this.#offset = guess;
        return local - guess;
      }
    }
    // The clock never shows this: it is put forward in between.
    const before = zoneOffset(this.#zone, local - 86_400);
    return local - before;
  }

  normal(c: Fields): Fields {
    const instant = this.instant(c);
    return brokenDown(instant + zoneOffset(this.#zone, instant));
  }

  /** Normalises in place. `bad`: it would go back in time. */
  settle(c: Fields): 'same' | 'moved' | 'bad' {
    if (c.year > yearMax) return 'bad';
    const t = this.normal(c);
    const changed = order.findIndex((unit) => t[unit] !== c[unit]);
    if (changed < 0) return 'same';
    const unit = order[changed] as keyof Fields;
    if (t[unit] < c[unit]) return 'bad';
    // Normalising 3-33 gives 4-2, which would pass over 4-1, and 12-34 gives 1-3: what is below the unit that moved starts anew.
    const below = order[changed + 1];
    if (below !== undefined) t[below] = below === 'day' ? 1 : 0;
    if (below === 'month') t.day = 1;
    Object.assign(c, t);
    return 'moved';
  }
}

function brokenDown(local: number): Fields {
  const date = new Date(local * 1000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() };
}
