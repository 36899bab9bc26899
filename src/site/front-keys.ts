/** What the front door reads of a site file: whom it makes wait, and how, and who wakes nothing. */
import { startTimeoutMsDefault, stopTimeoutMsDefault, waitingPerSiteMax, upgradesMax, waitPageAfterMsDefault, wokenAtMax } from '../base/limits.ts';
import type { ListenAddress } from '../base/site.ts';
import { parseInteger } from '../unitfile/integer.ts';
import { parseIpPrefix, type IpPrefix } from '../unitfile/ip-prefix.ts';
import { quote } from '../unitfile/quote.ts';
import { suggest } from '../unitfile/suggest.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { splitWords } from '../unitfile/words.ts';
import type { SiteDraft } from './draft.ts';
import { parseAbsolutePath, parseMs } from './values.ts';

/**
 * Requests that shall not wake a site that sleeps, and what they get instead. Of each kind of condition one must hold, where there are
 * any: `path:/a path:/b method:GET` is GET of one of the two.
 */
export interface NoWakeRule {
  /** Globs of the path without its query. */
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  /** Globs of `User-Agent`, in lower case. */
  readonly agents: readonly string[];
  readonly clients: readonly IpPrefix[];
  /** Holds when the site was woken so often within so long, by anybody. */
  readonly woken: { readonly times: number; readonly withinMs: number } | null;
  readonly answer: NoWakeAnswer;
}

/** `cachedMs`: the site's own last answer, if it is no older; where there is none, the next line may hold, or the site is woken. */
export type NoWakeAnswer = { readonly status: number } | { readonly file: string } | { readonly cachedMs: number };

/** A site that the front door connects to itself. */
export interface RelayedSite {
  readonly target: ListenAddress;
  /** Null: what serves it is always there. */
  readonly unit: string | null;
}

export interface FrontKeys {
  readonly noWake: readonly NoWakeRule[];
  /** Of some requests the answers are kept. */
  readonly keepsAnswers: boolean;
  /** Infinity: never. */
  readonly waitPageAfterMs: number;
  /** Null: the built-in one. */
  readonly waitPage: string | null;
  readonly pendingMax: number;
  /** Protocols that a request may go on in, in lower case. */
  readonly upgrades: readonly string[];
  readonly allowConnect: boolean;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Null: of all other sites. */
  readonly relayed: RelayedSite | null;
}

/** One for all sites that say nothing else: a hundred thousand of them hold it once. */
export const frontKeysDefault: FrontKeys = {
  noWake: [], keepsAnswers: false, waitPageAfterMs: waitPageAfterMsDefault, waitPage: null, pendingMax: waitingPerSiteMax, upgrades: ['websocket'], allowConnect: false,
  startTimeoutMs: startTimeoutMsDefault, stopTimeoutMs: stopTimeoutMsDefault, relayed: null,
};

export function frontKeysOf({ front, startTimeoutMs, stopTimeoutMs, handoff, target, unit }: SiteDraft): FrontKeys {
  const { noWake, waitPageAfterMs, waitPage, pendingMax, upgrades, allowConnect } = front;
  const relayed = handoff?.value === 'relay' && target !== null ? { target: target.value, unit: unit?.value ?? null } : null;
  const says = noWake.length > 0 || [relayed, waitPageAfterMs, waitPage, pendingMax, upgrades, allowConnect, startTimeoutMs, stopTimeoutMs].some((value) => value !== null);
  if (!says) return frontKeysDefault;
  return {
    noWake: noWake.map(({ value }) => value), keepsAnswers: noWake.some(({ value }) => 'cachedMs' in value.answer), waitPage: waitPage?.value ?? null,
    waitPageAfterMs: waitPageAfterMs ?? frontKeysDefault.waitPageAfterMs,
    pendingMax: pendingMax ?? frontKeysDefault.pendingMax,
    upgrades: upgrades ?? frontKeysDefault.upgrades, allowConnect: allowConnect ?? frontKeysDefault.allowConnect,
    startTimeoutMs: startTimeoutMs ?? frontKeysDefault.startTimeoutMs,
    stopTimeoutMs: stopTimeoutMs ?? frontKeysDefault.stopTimeoutMs,
    relayed,
  };
}

/** What would carry requests past whoever reads them here: routes, `NoWake=`, `X-Forwarded-For`. RFC 9113 has done away with h2c, nobody does RFC 2817. */
const carriesHttp = /^(?:h2c|h2|tls|https?)(?:\/|$)/;

