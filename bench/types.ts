/** What scenarios, subjects and programs have in common, and what a run tells the harness: plain data, one JSON value a line. */
import type { Manager } from '../src/systemd/manager.ts';
import type { Estimate } from '../src/bench/statistics.ts';
import type { Target as Asked } from './harness/client.ts';
import type { BenchClient } from './harness/client-process.ts';
import type { Wakesock } from './harness/wakesock.ts';

export const boxTargets = ['debian12', 'debian13'] as const;
/** `host`: this machine's own systemd. */
export type Target = (typeof boxTargets)[number] | 'host';

/** How much is done. `--quick` and the tests do the same in small. */
export interface RunOptions {
  readonly scenarios: readonly string[];
  readonly programs: readonly string[];
  /** Of each subject and program. */
  readonly samples: number;
  /** Wakes before those that count. */
  readonly warmup: number;
  /** How long `idle` looks at a sleeping system. */
  readonly idleMs: number;
  /** `footprint` measures at each of these numbers of awake sites. */
  readonly awake: readonly number[];
  /** How long load is on each subject: in `warm` for each of rate and saturation, in `churn` in all. */
  readonly loadMs: number;
  readonly ratePerSecond: number;
  /** `storm` wakes each of these numbers of sites at once. */
  readonly storm: readonly number[];
  /** `density` looks at each of these numbers of sleeping sites. */
  readonly density: readonly number[];
  /** The checkout, as the box sees it. */
  readonly checkout: string;
}

export type Handoff = 'adopt' | 'listen-fds';

/** A line of bench/results/*.jsonl is this and {@link Machine}. */
export interface Result {
  readonly scenario: string;
  readonly subject: string;
  /** Null where none is involved, as in `idle`. */
  readonly program: string | null;
  /** What distinguishes results of one scenario, subject and program, e.g. `50 sites`; null: nothing does. */
  readonly parameter: string | null;
  /** From the client's `connect` to the first byte, in the order in which they were taken. */
  readonly samplesMs: readonly number[];
  /** Sizes of the groups in which they were taken in one go, as under load; null: each by itself. */
  readonly groups: readonly number[] | null;
  /** Clients that got no answer; their times are not among the samples. */
  readonly failures: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** p50 of this subject by that of `floor`, of the same run. */
  readonly floorRatio: Estimate | null;
  /** Medians of what the subject itself says about its wakes. */
  readonly phasesMs: Readonly<Record<string, number>> | null;
  /** Other figures, units in their names; null: not known here. */
  readonly values: Readonly<Record<string, number | null>> | null;
  readonly notes: readonly string[];
  /** Of the programs that the subject is made of, beside those of {@link Machine}. */
  readonly versions: Readonly<Record<string, string>> | null;
  /** Why this subject could not run here: then there are no figures. */
  readonly skipped: string | null;
}

/** A result without any. */
export const noFigures: Omit<Result, 'scenario' | 'subject'> = {
  program: null, parameter: null, versions: null, samplesMs: [], groups: null, failures: 0, p50Ms: null, p99Ms: null, floorRatio: null, phasesMs: null, values: null, notes: [], skipped: null,
};

export interface Machine {
  readonly at: string;
  readonly target: Target;
  readonly commit: string;
  readonly kernel: string;
  readonly systemd: string;
  readonly crun: string;
  readonly node: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Of one, five and fifteen minutes, before the run. */
  readonly load: readonly number[];
}

export type RunEvent =
  | { readonly type: 'result'; readonly result: Result }
  | { readonly type: 'took'; readonly scenario: string; readonly ms: number }
  /** Steps of the whole run; `total` may grow. */
  | { readonly type: 'progress'; readonly done: number; readonly total: number; readonly what: string };

export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Progress that it will report, to say how long the run still takes. */
  steps(options: RunOptions): number;
  run(bench: Bench): Promise<void>;
}

/** What a scenario has at hand. It runs where systemd runs: in the box. */
export interface Bench {
  readonly options: RunOptions;
  readonly wakesock: Wakesock;
  readonly manager: Manager;
  readonly client: BenchClient;
  /** Ours alone, on the box's disk. */
  readonly directory: string;
  report(result: Partial<Result> & Pick<Result, 'scenario' | 'subject'>): void;
  /** One more step is done. */
  step(what: string): void;
  /** A TCP port that nobody else of this run has. */
  nextPort(): number;
}

/** A server that is woken. It answers one connection at a time and speaks both sd_listen_fds(3) and plain `bind`. */
export interface Program {
  readonly name: string;
  /** What the program binds when it is given no socket. */
  readonly port: number;
  /** Lines for `[Container]` and `[X-Wakesock]`: root and program. @throws {@link Unavailable} */
  prepare(bench: Bench): { readonly container: readonly string[]; readonly own: readonly string[] };
}

export interface Subject {
  readonly name: string;
  /**
   * It brings its own program, so named in the result, and is measured once, in turn with those that run the program
   * `beside`. It has no ratio to their floor.
   */
  readonly own?: { readonly program: string; readonly beside: string };
  /** What it is made of, for the result. */
  versions?(): Readonly<Record<string, string>>;
  /** Makes the program ready to be woken, asleep. @throws {@link Unavailable} */
  start(program: Program, bench: Bench): Promise<Running>;
  /** As many of them in one go, where that is quicker than one after the other. */
  startMany?(program: Program, bench: Bench, count: number): Promise<Crowd>;
}

/** Many of one subject. */
export interface Crowd {
  readonly members: readonly Member[];
  stop(): Promise<void>;
}

export interface Member extends Asked {
  /** What the reader of a result must know. */
  readonly note?: string;
  /**
   * After an answer: puts the program to sleep and resolves when it can be woken again, with what is known of the wake,
   * in milliseconds.
   */
  sleep(): Promise<Readonly<Record<string, number | null>>>;
}

export interface Running extends Member {
  stop(): Promise<void>;
}

/** A subject or program cannot run on this machine: said in the result, never left out silently. */
export class Unavailable extends Error {}
