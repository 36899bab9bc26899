import { quote } from './quote.ts';
import { isTimeZone } from './time-zone.ts';
import { UnitValueError } from './value-error.ts';

/** One part of a comma-separated list: a number, a range, or a number and what repeats after it. */
export interface CalendarComponent {
  readonly start: number;
  /** Null: no end. */
  readonly stop: number | null;
  /** 0: it does not repeat. */
  readonly repeat: number;
}

/** Null: every value. */
export type CalendarChain = readonly CalendarComponent[] | null;

/** `OnCalendar=` (`man systemd.time`, Calendar Events), normalised. */
export interface CalendarEvent {
  /** 0 is Monday. Null: every day. Ascending. */
  readonly weekdays: readonly number[] | null;
  readonly years: CalendarChain;
  /** 1 to 12. */
  readonly months: CalendarChain;
  readonly days: CalendarChain;
  /** `~`: days count from the end of the month, 1 being the last. */
  readonly daysFromEnd: boolean;
  readonly hours: CalendarChain;
  readonly minutes: CalendarChain;
  /** In microseconds. */
  readonly seconds: CalendarChain;
  /** `UTC`, a name such as `Europe/Berlin`, or null for local time. */
  readonly timeZone: string | null;
}

interface Draft { weekdays: number; years: CalendarChain; months: CalendarChain; days: CalendarChain; daysFromEnd: boolean; hours: CalendarChain; minutes: CalendarChain; seconds: CalendarChain }

const dayNames = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const zero: CalendarChain = [{ start: 0, stop: null, repeat: 0 }];
const at = (...numbers: number[]): CalendarChain => numbers.map((start) => ({ start, stop: null, repeat: 0 }));
const midnight = { hours: zero, minutes: zero, seconds: zero };
const shorthands: Readonly<Record<string, Partial<Draft>>> = {
  minutely: { seconds: zero }, hourly: { minutes: zero, seconds: zero }, daily: midnight, weekly: { weekdays: 1, ...midnight }, monthly: { days: at(1), ...midnight },
  yearly: { months: at(1), days: at(1), ...midnight }, quarterly: { months: at(1, 4, 7, 10), days: at(1), ...midnight },
  semiannually: { months: at(1, 7), days: at(1), ...midnight },
};
for (const alias of ['annually', 'anually']) Object.assign(shorthands, { [alias]: shorthands['yearly'] });
for (const alias of ['biannually', 'bi-annually', 'semi-annually']) Object.assign(shorthands, { [alias]: shorthands['semiannually'] });

/** systemd's CALENDARSPEC_COMPONENTS_MAX. */
const componentsMax = 241;
const int32Max = 2 ** 31 - 1;
const usecPerSecond = 1_000_000;

/**
 * Reads a calendar event: `Mon..Fri *-*-* 08:00`, `*-02~1`, `daily`, `2026-01-01 00:00:00 Europe/Berlin`, `@1700000000`.
 *
 * Unlike systemd it takes no abbreviations of the local time zone (`CEST`), which JavaScript does not know; `UTC` and names such as
 * `Europe/Berlin` are taken.
 *
 * @throws UnitValueError
 */
export function parseCalendarEvent(text: string): CalendarEvent {
  const { body, timeZone } = splitTimeZone(text);
  const fail = (): UnitValueError => new UnitValueError(`Expected a calendar event such as "Mon..Fri 08:00" or daily, found ${quote(text)}`);
  if (body === '') throw fail();
  const draft: Draft = { weekdays: 0, years: null, months: null, days: null, daysFromEnd: false, hours: null, minutes: null, seconds: null };
  let utc = timeZone === 'UTC';
  const lower = body.toLowerCase();
  if (Object.hasOwn(shorthands, lower)) Object.assign(draft, shorthands[lower]);
  else utc = new Reader(body, fail).read(draft) || utc;
  const event = normalize(draft, utc ? 'UTC' : timeZone);
  if (!isValid(event)) throw fail();
  return event;
}

