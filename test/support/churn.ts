/**
 * The losing-nobody test (issue 2): sites that stop and wake without a pause, clients that open a new connection for each
 * request and meet every phase of it, an activator that is killed and made to step aside in between.
 */
import { createInterface } from 'node:readline';
import type { BoxProcess } from '../box/machine.ts';
import { momentsDirectory } from './moments.ts';
import { programs } from './product.ts';
import { node, python, type Scene, siteFile, type SiteKeys } from './scene.ts';

const idleMs = 250;
/** A SYN is sent again after 1, 3, 7 and 15 seconds; each may meet another stop. */
const requestTimeoutMs = 30_000;

interface Target {
  readonly file: string;
  readonly connect: { readonly host: string; readonly port: number } | { readonly path: string };
}

const churning: SiteKeys['X-Wakesock'] = { IdleSec: `${idleMs}ms` };
const site = (command: string, wakesock: SiteKeys['X-Wakesock'], keys: SiteKeys = {}): string => siteFile(command, { ...keys, 'X-Wakesock': { ...churning, ...wakesock } });

/** Every way to be given a socket, and every way to end. */
const targets: Readonly<Record<string, Target>> = {
  'churn-node': {
    file: site(`${node} /programs/churn-server.mjs 3000`, { ListenStream: '[::]:8301', Port: 3000 }),
    connect: { host: '::1', port: 8301 },
  },
  'churn-python': { file: site(`${python('churn_server.py')} drains 3000`, { ListenStream: 8302, Port: 3000 }), connect: { host: '127.0.0.1', port: 8302 } },
  'churn-deaf': { file: site(`${python('churn_server.py')} deaf 3000`, { ListenStream: 8303, Port: 3000 }), connect: { host: '127.0.0.1', port: 8303 } },
  'churn-stubborn': {
    file: site(`${python('churn_server.py')} stubborn 3000`, { ListenStream: 8304, Port: 3000 }, { Service: { TimeoutStopSec: '700ms' } }),
    connect: { host: '127.0.0.1', port: 8304 },
  },
  'churn-fds': { file: site(`${python('churn_server.py')} drains fds`, { ListenStream: 8305, Handoff: 'listen-fds' }), connect: { host: '127.0.0.1', port: 8305 } },
  'churn-node-fds': { file: site(`${node} /programs/churn-server.mjs fds`, { ListenStream: 8306, Handoff: 'listen-fds' }), connect: { host: '127.0.0.1', port: 8306 } },
  'churn-unix': {
    file: site(`${python('churn_server.py')} drains /run/app.sock`, { ListenStream: '/run/churn.sock', Port: '/run/app.sock' }, { Container: { Tmpfs: '/run' } }),
    connect: { path: '/run/churn.sock' },
  },
};

export const churnSites: readonly string[] = Object.keys(targets);

export async function enableChurnSites(scene: Scene): Promise<void> {
  await scene.enable(Object.fromEntries(Object.entries(targets).map(([name, { file }]) => [name, file])));
}

export interface ChurnOptions {
  /** Over all sites. */
  readonly requests: number;
  /** Requests that come at about the same time, at most. */
  readonly burstMax: number;
  /** Milliseconds between two signals to the activator, at most; null: it is left alone. */
  readonly signalEveryMs: number | null;
  /** Of a product that is installed with them (moments.ts): it is killed at each in turn, over and over. */
  readonly moments?: readonly string[];
  readonly sites?: readonly string[];
  /** The same seed makes the same requests and signals; what they meet is another thing. */
  readonly seed: number;
  /** Progress. */
  readonly log?: (line: string) => void;
}

/** What became of one request, as test/programs/churn-client.mjs tells it. */
export interface Outcome {
  readonly site: string;
  readonly method: 'GET' | 'POST';
  readonly bytes: number;
  /** Milliseconds since the epoch, as all times here. */
  readonly startMs: number;
  readonly connectedMs: number | null;
  /** How long it kept silent, once connected. */
  readonly silentMs: number;
  readonly endMs: number;
  readonly local: number | null;
  /** Null: the answer was whole and right. */
  readonly error: string | null;
}

export interface Churn {
  readonly outcomes: readonly Outcome[];
  readonly failed: readonly Outcome[];
  /**
   * Connections that were silent for the whole idle time, since the client was given no processor: as README says, those
   * are closed. Not counted as failed.
   */
  readonly silent: readonly Outcome[];
  readonly stops: number;
  readonly wakes: number;
  /** Activators that were there to be killed, or to step aside. */
  readonly kills: number;
  readonly asides: number;
  /** How often it was killed at each moment. */
  readonly met: ReadonlyMap<string, number>;
  readonly seconds: number;
  /** What the activator and systemd said about each failed request, for a person to read. */
  readonly report: string;
}

