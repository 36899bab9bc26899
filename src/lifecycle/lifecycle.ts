/**
 * The life of a site: dormant → waking → awake → draining → dormant, and failed with a back-off that ends by itself.
 *
 * Pure: everything that happens is an event, everything to be done about it is an effect. Nobody else decides.
 */
import { backoffFirstMs, backoffMaxMs } from '../base/limits.ts';
import type { ErrorCode } from '../base/errors.ts';

export interface SiteError {
  readonly code: ErrorCode;
  readonly message: string;
}

export type State =
  | { readonly name: 'dormant' }
  /** `outdated`: it was prepared anew since this start was begun. */
  | { readonly name: 'waking'; readonly by: string; readonly outdated: boolean }
  /** `forceNext`: somebody asked for a stop by force while one was under way that may yet be undone. */
  | { readonly name: 'awake'; readonly sinceMs: number; readonly stopping: boolean; readonly forceNext: boolean }
  /** `wakeBy`: who asked for a wake meanwhile, or for the start that failed. `error`: it ends in `failed` instead of `dormant`. */
  | { readonly name: 'draining'; readonly wakeBy: string | null; readonly error: SiteError | null }
  | { readonly name: 'failed'; readonly error: SiteError; readonly untilMs: number };

export interface Life {
  readonly state: State;
  /** Failures since the last program that served: the exponent of the back-off. To have listened is not yet to have served. */
  readonly failures: number;
  /** Programs in a row that ended by themselves right after they had listened. */
  readonly earlyExits: number;
}

export type Event =
  /** A client waits on one of the site's sockets. */
  | { readonly type: 'readable' }
  /** `atOnce`: somebody asked for this very site, as by `systemctl start`: also within the back-off, which begins anew. */
  | { readonly type: 'wake'; readonly by: string; readonly atOnce: boolean }
  /** It was prepared anew, as by `systemctl reset-failed`: what failed before counts no more. */
  | { readonly type: 'resetFailed' }
  /** Every socket of the site is listened on by its program. */
  | { readonly type: 'listening' }
  | { readonly type: 'launchFailed'; readonly error: SiteError }
  /** The container is gone, whoever ended it, and everything it left is cleared away. */
  | { readonly type: 'gone' }
  /** The site has been idle for IdleSec=, or was asked to sleep. */
  | { readonly type: 'sleep'; readonly force: boolean }
  /** The stop was not begun: somebody came after all. */
  | { readonly type: 'inUse' }
  /** The stop was begun and cannot be undone. */
  | { readonly type: 'stopping' }
  /** A container of an earlier activator was found. */
  | { readonly type: 'found'; readonly as: 'waking' | 'awake' | 'draining' }
  /** What an earlier activator left cannot be taken over. */
  | { readonly type: 'orphan' };

export type Effect =
  /** Wait for clients on the site's sockets. */
  | { readonly type: 'arm' }
  | { readonly type: 'disarm' }
  | { readonly type: 'launch'; readonly by: string }
  /** Look after an awake site: hang-ups of its sockets, idleness. */
  | { readonly type: 'attend' }
  | { readonly type: 'stop'; readonly force: boolean }
  /** End the container and clear away what is left of it; ends in `gone`. */
  | { readonly type: 'destroy' }
  /** Accept and close every waiting connection. */
  | { readonly type: 'refuse' }
  /** Answer whoever asked for this wake. */
  | { readonly type: 'settle'; readonly error: SiteError | null };

/** A program that ends sooner than this after it listened did not serve; ending so three times in a row is a failure. */
const earlyExitMs = 1_000;
const earlyExitsMax = 3;

export const born: Life = { state: { name: 'dormant' }, failures: 0, earlyExits: 0 };

/** Milliseconds to wait after this many failed starts in a row: 1s, 2s, 4s … 60s. */
export function backoffMs(failures: number): number {
  return Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(failures - 1, 16));
}

/** @param nowMs any clock that never goes back */
export function next(life: Life, event: Event, nowMs: number): { readonly life: Life; readonly effects: readonly Effect[] } {
  if (event.type === 'resetFailed') return resetFailed(life);
  switch (life.state.name) {
    case 'dormant':
      return whenDormant(life, event);
    case 'waking':
      return whenWaking(life, life.state, event, nowMs);
    case 'awake':
      return whenAwake(life, life.state, event, nowMs);
    case 'draining':
      return whenDraining(life, life.state, event, nowMs);
    case 'failed':
      return whenFailed(life, life.state, event, nowMs);
  }
}

type Step = ReturnType<typeof next>;

function whenDormant(life: Life, event: Event): Step {
  if (event.type === 'readable') return launch(life, 'connection');
  if (event.type === 'wake') return launch(life, event.by);
  if (event.type === 'found') {
    return takeOver(life, event.as);
  }
  if (event.type === 'orphan') {
    return { life: { ...life, state: { name: 'draining', wakeBy: null, error: null } }, effects: [{ type: 'disarm' }, { type: 'destroy' }] };
  }
  if (event.type === 'sleep') return { life, effects: [{ type: 'settle', error: null }] };
  return same(life);
}

/**
 * A start that is under way may be of what was there before: if it fails, another is made at once, of what is there now, and who waits, waits for
 * that one.
 */
function resetFailed({ state }: Life): Step {
  return { life: { state: stateAnew(state), failures: 0, earlyExits: 0 }, effects: [] };
}

function stateAnew(state: State): State {
  switch (state.name) {
    case 'failed': return { name: 'dormant' };
    case 'waking': return { ...state, outdated: true };
    case 'draining': return { ...state, error: null };
    default: return state;
  }
}