function splitTimeZone(text: string): { body: string; timeZone: string | null } {
  if (/ utc$/i.test(text)) return { body: text.slice(0, -4), timeZone: 'UTC' };
  const space = text.lastIndexOf(' ');
  const name = space < 0 ? '' : text.slice(space + 1);
  return name !== '' && isTimeZone(name) ? { body: text.slice(0, space), timeZone: name } : { body: text, timeZone: null };
}

class Reader {
  readonly #text: string;
  readonly #fail: () => UnitValueError;
  #i = 0;

  constructor(text: string, fail: () => UnitValueError) {
    this.#text = text;
    this.#fail = fail;
  }

  /** @returns whether the event is in UTC by itself (`@…`) */
  read(draft: Draft): boolean {
    this.#weekdays(draft);
    const stamp = this.#date(draft);
    if (!stamp) this.#time(draft);
    if (this.#i < this.#text.length) throw this.#fail();
    return stamp;
  }

  #peek(): string { return this.#text[this.#i] ?? ''; }
  #spaces(): void { while (this.#peek() === ' ') this.#i++; }

  #weekdays(draft: Draft): void {
    let from = -1;
    for (let first = true; ; first = false) {
      const match = /^(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)/i.exec(this.#text.slice(this.#i, this.#i + 9));
      if (match === null) {
        if (first) return;
        throw this.#fail();
      }
      const day = dayNames.findIndex((name) => name.startsWith(match[0].slice(0, 3).toLowerCase()));
      this.#i += match[0].length;
      if (!['', '-', '.', ',', ' '].includes(this.#peek())) throw this.#fail();
      if (from > day) throw this.#fail();
      for (let k = from < 0 ? day : from; k <= day; k++) draft.weekdays |= 1 << k;
      const next = this.#peek();
      if (next === '' || next === ' ') return this.#spaces();
      if (next === ',') {
        from = -1;
        this.#i++;
      } else {
        // `-` between days is what older versions wrote.
        if (from >= 0 || (next === '.' && this.#text[this.#i + 1] !== '.')) throw this.#fail();
        from = day;
        this.#i += next === '.' ? 2 : 1;
      }
      // A comma at the end is let through, an open range is not.
      if (this.#peek() === '' || this.#peek() === ' ') {
        if (from >= 0) throw this.#fail();
        return this.#spaces();
      }
    }
  }

  /** @returns whether it was a time stamp, which nothing follows */
  #date(draft: Draft): boolean {
    if (this.#peek() === '') return false;
    if (this.#peek() === '@') return this.#stamp(draft);
    const start = this.#i;
    const first = this.#chain(false);
    const after = this.#peek();
    // It was the hour.
    if (after === '' || after === ':') {
      this.#i = start;
      return false;
    }
    draft.daysFromEnd = this.#dash();
    const second = this.#chain(false);
    if (this.#peek() === '' || this.#peek() === ' ') {
      Object.assign(draft, { months: first, days: second });
    } else {
      if (draft.daysFromEnd) throw this.#fail();
      draft.daysFromEnd = this.#dash();
      const third = this.#chain(false);
      if (this.#peek() !== '' && this.#peek() !== ' ') throw this.#fail();
      Object.assign(draft, { years: first, months: second, days: third });
    }
    this.#spaces();
    return false;
  }

  #dash(): boolean {
    const character = this.#peek();
    if (character !== '-' && character !== '~') throw this.#fail();
    this.#i++;
    return character === '~';
  }

  #stamp(draft: Draft): boolean {
    const match = /^@[ \t\n\r\v\f]*\+?(\d{1,15})/.exec(this.#text.slice(this.#i));
    if (match === null) throw this.#fail();
    this.#i += match[0].length;
    const date = new Date(Number(match[1]) * 1000);
    if (Number.isNaN(date.getTime())) throw this.#fail();
    Object.assign(draft, {
      years: at(date.getUTCFullYear()), months: at(date.getUTCMonth() + 1), days: at(date.getUTCDate()), hours: at(date.getUTCHours()),
      minutes: at(date.getUTCMinutes()), seconds: at(date.getUTCSeconds() * usecPerSecond),
    });
    return true;
  }

  #time(draft: Draft): void {
    if (this.#peek() === '') {
      Object.assign(draft, midnight);
      return;
    }
    draft.hours = this.#chain(false);
    if (this.#peek() !== ':') throw this.#fail();
    this.#i++;
    draft.minutes = this.#chain(false);
    draft.seconds = zero;
    if (this.#peek() === '') return;
    if (this.#peek() !== ':') throw this.#fail();
    this.#i++;
    draft.seconds = this.#chain(true);
  }

  #chain(seconds: boolean): CalendarChain {
    if (this.#peek() === '*') {
      this.#i++;
      return seconds ? everySecond : null;
    }
    const found: CalendarComponent[] = [];
    for (;;) {
      if (found.length >= componentsMax) throw this.#fail();
      const start = this.#number(seconds);
      let stop: number | null = null;
      let repeat = 0;
      if (this.#text.startsWith('..', this.#i)) {
        this.#i += 2;
        stop = this.#number(seconds);
        repeat = seconds ? usecPerSecond : 1;
      }
      if (this.#peek() === '/') {
        this.#i++;
        repeat = this.#number(seconds);
        if (repeat === 0) throw this.#fail();
      } else if (seconds && stop !== null && stop - start < usecPerSecond) {
        throw this.#fail();
      }
      if (!['', ' ', ',', '-', '~', ':'].includes(this.#peek())) throw this.#fail();
      found.push({ start, stop, repeat });
      if (this.#peek() !== ',') return found;
      this.#i++;
    }
  }

  #number(seconds: boolean): number {
    const match = /^(\d+)(?:\.(?!\.)(\d*))?/.exec(this.#text.slice(this.#i, this.#i + 64));
    if (match === null) throw this.#fail();
    const [whole, digits = '', fraction] = match;
    if (!seconds) {
      this.#i += digits.length;
      return this.#bounded(Number(digits));
    }
    if (fraction === '') throw this.#fail();
    this.#i += whole.length;
    const six = (fraction ?? '').padEnd(7, '0');
    // The seventh digit rounds, as in systemd's parse_fractional_part_u().
    const usec = Number(six.slice(0, 6)) + (fraction !== undefined && Number(six[6]) >= 5 ? 1 : 0);
    return this.#bounded(Number(digits) * usecPerSecond + usec);
  }

  #bounded(value: number): number {
    if (value > int32Max) throw this.#fail();
    return value;
  }
}

const century = (year: number): number => (year < 70 ? year + 2000 : year < 100 ? year + 1900 : year);

function normalize(draft: Draft, timeZone: string | null): CalendarEvent {
  const weekdays = draft.weekdays === 0 || draft.weekdays >= 127 ? null : dayNames.flatMap((_name, i) => ((draft.weekdays & (1 << i)) === 0 ? [] : [i]));
  const years = draft.years?.map(({ start, stop, repeat }) => ({ start: century(start), stop: stop === null ? null : century(stop), repeat })) ?? null;
  return {
    weekdays, years: tidy(years), months: tidy(draft.months), days: tidy(draft.days), daysFromEnd: draft.daysFromEnd && draft.days !== null,
    hours: tidy(draft.hours), minutes: tidy(draft.minutes), seconds: tidy(draft.seconds?.some(isEverySecond) === true ? everySecond : draft.seconds), timeZone,
  };
}

const everySecond: CalendarChain = [{ start: 0, stop: null, repeat: usecPerSecond }];
/** With it in a list, systemd drops the rest of the list. */
const isEverySecond = ({ start, stop, repeat }: CalendarComponent): boolean => start === 0 && stop === null && repeat === usecPerSecond;

const order = (a: CalendarComponent, b: CalendarComponent): number => a.start - b.start || (a.stop ?? -1) - (b.stop ?? -1) || a.repeat - b.repeat;

/** Sorted, each once; a range ends where its last repetition is. */
function tidy(chain: CalendarChain): CalendarChain {
  if (chain === null) return null;
  const fixed = chain.map(({ start, stop, repeat }) => {
    let end = stop;
    if (end !== null && end > start && repeat > 0) end -= (end - start) % repeat;
    if (end !== null && (end === start || (end > start && repeat > 0 && start + repeat > end))) return { start, stop: null, repeat: 0 };
    return { start, stop: end, repeat };
  });
  return fixed.toSorted(order).filter((component, i, all) => i === 0 || order(all[i - 1] as CalendarComponent, component) !== 0);
}

function isValid(event: CalendarEvent): boolean {
  return inside(event.years, 1970, 2199) && inside(event.months, 1, 12) && inside(event.days, 1, 31, event.daysFromEnd)
    && inside(event.hours, 0, 23) && inside(event.minutes, 0, 59) && inside(event.seconds, 0, 60 * usecPerSecond - 1);
}

/**
 * There must be room for one repetition. From the end of the month the first part may reach 28 days back, and each
 * further part, in systemd's order, three days less: so does systemd's chain_valid() have it.
 */
function inside(chain: CalendarChain, from: number, most: number, fromEnd = false): boolean {
  return (chain ?? []).every(({ start, stop, repeat }, i) => {
    const to = fromEnd ? most - 3 * (i + 1) : most;
    return start >= from && start <= to && repeat <= to - from
      && (stop !== null ? stop >= from && stop <= to && start + repeat <= stop : fromEnd ? start - repeat >= from : start + repeat <= to);
  });
}

/**
 * The normalised form, as `systemd-analyze calendar` prints it.
 * @example
 * formatCalendarEvent(parseCalendarEvent('Mon-Fri 8:00')) // 'Mon..Fri *-*-* 08:00:00'
 */
export function formatCalendarEvent(event: CalendarEvent): string {
  const parts = event.weekdays === null ? [] : [formatWeekdays(event.weekdays)];
  parts.push(`${formatChain(event.years, 4)}-${formatChain(event.months, 2)}${event.daysFromEnd ? '~' : '-'}${formatChain(event.days, 2)}`);
  parts.push(`${formatChain(event.hours, 2)}:${formatChain(event.minutes, 2)}:${formatSeconds(event.seconds)}`);
  if (event.timeZone !== null) parts.push(event.timeZone);
  return parts.join(' ');
}

const short = (day: number): string => `${(dayNames[day] as string)[0]?.toUpperCase()}${(dayNames[day] as string).slice(1, 3)}`;

function formatWeekdays(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs.map((run) => {
    const [first, last] = [short(run[0] as number), short(run.at(-1) as number)];
    return run.length === 1 ? first : run.length === 2 ? `${first},${last}` : `${first}..${last}`;
  }).join(',');
}

function formatChain(chain: CalendarChain, width: number): string {
  if (chain === null) return '*';
  const pad = (value: number): string => String(value).padStart(width, '0');
  return chain.map(({ start, stop, repeat }) => `${pad(start)}${stop === null ? '' : `..${pad(stop)}`}${repeat > 0 && !(stop !== null && repeat === 1) ? `/${repeat}` : ''}`).join(',');
}

function formatSeconds(chain: CalendarChain): string {
  if (chain === null || chain.some(isEverySecond)) return '*';
  return chain.map(({ start, stop, repeat }) => `${seconds(start, 2)}${stop === null ? '' : `..${seconds(stop, 2)}`}`
    + `${repeat > 0 && !(stop !== null && repeat === usecPerSecond) ? `/${seconds(repeat, 1)}` : ''}`).join(',');
}

function seconds(usec: number, width: number): string {
  const fraction = usec % usecPerSecond;
  return `${String(Math.floor(usec / usecPerSecond)).padStart(width, '0')}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}`;
}
