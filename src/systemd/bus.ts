/**
 * One connection to a message bus, on which no call outlives the connection.
 * dbus-next alone leaves calls pending for ever when the bus goes away; here they fail at once, with a name.
 */
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { DBusError, Message, MessageType, sessionBus } from 'dbus-next';
import { WakesockError } from '../base/errors.ts';
import { makeGate } from './gate.ts';

export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

export interface Signal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface Bus {
  /** Resolves once the bus has taken us in; rejects, as every call does, with ERR_WAKESOCK_BUS. */
  readonly connected: Promise<void>;
  /**
   * Calls may be made before `connected`: they are sent in order as soon as the bus listens.
   * Rejects with ERR_WAKESOCK_BUS when the connection ends first, with ERR_WAKESOCK_SYSTEMD when the answer is an error.
   */
  call(call: MethodCall): Promise<readonly unknown[]>;
  /** The calls that `work` makes reach the bus in one piece, however long it takes to write them out. */
  together<T>(work: () => T): T;
  /** Ends the connection; what is pending fails with `reason`, `onLost` included. */
  fail(reason: WakesockError): void;
}

export interface BusEvents {
  /** Called once. */
  readonly onLost: (reason: WakesockError) => void;
  readonly onSignal: (signal: Signal) => void;
}

/** dbus-next does not tell its MessageBus that the connection ended; its types leave this out. */
interface InnerConnection extends EventEmitter {
  readonly stream?: Duplex;
}

/** Errors that the bus makes when the other side is not there: not systemd's refusal, worth another try. */
const absenceErrors = new Set([
  'org.freedesktop.DBus.Error.NoReply',
  'org.freedesktop.DBus.Error.Disconnected',
  'org.freedesktop.DBus.Error.ServiceUnknown',
  'org.freedesktop.DBus.Error.NameHasNoOwner',
  'org.freedesktop.DBus.Error.NoServer',
  'org.freedesktop.DBus.Error.Timeout',
  'org.freedesktop.DBus.Error.TimedOut',
]);

/** dbus-daemon refuses more than 128 unanswered calls of a connection (max_replies_per_connection); Hello is one of them. */
const pendingCallsMax = 100;

/** Opens a connection; `address` as in DBUS_SYSTEM_BUS_ADDRESS, by default the system bus. */
export function openBus(events: BusEvents, address?: string): Bus {
  // Not `systemBus()`: it takes no address.
  const bus = sessionBus({ busAddress: address ?? process.env['DBUS_SYSTEM_BUS_ADDRESS'] ?? 'unix:path=/run/dbus/system_bus_socket' });
  const { _connection: connection } = bus as unknown as { readonly _connection: InnerConnection };
  const busEvents: EventEmitter = bus as unknown as EventEmitter;
  const pending = new Set<(reason: WakesockError) => void>();
  const gate = makeGate(pendingCallsMax);
  let lost: WakesockError | null = null;

  const fail = (reason: WakesockError): void => {
    if (lost) return;
    lost = reason;
    // The stream is made a microtask after the bus.
    queueMicrotask(() => connection.stream?.destroy());
    const rejects = [...pending];
    pending.clear();
    for (const reject of rejects) reject(reason);
    events.onLost(reason);
  };

  const untilLost = <T>(work: Promise<T>): Promise<T> => {
    if (lost) return Promise.reject(lost);
    return new Promise<T>((resolve, reject) => {
      pending.add(reject);
      work.then(resolve, reject).finally(() => pending.delete(reject));
    });
  };

  busEvents.on('error', (error: unknown) => fail(lostError(error)));
  connection.on('end', () => fail(lostError('the bus closed the connection')));
  busEvents.on('message', (message: Message) => {
    if (message.type === MessageType.SIGNAL) events.onSignal(message);
  });

  const connected = untilLost(new Promise<void>((resolve) => { busEvents.once('connect', () => resolve()); }));
  connected.catch(() => {});

  return {
    connected,
    async call(call) {
      if (lost) throw lost;
      const { body, ...header } = call;
      const message = new Message({ ...header, body: [...(body ?? [])] });
      try {
        const reply = await gate(() => untilLost(bus.call(message)));
        return reply?.body ?? [];
      } catch (error) {
        throw callError(call, error);
      }
    },
    together(work) {
      const { stream } = connection;
      stream?.cork();
      setImmediate(() => stream?.uncork());
      return work();
    },
    fail,
  };
}

/** The D-Bus name of the error that a call was answered with, e.g. `org.freedesktop.systemd1.UnitExists`. */
export function errorName(error: unknown): string | null {
  if (!(error instanceof WakesockError)) return null;
  return error.cause instanceof DBusError ? error.cause.type : null;
}

function lostError(cause: unknown): WakesockError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new WakesockError('ERR_WAKESOCK_BUS', `The D-Bus connection to systemd is not available: ${text}`, { cause });
}

function callError(call: MethodCall, error: unknown): WakesockError {
  if (error instanceof WakesockError) return error;
  if (!(error instanceof DBusError)) return lostError(error);
  const absent = absenceErrors.has(error.type) || error.type.startsWith('org.freedesktop.DBus.Error.Spawn.');
  const subject = typeof call.body?.[0] === 'string' ? ` of ${call.body[0]}` : '';
  return new WakesockError(
    absent ? 'ERR_WAKESOCK_BUS' : 'ERR_WAKESOCK_SYSTEMD',
    `${call.member}${subject} was answered with: ${error.text} (${error.type})`,
    { cause: error },
  );
}