export async function churn(scene: Scene, options: ChurnOptions): Promise<Churn> {
  const sites = options.sites ?? churnSites;
  const from = performance.now();
  const events = new Events(scene);
  const signals = new Signals(scene, events, options);
  const arming = new Arming(scene, options.moments ?? []);
  const outcomes: Outcome[] = [];
  try {
    const plan = {
      idleMs, seed: options.seed, timeoutMs: requestTimeoutMs,
      sites: sites.map((name, index) => ({
        site: name, connect: targets[name]?.connect, burstMax: options.burstMax,
        requests: Math.floor(options.requests / sites.length) + (index < options.requests % sites.length ? 1 : 0),
      })),
    };
    const client = scene.box.spawn([process.execPath, `${programs}/churn-client.mjs`, JSON.stringify(plan)]);
    let said = '';
    client.child.stderr?.on('data', (chunk: Buffer) => { said += String(chunk); });
    eachLine(client, (line) => {
      outcomes.push(JSON.parse(line) as Outcome);
      if (outcomes.length % 1_000 === 0) options.log?.(`${outcomes.length} requests, ${outcomes.filter(({ error }) => error !== null).length} failed, ${Math.round((performance.now() - from) / 1000)} s`);
    });
    const code = await client.exited;
    if (code !== 0 || outcomes.length !== options.requests) throw new Error(`Expected the outcome of ${options.requests} requests, got ${outcomes.length}; the client ended with ${code}\n${said}`);
  } finally {
    signals.end();
    arming.end();
    events.end();
  }
  const lost = outcomes.filter(({ error }) => error !== null);
  const silent = lost.filter((outcome) => outcome.silentMs >= idleMs);
  const failed = lost.filter((outcome) => !silent.includes(outcome));
  return {
    outcomes, failed, silent,
    stops: events.count((text) => text.endsWith(': awake → draining')),
    wakes: events.count((text) => text.endsWith(' → waking')),
    kills: signals.sent.filter(({ signal }) => signal === kill).length,
    asides: signals.sent.filter(({ signal }) => signal === stepAside).length,
    met: arming.met,
    seconds: (performance.now() - from) / 1000,
    report: failed.slice(0, 5).map((outcome) => explain(outcome, events, [...signals.lines, ...arming.lines])).join('\n\n'),
  };
}

