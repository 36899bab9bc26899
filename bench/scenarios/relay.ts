/** The front door beside other proxies, one back end, interleaved; and what it adds to waking a site. */
import { independent, median, medianRatio, quantile } from '../../src/bench/statistics.ts';
import { Wrk, type WrkLoad } from '../harness/wrk.ts';
import { programs } from '../programs/index.ts';
import { backEnd, benchHost, proxies, type Proxying } from '../subjects/proxies.ts';
import { type Bench, type RunOptions, Unavailable } from '../types.ts';
import type { Scenario } from '../types.ts';

const scenario = 'relay';
/** Of everything, beside ours; the aim is stated as a share of it. */
const yardstick = 'HAProxy, one thread';

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly proxying: Proxying;
  readonly versions: Readonly<Record<string, string>> | null;
  /** By connections. */
  readonly loads: Map<number, (WrkLoad & { readonly cpuUsecPerRequest: number })[]>;
}

/** Five rounds by default: two rounds of a second say more than one of two. The tests only look whether it works. */
function plan({ samples }: RunOptions): { rounds: number; connections: readonly number[] } {
  return { rounds: Math.max(1, Math.min(5, Math.round(samples / 40))), connections: samples < 10 ? [32] : [1, 32, 256] };
}

export const relay: Scenario = {
  name: scenario,
  what: 'requests through the front door and other proxies; first byte of a sleeping site through it and straight',
  steps: (options) => plan(options).rounds * plan(options).connections.length + 1,
  async run(bench) {
    await throughput(bench);
    await firstBytes(bench);
    bench.step('first byte');
  },
};

async function throughput(bench: Bench): Promise<void> {
  const { rounds, connections } = plan(bench.options);
  const contestants: Contestant[] = [];
  try {
    const wrk = new Wrk(bench.directory);
    const backendPort = bench.nextPort();
    contestants.push({ name: backEnd.name, port: backendPort, proxying: await backEnd.start(0, backendPort, bench), versions: backEnd.versions?.(bench) ?? null, loads: new Map() });
    for (const proxy of proxies) {
      const port = bench.nextPort();
      try {
        contestants.push({ name: proxy.name, port, proxying: await proxy.start(backendPort, port, bench), versions: proxy.versions?.(bench) ?? null, loads: new Map() });
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        bench.report({ scenario, subject: proxy.name, skipped: error.message });
      }
    }
    // Code is compiled, and connections are made, before it counts.
    for (const { port } of contestants) await wrk.run(port, 32, 1, benchHost);
    for (const count of connections) {
      for (let round = 0; round < rounds; round++) {
        const first = round % contestants.length;
        for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) await measure(contestant, wrk, count, 1);
        bench.step(`${count} connections`);
      }
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report({ scenario, subject: 'throughput', skipped: error.message });
    for (let step = rounds * connections.length; step > 0; step -= 1) bench.step('throughput');
    return;
  } finally {
    for (const { proxying } of contestants) await proxying.stop();
  }
  report(contestants, bench);
}

async function measure({ port, proxying, loads }: Contestant, wrk: Wrk, connections: number, seconds: number): Promise<void> {
  const beforeNs = proxying.cpuNs();
  const load = await wrk.run(port, connections, seconds, benchHost);
  const cpuUsecPerRequest = (proxying.cpuNs() - beforeNs) / 1000 / Math.max(1, load.requests);
  loads.set(connections, [...loads.get(connections) ?? [], { ...load, cpuUsecPerRequest }]);
}

function report(contestants: readonly Contestant[], bench: Bench): void {
  const yard = contestants.find(({ name }) => name === yardstick);
  for (const { name, versions, loads } of contestants) {
    const values: Record<string, number | null> = {};
    for (const [connections, each] of loads) {
      const of = (figure: (load: (typeof each)[number]) => number): number | null => rounded(median(each.map(figure)));
      values[`${connections}.requestsPerSecond`] = of(perSecond);
      values[`${connections}.p50Ms`] = of(({ p50Ms }) => p50Ms);
      values[`${connections}.p99Ms`] = of(({ p99Ms }) => p99Ms);
      values[`${connections}.cpuUsecPerRequest`] = of(({ cpuUsecPerRequest }) => cpuUsecPerRequest);
      // Of the same round: what else the machine does falls on both.
      const ratios = each.map((load, round) => perSecond(load) / perSecond(yard?.loads.get(connections)?.[round] ?? load));
      if (yard !== undefined) values[`${connections}.byHaproxy`] = rounded(median(ratios));
    }
    const failures = [...loads.values()].flat().reduce((sum, { errors }) => sum + errors, 0);
    bench.report({ scenario, subject: name, versions, values, failures, notes: ['wrk, one thread; medians of the rounds; 12 bytes of nginx behind all, which answers `back end direct` itself.'] });
  }
}

const perSecond = ({ requests, seconds }: WrkLoad): number => requests / seconds;
const rounded = (value: number | null): number | null => (value === null ? null : Math.round(value * 100) / 100);

/** Each site once straight and once through the front door, which has not been asked for it before. */
async function firstBytes(bench: Bench): Promise<void> {
  const program = programs.find(({ name }) => bench.options.programs.includes(name));
  if (program === undefined) return;
  const count = Math.min(40, Math.max(2, bench.options.samples));
  const { wakesock, client } = bench;
  await wakesock.install('resident');
  const sites = await wakesock.enable(program, 'adopt', bench, count, { own: (name) => [`Host=${name}`] });
  await wakesock.openFront();
  const samples = { straight: [] as number[], front: [] as number[] };
  try {
    // The front door is up, and knows its routes.
    await client.firstByteMs({ port: wakesock.frontPort, host: 'nobody.example' });
    for (const [index, { name, port }] of sites.entries()) {
      const ways = [['straight', () => client.firstByteMs({ port })], ['front', () => client.firstByteMs({ port: wakesock.frontPort, host: name })]] as const;
      for (const [way, ask] of index % 2 === 0 ? ways : ways.toReversed()) {
        samples[way].push(await ask());
        await wakesock.sleep(name);
      }
    }
  } finally {
    await wakesock.closeFront();
    await wakesock.disable(sites.map(({ name }) => name));
  }
  const values = {
    sites: count, straightP50Ms: rounded(median(samples.straight)), frontP50Ms: rounded(median(samples.front)),
    straightP99Ms: rounded(quantile(samples.straight, 0.99)), frontP99Ms: rounded(quantile(samples.front, 0.99)),
    addedP50Ms: rounded(median(samples.front.map((ms, i) => ms - (samples.straight[i] ?? 0)))), ratioP50: rounded(medianRatio(independent(samples.front), independent(samples.straight))?.p50 ?? null),
  };
  bench.report({ scenario, subject: 'first byte of a sleeping site', values });
}
