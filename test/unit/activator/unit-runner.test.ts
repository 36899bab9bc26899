/** The life of a relayed site's unit, with a systemd that does what the test says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunnerParts } from '../../../src/activator/parts.ts';
import { readRuntimeState } from '../../../src/activator/runtime-state.ts';
import { UnitRunner } from '../../../src/activator/unit-runner.ts';
import { WakesockError } from '../../../src/base/errors.ts';
import type { Log } from '../../../src/base/log.ts';
import { preparedVersion, type PreparedSite } from '../../../src/base/site.ts';
import type { Manager } from '../../../src/systemd/manager.ts';
import { makeSite } from '../runtime/fixtures.ts';

interface Call { readonly what: string; readonly resolve: () => void; readonly reject: (error: Error) => void }

/** Every job waits until the test ends it. */
class FakeSystemd {
  state = 'inactive';
  job: string | null = null;
  readonly calls: Call[] = [];
  readonly ends: (() => void)[] = [];
  #called: () => void = () => {};

  readonly manager = {
    startUnit: (unit: string) => this.#call(`start ${unit}`),
    stopUnit: (unit: string) => this.#call(`stop ${unit}`),
    jobType: () => Promise.resolve(this.job),
    waitUnitState: (_: string, accept: (state: string, subState: string) => boolean) =>
      (accept(this.state, '') ? Promise.resolve() : new Promise<void>((resolve) => { this.ends.push(resolve); })),
  } as unknown as Manager;

  #call(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.calls.push({ what, resolve, reject });
      this.#called();
    });
  }

  /** The next job that is asked for. */
  async asked(what: string): Promise<Call> {
    while (this.calls.length === 0) await new Promise<void>((resolve) => { this.#called = resolve; });
    const call = this.calls.shift() as Call;
    expect(call.what).toBe(what);
    return call;
  }

  /** The unit is up: its start job is done. */
  async starts(): Promise<void> {
    const call = await this.asked('start app.service');
    this.state = 'active';
    call.resolve();
  }

  async stops(): Promise<void> {
    const call = await this.asked('stop app.service');
    this.state = 'inactive';
    call.resolve();
  }

  /** By itself. */
  dies(): void {
    this.state = 'failed';
    for (const end of this.ends.splice(0)) end();
  }
}

const quiet = (): void => {};
let directory: string;
let systemd: FakeSystemd;
let nowMs: number;
let parts: RunnerParts;
let prepared: PreparedSite;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  directory = mkdtempSync(join(tmpdir(), 'wakesock-unit-'));
  systemd = new FakeSystemd();
  nowMs = 0;
  prepared = {
    version: preparedVersion, uid: 0, gid: 0, warnings: [], sources: [],
    site: makeSite({ name: 'app', handoff: 'relay', root: { kind: 'none' }, exec: [], unit: 'app.service', idleMs: 1_000, startTimeoutMs: 30_000, target: { family: 'ipv4', address: '127.0.0.1', port: 3000, text: '127.0.0.1:3000' } }),
  };
  parts = {
    paths: { siteDirs: [], stateDir: `${directory}/state`, runtimeDir: `${directory}/run`, controlPath: `${directory}/control` },
    manager: systemd.manager, now: () => nowMs, changed: quiet, prepared: () => Promise.resolve(prepared), preparedNow: () => prepared,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet, open: () => Promise.resolve(), close: () => Promise.resolve() } as unknown as Log,
    cameAndWent: { subscribe: () => quiet },
  } as unknown as RunnerParts;
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(directory, { recursive: true });
});

const asked = { by: 'front', cause: { at: '', client: '192.0.2.1', method: '', host: '', path: '', agent: '' } };
const runner = () => new UnitRunner('app', prepared, parts);
/** Time goes by for timers and for the runner's clock. */
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  await vi.advanceTimersByTimeAsync(ms);
}
const code = (name: string) => ({ code: `ERR_WAKESOCK_${name}` });

test('a lease is granted when the unit is up, to all who wait; released, the unit is stopped after its time', async () => {
  const app = runner();
  const [first, second] = [app.lease(asked), app.lease(asked)];
  expect(app.status().state).toBe('waking');
  await systemd.starts();
  const leases = await Promise.all([first, second]);
  expect(leases.map(({ address }) => address)).toEqual([1, 2].map(() => ({ family: 'ipv4', address: '127.0.0.1:3000' })));
  expect(app.status()).toMatchObject({ state: 'awake', wakes: 1, handoff: 'relay', lastWake: asked });
  leases[0]?.release();
  await pass(10_000);
  expect(app.status().state).toBe('awake');
  leases[1]?.release();
  expect(app.quiet).toBe(false);
  await pass(999);
  expect(app.status().state).toBe('awake');
  await pass(300);
  expect(app.status().state).toBe('draining');
  await systemd.stops();
  await pass(0);
  expect(app.status().state).toBe('dormant');
  expect(app.quiet).toBe(true);
  expect(readRuntimeState(parts.paths, 'app')).toBeNull();
});