/** Figures in one paragraph. */
export function describeChurn({ outcomes, failed, silent, stops, wakes, kills, asides, met, seconds }: Churn): string {
  const latencies = outcomes.map(({ startMs, endMs }) => endMs - startMs).toSorted((a, b) => a - b);
  const percentile = (part: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0;
  const held = outcomes.filter(({ startMs, connectedMs }) => connectedMs !== null && connectedMs - startMs > 900).length;
  return `${outcomes.length} requests in ${Math.round(seconds)} s: ${failed.length} failed, ${silent.length} silent for the idle time; ${stops} stops, ${wakes} wakes, `
    + `${kills} kills, ${asides} steps aside${met.size > 0 ? `, killed at ${[...met].map(([moment, count]) => `${count} × ${moment}`).join(', ')}` : ''}; ${held} were held at the SYN; p50 ${percentile(0.5)} ms, p90 ${percentile(0.9)} ms, p99 ${percentile(0.99)} ms, longest ${latencies.at(-1) ?? 0} ms`;
}

interface Said {
  readonly ms: number;
  readonly text: string;
  /** For a person. */
  readonly line: string;
}

/** The journal as text with times: of a long run, all that is kept. */
class Events {
  readonly #process: BoxProcess;
  readonly #said: Said[] = [];
  readonly #listeners = new Set<(text: string) => void>();

  constructor(scene: Scene) {
    this.#process = scene.box.spawn(['journalctl', '--follow', '--output=json', '--lines=0', '--output-fields=MESSAGE,SYSLOG_IDENTIFIER']);
    eachLine(this.#process, (line) => {
      const said = readEntry(JSON.parse(line) as Record<string, unknown>);
      this.#said.push(said);
      for (const listener of this.#listeners) listener(said.text);
    });
  }

  count(isIt: (text: string) => boolean): number {
    return this.#said.filter(({ text }) => isIt(text)).length;
  }

  between(fromMs: number, toMs: number): Said[] {
    return this.#said.filter(({ ms }) => ms >= fromMs && ms <= toMs);
  }

  listen(listener: (text: string) => void): void {
    this.#listeners.add(listener);
  }

  end(): void {
    this.#listeners.clear();
    this.#process.kill();
  }
}

/** By its own time where it says one: the activator's first lines come late. */
function readEntry({ __REALTIME_TIMESTAMP: us, MESSAGE: message, SYSLOG_IDENTIFIER: identifier }: Record<string, unknown>): Said {
  const plain = String(message);
  if (identifier !== 'wakesock' || !plain.startsWith('{')) return { ms: Number(us) / 1000, text: plain, line: `${String(identifier)}: ${plain}` };
  const { msg, time, level, ...fields } = JSON.parse(plain) as Record<string, unknown>;
  return { ms: Date.parse(String(time)), text: String(msg), line: `wakesock, ${String(level)}: ${String(msg)} ${JSON.stringify(fields)}` };
}

const kill = 9;
/** No signal at all: systemd is asked to restart it, as `enable` and `disable` do. */
const stepAside = 0;

/** Signals to the activator at random moments, and more often in the midst of a stop or a wake, which are short. */
class Signals {
  readonly sent: { readonly ms: number; readonly signal: number }[] = [];
  readonly #process: BoxProcess;
  #timer: NodeJS.Timeout | undefined;
  #inMidst = false;

  constructor(scene: Scene, events: Events, { signalEveryMs, seed }: ChurnOptions) {
    this.#process = scene.box.spawn(['/usr/bin/python3', `${programs}/signal_activator.py`]);
    const asked: number[] = [];
    eachLine(this.#process, (pid) => {
      const signal = asked.shift() ?? 0;
      if (Number(pid) > 0) this.sent.push({ ms: Date.now(), signal });
    });
    if (signalEveryMs === null) return;
    const random = randomFrom(seed);
    const send = (): void => {
      const signal = random() < 0.75 ? kill : stepAside;
      asked.push(signal);
      this.#process.child.stdin?.write(`${signal}\n`);
      plan();
    };
    const after = (ms: number, then: () => void): void => {
      this.#timer = setTimeout(then, ms);
    };
    const plan = (): void => after(signalEveryMs * (0.3 + 0.7 * random()), () => {
      if (random() < 0.3) send();
      else this.#inMidst = true;
    });
    events.listen((text) => {
      if (!this.#inMidst || !/ → (?:waking|draining)$/.test(text)) return;
      this.#inMidst = false;
      after(random() * 150, send);
    });
    plan();
  }

  get lines(): Mark[] {
    return this.sent.map(({ ms, signal }) => ({ ms, line: signal === stepAside ? '--- the activator is restarted' : `--- signal ${signal} to the activator` }));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#process.child.stdin?.end();
  }
}

/** A line of its own in a timeline. */
interface Mark {
  readonly ms: number;
  readonly line: string;
}

/** Arms one moment after the other. */
class Arming {
  readonly met = new Map<string, number>();
  readonly lines: Mark[] = [];
  readonly #process: BoxProcess | null;

  constructor(scene: Scene, moments: readonly string[]) {
    this.#process = moments.length === 0 ? null : scene.box.spawn(['/usr/bin/python3', `${programs}/arm_moments.py`, momentsDirectory, ...moments]);
    if (!this.#process) return;
    eachLine(this.#process, (moment) => {
      this.met.set(moment, (this.met.get(moment) ?? 0) + 1);
      this.lines.push({ ms: Date.now(), line: `--- killed at: ${moment}` });
    });
  }

  end(): void {
    this.#process?.kill();
  }
}

function explain(outcome: Outcome, events: Events, marks: readonly Mark[]): string {
  const { site: name, method, bytes, startMs, connectedMs, endMs, error, local } = outcome;
  const at = (ms: number): string => String(Math.round(ms - startMs)).padStart(6);
  const [fromMs, toMs] = [startMs - 1_500, endMs + 500];
  const own = new RegExp(`${name}(?![-\\w])`);
  const heard = [
    ...events.between(fromMs, toMs).filter(({ line }) => own.test(line) || !line.includes('churn-')),
    ...marks.filter(({ ms }) => ms >= fromMs && ms <= toMs),
    { ms: startMs, line: '>>> starts' },
    ...connectedMs === null ? [] : [{ ms: connectedMs, line: `>>> connected from ${local}` }],
    { ms: endMs, line: `>>> ${error}` },
  ].toSorted((a, b) => a.ms - b.ms);
  return `${name}: ${method} of ${bytes} bytes: ${error}; silent for at most ${outcome.silentMs} ms\n${heard.map(({ ms, line }) => `${at(ms)} ${line}`).join('\n')}`;
}

function eachLine(process: BoxProcess, take: (line: string) => void): void {
  const { stdout, stdin } = process.child;
  if (!stdout) throw new Error('Expected the process to have a standard output');
  createInterface({ input: stdout }).on('line', take);
  // It may be gone before it has read all.
  stdin?.on('error', () => undefined);
}

/** mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