function takeOver(life: Life, as: 'waking' | 'awake' | 'draining'): Step {
  const disarm: Effect = { type: 'disarm' };
  if (as === 'waking') return { life: { ...life, state: { name: 'waking', by: 'earlier activator', outdated: false } }, effects: [disarm] };
  if (as === 'awake') return { life: { ...life, state: { name: 'awake', sinceMs: 0, stopping: false, forceNext: false } }, effects: [disarm, { type: 'attend' }] };
  return { life: { ...life, state: { name: 'draining', wakeBy: null, error: null } }, effects: [disarm] };
}

function whenWaking(life: Life, { by, outdated }: State & { name: 'waking' }, event: Event, nowMs: number): Step {
  if (event.type === 'listening') {
    return {
      life: { ...life, state: { name: 'awake', sinceMs: nowMs, stopping: false, forceNext: false } },
      effects: [{ type: 'attend' }, { type: 'settle', error: null }],
    };
  }
  if (event.type === 'launchFailed') return drain(life, outdated ? null : event.error, by);
  if (event.type === 'gone' && outdated) return launch(life, by);
  if (event.type === 'gone') return fail(life, { code: 'ERR_WAKESOCK_EXITED', message: 'The container ended while it was starting' }, nowMs);
  return same(life);
}

function whenAwake(life: Life, state: State & { name: 'awake' }, event: Event, nowMs: number): Step {
  if (event.type === 'sleep') {
    if (state.stopping) return { life: { ...life, state: { ...state, forceNext: state.forceNext || event.force } }, effects: [] };
    return { life: { ...life, state: { ...state, stopping: true } }, effects: [{ type: 'stop', force: event.force }] };
  }
  if (event.type === 'inUse') {
    if (state.forceNext) return { life: { ...life, state: { ...state, stopping: true, forceNext: false } }, effects: [{ type: 'stop', force: true }] };
    return { life: { ...life, state: { ...state, stopping: false } }, effects: [{ type: 'attend' }] };
  }
  if (event.type === 'stopping') return { life: { failures: 0, earlyExits: 0, state: { name: 'draining', wakeBy: null, error: null } }, effects: [] };
  // It cannot be given its socket any more: end it, so that the next client gets a whole one.
  if (event.type === 'launchFailed') return drain(life, event.error, null);
  if (event.type === 'wake') return { life, effects: [{ type: 'settle', error: null }] };
  if (event.type === 'gone') return afterOwnExit(life, nowMs - state.sinceMs, nowMs);
  return same(life);
}

/** The program ended by itself, or somebody killed it. Who waits is served by the next one, unless that ends at once too. */
function afterOwnExit(life: Life, awakeMs: number, nowMs: number): Step {
  const early = awakeMs < earlyExitMs;
  const earlyExits = early ? life.earlyExits + 1 : 0;
  if (earlyExits >= earlyExitsMax) {
    return fail(life, { code: 'ERR_WAKESOCK_EXITED', message: `The program ended within ${earlyExitMs} ms of listening, ${earlyExits} times in a row` }, nowMs);
  }
  return { life: { failures: early ? life.failures : 0, earlyExits, state: { name: 'dormant' } }, effects: [{ type: 'settle', error: null }, { type: 'arm' }] };
}

function whenDraining(life: Life, state: State & { name: 'draining' }, event: Event, nowMs: number): Step {
  if (event.type === 'wake' && event.atOnce && state.error) return { life: { state: { ...state, wakeBy: event.by, error: null }, failures: 0, earlyExits: 0 }, effects: [] };
  if (event.type === 'wake') return { life: { ...life, state: { ...state, wakeBy: event.by } }, effects: [] };
  if (event.type !== 'gone') return same(life);
  if (state.error) return fail(life, state.error, nowMs);
  if (state.wakeBy !== null) return launch({ ...life, state: { name: 'dormant' } }, state.wakeBy);
  return { life: { ...life, state: { name: 'dormant' } }, effects: [{ type: 'settle', error: null }, { type: 'arm' }] };
}

function whenFailed(life: Life, state: State & { name: 'failed' }, event: Event, nowMs: number): Step {
  if (event.type === 'sleep') return { life, effects: [{ type: 'settle', error: null }] };
  const by = event.type === 'readable' ? 'connection' : event.type === 'wake' ? event.by : null;
  if (by === null) return same(life);
  if (event.type === 'wake' && event.atOnce) return launch({ ...life, failures: 0, earlyExits: 0 }, by);
  if (nowMs >= state.untilMs) return launch(life, by);
  if (event.type === 'readable') return { life, effects: [{ type: 'refuse' }, { type: 'arm' }] };
  return { life, effects: [{ type: 'settle', error: { code: 'ERR_WAKESOCK_BACKOFF', message: `Not tried again for ${Math.ceil((state.untilMs - nowMs) / 1000)} s: ${state.error.message}` } }] };
}

function launch(life: Life, by: string): Step {
  return { life: { ...life, state: { name: 'waking', by, outdated: false } }, effects: [{ type: 'disarm' }, { type: 'launch', by }] };
}

function drain(life: Life, error: SiteError | null, wakeBy: string | null): Step {
  return { life: { ...life, state: { name: 'draining', wakeBy, error } }, effects: [{ type: 'destroy' }] };
}

function fail(life: Life, error: SiteError, nowMs: number): Step {
  const failures = life.failures + 1;
  return {
    life: { failures, earlyExits: 0, state: { name: 'failed', error, untilMs: nowMs + backoffMs(failures) } },
    effects: [{ type: 'refuse' }, { type: 'settle', error }, { type: 'arm' }],
  };
}

function same(life: Life): Step {
  return { life, effects: [] };
}