test('who comes while it stops is served by the next start', async () => {
  const app = runner();
  const wake = app.wake('cli');
  await systemd.starts();
  await wake;
  const asleep = app.sleep(false);
  const stop = await systemd.asked('stop app.service');
  const lease = app.lease(asked);
  systemd.state = 'inactive';
  stop.resolve();
  await systemd.starts();
  await lease;
  expect(app.status().state).toBe('awake');
  void asleep.catch(() => {});
});

describe('what goes wrong', () => {
  test('a unit that cannot be started fails its site; it is tried again after the back-off', async () => {
    const app = runner();
    const lease = app.lease(asked);
    (await systemd.asked('start app.service')).reject(new WakesockError('ERR_WAKESOCK_SYSTEMD', 'the job ended with "failed"'));
    await systemd.stops();
    await expect(lease).rejects.toMatchObject({ ...code('SYSTEMD'), message: expect.stringContaining('journalctl -u app.service') as string });
    expect(app.status()).toMatchObject({ state: 'failed', error: code('SYSTEMD') });
    await expect(app.lease(asked)).rejects.toMatchObject({ ...code('BACKOFF'), retryAfterMs: 1_000 });
    await pass(1_000);
    const again = app.lease(asked);
    await systemd.starts();
    await again;
  });

  test('one that is not up in time is stopped', async () => {
    const app = runner();
    const lease = app.lease(asked);
    await systemd.asked('start app.service');
    await pass(30_000);
    await systemd.stops();
    await expect(lease).rejects.toMatchObject(code('START_TIMEOUT'));
  });

  test('one that ends by itself ends the leases, and is started for the next', async () => {
    const app = runner();
    const lease = app.lease(asked);
    await systemd.starts();
    const { revoked, release } = await lease;
    await pass(5_000);
    systemd.dies();
    await revoked;
    await pass(0);
    release();
    expect(app.status().state).toBe('dormant');
    expect(systemd.calls).toEqual([]);
    const next = app.lease(asked);
    await systemd.starts();
    await next;
  });

  test('one that is restarted by somebody is neither stopped nor forgotten', async () => {
    const app = runner();
    const lease = app.lease(asked);
    await systemd.starts();
    const { release } = await lease;
    systemd.job = 'restart';
    systemd.dies();
    await systemd.starts();
    systemd.job = null;
    await pass(0);
    expect(app.status().state).toBe('awake');
    release();
    await pass(1_300);
    await systemd.stops();
  });

  test('three times in a row right after its start: the site has failed', async () => {
    const app = runner();
    for (let i = 0; i < 3; i++) {
      const lease = app.lease(asked);
      await systemd.starts();
      const { revoked } = await lease;
      systemd.dies();
      await revoked;
      await pass(0);
    }
    expect(app.status()).toMatchObject({ state: 'failed', error: code('EXITED') });
  });

  test('the bus goes away: a start is asked for again until its time is over', async () => {
    const app = runner();
    const lease = app.lease(asked);
    for (let i = 0; i < 3; i++) {
      (await systemd.asked('start app.service')).reject(new WakesockError('ERR_WAKESOCK_BUS', 'lost'));
      await pass(100);
    }
    await systemd.starts();
    await lease;
  });
});

describe('an activator after a killed one', () => {
  test.each(['waking', 'awake', 'draining'] as const)('goes on with a unit that was %s', async (was) => {
    const before = runner();
    const lease = before.lease(asked);
    lease.catch(() => {});
    if (was !== 'waking') {
      await systemd.starts();
      (await lease).release();
    } else {
      await systemd.asked('start app.service');
    }
    if (was === 'draining') {
      before.sleep(false).catch(() => {});
      await systemd.asked('stop app.service');
    }
    before.retire();
    const after = runner();
    after.begin();
    expect(after.status().state).toBe(was);
    if (was === 'waking') await systemd.starts();
    await pass(0);
    if (was !== 'draining') {
      expect(after.status().state).toBe('awake');
      await pass(1_300);
    }
    await systemd.stops();
    await pass(0);
    expect(after.status().state).toBe('dormant');
  });

  test('leaves alone what nobody of us has started', () => {
    systemd.state = 'active';
    const app = runner();
    app.begin();
    expect([app.status().state, app.quiet]).toEqual(['dormant', true]);
    expect(systemd.calls).toEqual([]);
  });
});

test('there must be something to start, and somebody who starts it', () => {
  expect(() => new UnitRunner('app', { ...prepared, site: { ...prepared.site, unit: null } }, parts)).toThrow(expect.objectContaining(code('NOT_SUPPORTED')));
  expect(() => new UnitRunner('app', prepared, { ...parts, manager: null })).toThrow(expect.objectContaining(code('NOT_SUPPORTED')));
});
