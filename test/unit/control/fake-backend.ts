import { WakesockError } from '../../../src/base/errors.ts';
import type { ControlBackend, LeaseAsked } from '../../../src/control/backend.ts';
import type { SiteStatus } from '../../../src/control/types.ts';

export function siteStatus(changes: Partial<SiteStatus> = {}): SiteStatus {
  return {
    name: 'blog', state: 'dormant', handoff: 'adopt', listen: ['0.0.0.0:8081'], hosts: ['blog.example.com'],
    warnings: [], unit: 'wakesock-site-blog.socket', since: null, wakes: 0, connections: null, memoryBytes: null, cpuUsec: null, oomKills: null,
    lastWake: null, error: null, ...changes,
  };
}

/** One site, `blog`; tells of everything that is asked of it. */
export class FakeBackend implements ControlBackend {
  readonly calls: string[] = [];
  readonly leases: { released: number }[] = [];
  /** What each lease was asked for with. */
  readonly asked: LeaseAsked[] = [];
  /** Resolved at each release. */
  onRelease = () => {};
  wakeResult: () => Promise<SiteStatus> = async () => siteStatus({ state: 'awake' });

  async sites() { return [siteStatus()]; }
  async site(name: string) { this.#known(name); return siteStatus(); }
  async wake(name: string, by: string) {
    this.#known(name);
    this.calls.push(`wake ${name} by ${by}`);
    return this.wakeResult();
  }
  async sleep(name: string, { force }: { force: boolean }) {
    this.#known(name);
    this.calls.push(`sleep ${name}${force ? ' by force' : ''}`);
    if (!force && this.leases.some(({ released }) => released === 0)) throw new WakesockError('ERR_WAKESOCK_BUSY', 'blog has a lease');
    return siteStatus();
  }
  async resetFailed(name: string) {
    this.#known(name);
    this.calls.push(`reset ${name}`);
    return siteStatus();
  }
  /** Where it is delayed, a lease waits for this. */
  beforeLease: () => Promise<void> = async () => {};
  revoked: Promise<void> | undefined;
  async lease(name: string, asked: LeaseAsked) {
    this.#known(name);
    await this.beforeLease();
    this.asked.push(asked);
    const lease = { released: 0 };
    this.leases.push(lease);
    return {
      ...(this.revoked === undefined ? {} : { revoked: this.revoked }),
      address: { family: 'ipv4', address: '127.0.0.1:8081' } as const,
      release: () => {
        lease.released++;
        this.onRelease();
      },
    };
  }
  released(): Promise<void> {
    return new Promise((done) => { this.onRelease = done; });
  }
  #known(name: string): void {
    if (name !== 'blog') throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `No site is called ${name}`);
  }
}
