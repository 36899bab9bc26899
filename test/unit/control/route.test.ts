import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { route, type ControlSocket } from '../../../src/control/route.ts';

const of = (call: string) => ({ call, site: 'blog' });

/** Written out once more, by hand: what the front door may ask is to be changed in two places. */
const table = [
  ['GET', '/v1/sites', { call: 'sites' }, ['control']],
  ['HEAD', '/v1/sites', { call: 'sites' }, ['control']],
  ['GET', '/v1/sites/blog', of('site'), ['control']],
  ['GET', '/v1/sites/blog/state', of('state'), ['control', 'lease']],
  ['POST', '/v1/sites/blog/wake', of('wake'), ['control']],
  ['POST', '/v1/sites/blog/sleep', of('sleep'), ['control']],
  ['POST', '/v1/sites/blog/reset-failed', of('reset-failed'), ['control']],
  ['POST', '/v1/sites/blog/lease', of('lease'), ['control', 'lease']],
] as const;

const cases = table.flatMap(([method, target, wanted, sockets]) => (['control', 'lease'] as const).map((at) => ({ method, target, at, wanted, allowed: (sockets as readonly string[]).includes(at) })));

test.each(cases)('$method $target at the $at socket: $allowed', ({ method, target, at, wanted, allowed }) => {
  if (allowed) expect(route(method, target, at)).toEqual(wanted);
  else expect(() => route(method, target, at)).toThrow(expect.objectContaining({ status: 403, code: 'ERR_WAKESOCK_FORBIDDEN' }));
});

test('a refusal says where to ask, and what can be asked here', () => {
  expect(() => route('POST', '/v1/sites/blog/sleep', 'lease')).toThrow('/v1/sites/blog/sleep may be asked at the control socket only; the lease socket answers /v1/sites/SITE/(state|lease)');
});

test.each([['GET', '/v1/sites/blog/lease', 405], ['POST', '/v1/sites/blog/state', 405], ['GET', '/', 404], ['GET', '/v1/sites/blog/lease/', 404]])('%s %s is %i at the lease socket, too', (method, target, status) => {
  expect(() => route(method, target, 'lease')).toThrow(expect.objectContaining({ status }));
});

/** Anything that looks like a request target of ours, encoded and mangled. */
const part = fc.oneof(
  fc.constantFrom('v1', 'sites', 'blog', '', '.', '..', '%2e%2e', 'wake', 'sleep', 'reset-failed', 'lease', 'state', 'LEASE', 'lease%2fwake', '%77ake', 'sleep?lease', '?lease', 'lease;sleep', 'lease#'),
  fc.string({ maxLength: 8 }),
);
const targets = fc.oneof(fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`), fc.tuple(part, part).map(([a, b]) => `/v1/sites/${a}/${b}`), fc.string());
const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'get');

function asked(method: string, target: string, at: ControlSocket): string {
  try {
    return route(method, target, at).call;
  } catch (error) {
    if (error instanceof WakesockError) return error.code;
    throw error;
  }
}

test('however it is written, at the lease socket nothing is asked but leases and states; at the control socket the same is asked', () => {
  fc.assert(fc.property(methods, targets, (method, target) => {
    const [there, here] = [asked(method, target, 'control'), asked(method, target, 'lease')];
    expect(here).toMatch(/^(?:lease|state|ERR_WAKESOCK_\w+)$/);
    if (here !== 'ERR_WAKESOCK_FORBIDDEN') expect(here).toBe(there);
  }), { numRuns: 2_000 });
});
