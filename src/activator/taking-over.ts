/** What is to become of what an earlier activator left of a site: decided from what was found, and from nothing else. */
import type { PreparedSite } from '../base/site.ts';
import type { RuntimeState } from './runtime-state.ts';

export interface Found {
  /** What it had noted. Null: nothing, or nothing that can be read. */
  readonly noted: Pick<RuntimeState, 'listening' | 'stopping' | 'toldMs'> & { readonly process: unknown } | null;
  /** There is a scope of the site. */
  readonly scope: boolean;
  /** The container's first process is alive. */
  readonly alive: boolean;
  /** Null: what is prepared cannot be read. */
  readonly handoff: PreparedSite['site']['handoff'] | null;
  /** The notify descriptor was stored. */
  readonly notify: boolean;
  /** It has asked for each of its sockets, as was noted. */
  readonly complete: boolean;
  /** Whether it has clients. The kernel has to look through all connections for that: asked only where it decides. */
  readonly serves: () => boolean;
}

export type TakeOver =
  /** It cannot be taken over, and is ended. `hold`: it serves until it is dead. */
  | { readonly kind: 'end'; readonly hold: boolean }
  | {
    readonly kind: 'takeOver';
    readonly as: 'waking' | 'awake' | 'draining';
    /** Without what belongs to it: it serves whom it has, and is stopped as soon as there is nobody. */
    readonly crippled: boolean;
    /** It listens on all of its sockets. */
    readonly listening: boolean;
    /** It was being started: `TimeoutStartSec=` begins anew. */
    readonly starting: boolean;
  };

export function takeOver({ noted, scope, alive, handoff, notify, complete, serves }: Found): TakeOver {
  const crippled = !isWhole(noted !== null, handoff, notify);
  if (!alive || (crippled && !serves())) return { kind: 'end', hold: alive || scope };
  // What was handed its socket may have accepted somebody since crun started it, whether that was noted or not. And an
  // activator that was about to end has answered the last `listen`, but the site became nothing any more.
  const listening = noted?.listening === true || handoff === 'listen-fds' || complete || serves();
  return {
    kind: 'takeOver', crippled, listening,
    as: noted?.stopping === true ? 'draining' : listening ? 'awake' : 'waking',
    starting: !listening || noted?.process === null,
  };
}

/**
 * Whether all is there that the program needs of us. `systemctl stop` empties the fd store, where systemd does not preserve
 * it: a program that was adopted has lost its notify descriptor then, and the readers of its output. It would fail at the
 * next line it prints.
 */
function isWhole(noted: boolean, handoff: Found['handoff'], notify: boolean): boolean {
  return noted && handoff !== null && (notify || handoff === 'listen-fds');
}