/** `Upgrade=PROTOCOL… | none`, in lower case. @throws UnitValueError */
export function parseUpgrades(text: string): string[] {
  const found = splitWords(text, 'refuse');
  if (found.length === 1 && found[0]?.text === 'none') return [];
  if (found.length > upgradesMax) throw new UnitValueError(`Expected at most ${upgradesMax} protocols`);
  return found.map(({ text: word, offset }) => {
    const name = word.toLowerCase();
    if (name === 'none' || !/^[!#$%&'*+.^_`|~\da-z-]{1,64}(?:\/[!#$%&'*+.^_`|~\da-z-]{1,64})?$/.test(name)) {
      throw new UnitValueError(`Expected none, or names of protocols such as websocket, found ${quote(word)}`, { offset });
    }
    if (carriesHttp.test(name)) throw new UnitValueError(`Expected a protocol other than ${word}: requests would pass unread in it`, { offset });
    return name;
  });
}

const conditions = ['path', 'method', 'agent', 'client', 'woken'] as const;
const answers = ['status', 'file', 'cached'] as const;
const words = [...conditions, ...answers] as const;
const oneAnswer = answers.map((known) => `${known}:`).join(', ').replace(/, (?=[^,]*$)/, ' or ');

/** `NoWake=CONDITION… [ANSWER]`. @throws UnitValueError */
export function parseNoWake(text: string): NoWakeRule {
  const rule = { paths: [] as string[], methods: [] as string[], agents: [] as string[], clients: [] as IpPrefix[], woken: null as NoWakeRule['woken'] };
  let answer: NoWakeRule['answer'] | null = null;
  const found = splitWords(text, 'refuse');
  for (const { text: word, offset } of found) {
    const colon = word.indexOf(':');
    const name = words.find((known) => known === word.slice(0, Math.max(0, colon)));
    if (name === undefined) {
      const near = suggest(word.slice(0, colon < 0 ? word.length : colon), words);
      throw new UnitValueError(`Expected ${words.map((known) => `${known}:`).join(', ')}, found ${quote(word)}`, { offset, ...(near === null ? {} : { suggestion: `${near}:` }) });
    }
    const value = word.slice(colon + 1);
    if (value === '') throw new UnitValueError(`Expected something behind ${name}:, found nothing`, { offset });
    try {
      switch (name) {
        case 'path': rule.paths.push(parsePathGlob(value)); break;
        case 'method': rule.methods.push(parseMethod(value)); break;
        case 'agent': rule.agents.push(value.toLowerCase()); break;
        case 'client': rule.clients.push(parseIpPrefix(value)); break;
        case 'woken': rule.woken = once(rule.woken, parseWoken(value), name); break;
        case 'status': answer = once(answer, { status: parseStatus(value) }, oneAnswer); break;
        case 'file': answer = once(answer, { file: parseAbsolutePath(value) }, oneAnswer); break;
        case 'cached': answer = once(answer, { cachedMs: parseMs(value) }, oneAnswer); break;
      }
    } catch (error) {
      if (error instanceof UnitValueError) throw new UnitValueError(error.message, { offset: offset + name.length + 1 + error.offset });
      throw error;
    }
  }
  const { paths, methods, agents, clients, woken } = rule;
  if (paths.length + methods.length + agents.length + clients.length === 0 && woken === null) {
    throw new UnitValueError(`Expected at least one of ${conditions.map((known) => `${known}:`).join(', ')}, found none`, { offset: 0, suggestion: 'path:/robots.txt' });
  }
  if (answer !== null && 'cachedMs' in answer && methods.length > 0 && !methods.some((method) => method === 'GET' || method === 'HEAD')) {
    throw new UnitValueError(`Expected GET or HEAD, whose answers alone are kept, found ${methods.join(', ')}`, { offset: 0 });
  }
  return { ...rule, answer: answer ?? { status: 503 } };
}

function once<T>(before: T | null, value: T, name: string): T {
  if (before !== null) throw new UnitValueError(`Expected ${name} once, found it again`);
  return value;
}

function parsePathGlob(text: string): string {
  if (/^[/*]/.test(text) && /^[\x21-\x7E]+$/.test(text)) return text;
  throw new UnitValueError(`Expected a path as it is asked for, such as /robots.txt or *.ico, found ${quote(text)}`);
}

function parseMethod(text: string): string {
  if (/^[A-Z-]{1,24}$/.test(text)) return text;
  throw new UnitValueError(`Expected a method such as HEAD, in capitals, found ${quote(text)}`);
}

function parseWoken(text: string): { times: number; withinMs: number } {
  const slash = text.indexOf('/');
  if (slash < 0) throw new UnitValueError(`Expected TIMES/TIME-SPAN such as 3/1h, found ${quote(text)}`);
  const times = Number(parseInteger(text.slice(0, slash), 1n, BigInt(wokenAtMax)));
  return { times, withinMs: parseMs(text.slice(slash + 1)) };
}

/** What needs no other field and means the same to everybody: 206, 304, 401, 407, 426 do not. */
function parseStatus(text: string): number {
  const status = Number(text);
  if (/^(?:20[04]|[45]\d\d)$/.test(text) && ![401, 407, 426].includes(status)) return status;
  throw new UnitValueError(`Expected the status 200, 204 or one from 400 but 401, 407 and 426, found ${quote(text)}`);
}
