import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Message, sessionBus, type MessageBus } from 'dbus-next';
import { onTestFinished } from 'vitest';

/** A bus of a test's own, which can be killed and started again under the same address. */
export class PrivateBus {
  readonly address: string;
  readonly #socket: string;
  readonly #configuration: string;
  #daemon: ChildProcess | null = null;

  private constructor(directory: string) {
    this.#socket = join(directory, 'bus');
    this.#configuration = join(directory, 'bus.conf');
    this.address = `unix:path=${this.#socket}`;
  }

  /** @param limits.repliesMax unanswered calls of one connection; the system bus takes 128 */
  static async start(limits: { readonly repliesMax?: number } = {}): Promise<PrivateBus> {
    const directory = await mkdtemp(join(tmpdir(), 'wakesock-bus-'));
    const bus = new PrivateBus(directory);
    onTestFinished(async () => {
      await bus.kill();
      await rm(directory, { recursive: true, force: true });
    });
    await writeFile(bus.#configuration, configuration(bus.address, limits.repliesMax ?? 128));
    await bus.start();
    return bus;
  }

  async start(): Promise<void> {
    await rm(this.#socket, { force: true });
    const daemon = spawn('dbus-daemon', [`--config-file=${this.#configuration}`, '--nofork', '--nopidfile', '--print-address=1'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#daemon = daemon;
    const ended = once(daemon, 'exit').then(([code]) => { throw new Error(`dbus-daemon ended with ${String(code)}`); });
    ended.catch(() => {});
    // Printed once it listens.
    await Promise.race([once(createInterface(daemon.stdout), 'line'), ended]);
  }

  /** SIGKILL: nobody says good-bye. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = null;
    if (!daemon || daemon.exitCode !== null || !daemon.kill('SIGKILL')) return;
    await once(daemon, 'exit');
  }
}

/** Anybody may do anything, nothing is started by the bus. */
function configuration(address: string, repliesMax: number): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>${address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
  <limit name="max_replies_per_connection">${repliesMax}</limit>
</busconfig>
`;
}

type Answer = (call: Message, systemd: FakeSystemd) => void;

/** Answers as org.freedesktop.systemd1 with what the test says; a method without an answer is never answered. */
export class FakeSystemd {
  /** Members called, in order. */
  readonly calls: string[] = [];
  readonly #bus: MessageBus;
  readonly #answers: Record<string, Answer>;
  readonly #waiting = new Map<string, () => void>();

  private constructor(bus: MessageBus, answers: Record<string, Answer>) {
    this.#bus = bus;
    this.#answers = answers;
  }

  static async start(address: string, answers: Record<string, Answer> = {}): Promise<FakeSystemd> {
    const bus = sessionBus({ busAddress: address });
    (bus as unknown as NodeJS.EventEmitter).on('error', () => {});
    const systemd = new FakeSystemd(bus, answers);
    bus.addMethodHandler((call: Message) => systemd.#handle(call));
    await bus.requestName('org.freedesktop.systemd1', 0);
    onTestFinished(() => systemd.stop());
    return systemd;
  }

  stop(): void {
    this.#bus.disconnect();
  }

  /** Resolves at the next call of this method. */
  called(member: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(member, resolve));
  }

  reply(call: Message, signature = '', body: unknown[] = []): void {
    this.#bus.send(Message.newMethodReturn(call, signature, body));
  }

  refuse(call: Message, name: string, text: string): void {
    this.#bus.send(Message.newError(call, `org.freedesktop.systemd1.${name}`, text));
  }

  signal(member: string, signature: string, body: unknown[]): void {
    this.#bus.send(Message.newSignal('/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager', member, signature, body));
  }

  jobRemoved(job: string, result = 'done'): void {
    this.signal('JobRemoved', 'uoss', [1, job, 'some.unit', result]);
  }

  #handle(call: Message): boolean {
    this.calls.push(call.member);
    const answer = this.#answers[call.member];
    if (answer) answer(call, this);
    // What every scope asks for; this one does not know it, unless a test says so.
    else if (call.member === 'Get' && call.body[1] === 'OOMPolicy') this.#bus.send(Message.newError(call, 'org.freedesktop.DBus.Error.UnknownProperty', 'Unknown property'));
    this.#waiting.get(call.member)?.();
    return true;
  }
}
