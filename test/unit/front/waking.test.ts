/** Sites that sleep: what the front door answers itself, and when. */
import { afterEach, describe, expect, test } from 'vitest';
import { parseNoWake } from '../../../src/site/front-keys.ts';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene;
let clockMs = 0;
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

async function open(program?: (wire: Wire) => void): Promise<Scene> {
  scene = await Scene.open(program);
  clockMs = performance.now();
  return scene;
}

function client(text: string): Wire {
  const wire = scene.client();
  opened.push(wire);
  wire.send(text);
  return wire;
}

const request = (line: string, ...fields: readonly string[]): string => `${line} HTTP/1.1\r\n${['Host: a.example', ...fields].join('\r\n')}\r\n\r\n`;
const html = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8';
const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
const withoutDate = (text: string): string => text.replace(/Date: .*\r\n/, '');
/** So much time goes by, for deadlines. */
const after = (ms: number): void => {
  clockMs = Math.max(clockMs, performance.now()) + ms;
  scene.sweep.pass(clockMs);
};
/** All that wait have waited for as long as anybody does. */
const later = (): void => after(3_600_000);

/** What a POST gets whose program could not be started. */
const failing = async (accept: string): Promise<string> => {
  await open((wire) => { wire.socket.destroy(); });
  scene.explanation = { status: 502, message: 'This site could not be started', code: 'ERR_WAKESOCK_EXITED', retryAfterMs: 3_500 };
  return client(request('POST /', accept, 'Content-Length: 0')).rest();
};

test('who waits to be told why the site failed is not given up meanwhile', async () => {
  await open((wire) => { wire.socket.destroy(); });
  const asked = new Promise<() => void>((resolve) => { scene.beforeExplain = () => new Promise((explained) => { resolve(explained); }); });
  scene.explanation = { status: 502, message: 'This site could not be started', code: 'ERR_WAKESOCK_EXITED' };
  const waiting = client(request('POST /', 'Content-Length: 0'));
  const explained = await asked;
  after(1);
  after(1_000);
  explained();
  expect(await waiting.rest()).toContain('ERR_WAKESOCK_EXITED');
});

describe('/.well-known/wakesock', () => {
  const asked = request('GET /.well-known/wakesock');

  test.each(['dormant', 'waking', 'awake', 'draining'] as const)('%s is 200, and asks nobody', async (state) => {
    await open();
    scene.state = { ...scene.state, state };
    const answer = await client(asked).rest();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('Cache-Control: no-store\r\n');
    expect(bodyOf(answer)).toEqual({ state, healthy: true });
    expect(scene.leases).toEqual([]);
  });

  test('failed is 503, with the code and nothing of its message', async () => {
    await open();
    const retryAt = new Date(Date.now() + 90_000).toISOString();
    scene.state = { state: 'failed', error: { code: 'ERR_WAKESOCK_EXITED', message: '/srv/secret', retryAt }, wokenAtMs: [] };
    const answer = await client(asked).rest();
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(answer).toMatch(/\r\nRetry-After: (?:8\d|90)\r\n/);
    expect(bodyOf(answer)).toEqual({ state: 'failed', healthy: false, error: 'ERR_WAKESOCK_EXITED', retryAt });
  });

  test('HEAD has the same head and no body; any other method is 405; a query does not count, a longer path does', async () => {
    await open();
    const whole = await client(asked).rest();
    expect(withoutDate(await client(request('HEAD /.well-known/wakesock')).rest())).toBe(withoutDate(whole.slice(0, whole.indexOf('\r\n\r\n') + 4)));
    expect(await client(request('POST /.well-known/wakesock', 'Content-Length: 0')).rest()).toMatch(/^HTTP\/1\.1 405 (?:.*\r\n)*Allow: GET, HEAD\r\n/);
    expect(await client(request('GET /.well-known/wakesock?x')).rest()).toMatch(/^HTTP\/1\.1 200 /);
    expect(await client(request('GET http://a.example/.well-known/wakesock')).rest()).toMatch(/^HTTP\/1\.1 200 /);
    const { head } = await scene.exchange(request('GET /.well-known/wakesocks'));
    expect(head).toContain('/.well-known/wakesocks');
  });

  test('a site that was only looked at is forgotten again', async () => {
    await open();
    await client(asked).rest();
    expect(scene.asked).toBe(true);
    after(5_000);
    expect(scene.asked).toBe(false);
  });
});

const navigation = request('GET /a?b', html);

const openRelayed = async (patienceMs = 60_000): Promise<void> => {
  await open();
  scene.patienceMs = patienceMs;
  scene.state = { ...scene.state, state: 'awake' };
  await scene.stopProgram();
};
const stateNow = async (): Promise<unknown> => bodyOf(await client(request('GET /.well-known/wakesock')).rest());
/** What a browser is shown when so much time goes by. */
const shown = async (ms = 2_500): Promise<string> => {
  const wire = client(navigation);
  while (!wire.ended) {
    // The front door has read the request by then.
    await stateNow();
    after(ms);
  }
  return wire.text;
};

describe('the waiting page', () => {

  test.each([
    ['a browser over HTTP', navigation],
    ['a browser over HTTPS', request('GET /', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document', html)],
    ['HTTP/1.0', navigation.replace('HTTP/1.1', 'HTTP/1.0')],
  ])('is for %s', async (_, text) => {
    await open();
    const wire = client(text);
    const program = await scene.program();
    after(2_500);
    const answer = await wire.rest();
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    for (const line of ['Retry-After: 3', 'Cache-Control: no-store', 'Content-Type: text/html; charset=utf-8']) expect(answer).toContain(`\r\n${line}\r\n`);
    expect(answer).toContain('<h1>a.example is starting</h1>');
    // The program is not asked twice.
    await program.rest();
    // The wake goes on.
    expect(scene.leases.map(({ released }) => released)).toEqual([false]);
  });

  test.each([
    ['an image', request('GET /a.png', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image', 'Accept: image/avif,*/*')],
    ['a fetch that takes HTML', request('GET /', 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty', html)],
    ['a page in a frame', request('GET /', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe', html)],
    ['XMLHttpRequest', request('GET /', html, 'X-Requested-With: XMLHttpRequest')],
    ['curl', request('GET /', 'User-Agent: curl/8.5', 'Accept: */*')],
    ['no Accept at all', get],
    ['JSON', request('GET /', 'Accept: application/json')],
    ['HEAD', request('HEAD /', html)],
    ['POST', request('POST /', html, 'Content-Length: 0')],
    ['a body', `${request('GET /', html, 'Content-Length: 1')}x`],
    ['a condition', request('GET /', html, 'If-None-Match: "x"')],
    ['a range', request('GET /', html, 'Range: bytes=0-')],
    ['a prefetch', request('GET /', html, 'Sec-Purpose: prefetch;prerender')],
    ['a WebSocket', request('GET /', html, 'Connection: Upgrade', 'Upgrade: websocket')],
    ['a service worker', request('GET /sw.js', html, 'Service-Worker: script')],
  ])('is not for %s: it waits, and is told at last that it was in vain', async (_, text) => {
    await open();
    const wire = client(text);
    await scene.program();
    after(2_500);
    // The limit: TimeoutStartSec= and TimeoutStopSec=.
    after(40_000);
    expect(await wire.rest()).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 5\r\n/);
  });

  test('is not for a site whose program listens: it is slow by itself', async () => {
    await open();
    const wire = client(navigation);
    const program = await scene.program();
    scene.state = { ...scene.state, state: 'awake' };
    later();
    later();
    program.send(ok);
    expect(await wire.take('ok')).toContain('200 OK');
  });

  test('is not for a site that has answered under this lease', async () => {
    await open();
    const first = client(navigation);
    const program = await scene.program();
    await program.take('\r\n\r\n');
    program.send(ok);
    await first.take('ok');
    first.send(navigation);
    await program.take('\r\n\r\n');
    later();
    expect(first.text).toBe('');
    program.send(ok);
    expect(await first.take('ok')).toContain('200 OK');
  });

  test('never comes into an answer that has begun, whatever becomes of the lease meanwhile', async () => {
    await open();
    const wire = client(navigation);
    const program = await scene.program();
    await program.take('\r\n\r\n');
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
    await wire.take('ha');
    scene.leases[0]?.end();
    while (scene.leases.length < 2) await new Promise((resolve) => { setImmediate(resolve); });
    later();
    later();
    program.send('lf');
    expect(await wire.takeBytes(2)).toBe('lf');
  });

  test('is never shown with `infinity`, and with 0 as soon as anybody looks', async () => {
    await open();
    scene.keys = { waitPageAfterMs: Infinity };
    const patient = client(navigation);
    await scene.program();
    after(20_000);
    after(20_001);
    expect(await patient.rest()).toContain('could not be reached in time');
    scene.keys = { waitPageAfterMs: 0 };
    const impatient = client(navigation);
    await scene.program();
    after(0);
    expect(await impatient.rest()).toContain('is starting');
  });

  test('keeps the site wanted until it is awake, and then as long as it takes to come again', async () => {
    await open();
    const wire = client(navigation);
    await scene.program();
    after(2_500);
    await wire.rest();
    const rest = (): void => after(4_500);
    scene.state = { ...scene.state, state: 'waking' };
    for (let i = 0; i < 3; i++) rest();
    expect(scene.leases[0]?.released).toBe(false);
    scene.state = { ...scene.state, state: 'awake' };
    rest();
    expect(scene.leases[0]?.released).toBe(false);
    rest();
    expect(scene.leases[0]?.released).toBe(true);
    expect(scene.asked).toBe(false);
  });

  test('wakes the site although nobody waits any more when the lease can be had at last', async () => {
    await open();
    const asked: (() => void)[] = [];
    scene.beforeLease = () => new Promise<void>((resolve) => { asked.push(resolve); });
    const wire = client(navigation);
    while (asked.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    after(2_500);
    await wire.rest();
    asked[0]?.();
    while (scene.leases.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    expect(scene.leases[0]?.released).toBe(false);
  });

  describe('of a relayed site whose unit is up', () => {
    test('is shown while its program does not listen; the connection that is made then is for whoever comes again', async () => {
      await openRelayed();
      expect(await shown()).toContain('a.example is starting');
      expect(await shown()).toContain('a.example is starting');
      expect(await stateNow()).toEqual({ state: 'waking', healthy: true });
      await scene.startProgram();
      const program = await scene.program();
      while ((await stateNow() as { state: string }).state !== 'awake') await new Promise((resolve) => { setImmediate(resolve); });
      const wire = client(navigation);
      expect(await program.take('\r\n\r\n')).toContain('GET /a?b ');
      program.send(ok);
      expect(await wire.take('ok')).toContain('200 OK');
      expect(scene.accepted.length).toBe(1);
    });

    test('is not shown when it listens, however slow it is', async () => {
      await openRelayed();
      await scene.startProgram();
      const wire = client(navigation);
      const program = await scene.program();
      await program.take('\r\n\r\n');
      later();
      later();
      program.send(ok);
      expect(await wire.take('ok')).toContain('200 OK');
    });

    test('is not for who shows no page: it waits until the program listens', async () => {
      await openRelayed();
      const wire = client(get);
      while (scene.leases.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
      later();
      later();
      await scene.startProgram();
      const program = await scene.program();
      await program.take('\r\n\r\n');
      program.send(ok);
      expect(await wire.take('ok')).toContain('200 OK');
    });

    test('is followed by 503 when nobody listened in time, and by another try when the unit is started anew', async () => {
      await openRelayed(400);
      scene.keys = { waitPageAfterMs: 0 };
      expect(await shown(300)).toContain('a.example is starting');
      while ((await stateNow() as { state: string }).state !== 'awake') await new Promise((resolve) => { setImmediate(resolve); });
      const last = await shown(300);
      expect(last).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 5\r\n/);
      expect(last).toContain('Nobody answers for this site (ECONNREFUSED)');
      scene.leases.at(-1)?.end('revoked');
      await new Promise((resolve) => { setImmediate(resolve); });
      expect(await shown(300)).toContain('a.example is starting');
    });

    test('keeps the site wanted as long as its program is waited for', async () => {
      await openRelayed();
      await shown();
      for (let i = 0; i < 5; i++) after(4_500);
      expect(scene.leases.map(({ released }) => released)).toEqual([false]);
      await scene.startProgram();
      await scene.program();
      while ((await stateNow() as { state: string }).state !== 'awake') await new Promise((resolve) => { setImmediate(resolve); });
      for (let i = 0; i < 3; i++) after(4_500);
      expect(scene.leases.map(({ released }) => released)).toEqual([true]);
      expect(scene.asked).toBe(false);
      await scene.noneLeft();
    });
  });

  test('of the user\'s own is sent as it is, with Refresh; where it cannot be read ours is, and the log says why once', async () => {
    await open();
    scene.keys = { waitPageAfterMs: 0, waitPage: new URL('waking.test.ts', import.meta.url).pathname };
    const answer = await client(navigation).rest();
    expect(answer).toContain('Refresh: 3\r\n');
    expect(answer).toContain('Sites that sleep: what the front door answers itself, and when.');
    scene.keys = { waitPageAfterMs: 0, waitPage: '/nowhere/at/all.html' };
    for (let i = 0; i < 2; i++) expect(await client(navigation).rest()).toContain('a.example is starting');
    expect(scene.warnings).toEqual([expect.stringContaining('/nowhere/at/all.html cannot be sent')]);
  });
});

describe('NoWake=', () => {
  test('the first line that fits answers; nobody is asked for a lease', async () => {
    await open();
    scene.keys = { noWake: [parseNoWake('path:/a status:404'), parseNoWake('path:/a* status:410'), parseNoWake('method:HEAD')] };
    expect(await client(request('GET /a?x')).rest()).toMatch(/^HTTP\/1\.1 404 /);
    expect(await client(request('POST /abc', 'Content-Length: 3')).rest()).toMatch(/^HTTP\/1\.1 410 /);
    expect(await client(request('HEAD /')).rest()).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 60\r\n(?:.*\r\n)*\r\n$/);
    expect(scene.leases).toEqual([]);
  });

  test.each(['awake', 'waking'] as const)('has no effect while the site is %s', async (state) => {
    await open();
    scene.keys = { noWake: [parseNoWake('path:*')] };
    scene.state = { ...scene.state, state };
    const { head } = await scene.exchange(get);
    expect(head).toContain('GET / ');
  });

  test('has an effect again as soon as the program is gone, though the lease is held', async () => {
    await open();
    const { client: first, program } = await scene.exchange(get);
    opened.push(first);
    program.send(ok);
    await first.take('ok');
    scene.keys = { noWake: [parseNoWake('path:* status:404')] };
    first.send(get);
    await program.take('\r\n\r\n');
    program.send(ok);
    await first.take('ok');
    program.socket.end();
    await program.rest();
    expect(await client(get).rest()).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each(['revoked', 'lost'] as const)('has an effect again when the lease is %s, also where an answer still comes from before', async (how) => {
    await open();
    const { client: first, program } = await scene.exchange(get);
    opened.push(first);
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    await first.take('\r\n\r\n');
    scene.keys = { noWake: [parseNoWake('path:* status:404')] };
    scene.beforeLease = () => new Promise(() => {});
    if (how === 'lost') {
      program.send('ok');
      await first.take('ok');
    }
    scene.leases[0]?.end(how);
    await new Promise((resolve) => { setImmediate(resolve); });
    if (how === 'revoked') program.send('ok');
    expect(await client(get).rest()).toMatch(/^HTTP\/1\.1 404 /);
    expect(scene.leases.length).toBe(1);
  });

  test('and its first byte, from before, tells nothing of now', async () => {
    await open();
    const { client: first, program } = await scene.exchange(get);
    opened.push(first);
    scene.keys = { noWake: [parseNoWake('path:* status:404')] };
    scene.leases[0]?.end('revoked');
    await new Promise((resolve) => { setImmediate(resolve); });
    program.send(ok);
    await first.take('ok');
    expect(await client(get).rest()).toMatch(/^HTTP\/1\.1 404 /);
    expect(scene.leases.length).toBe(1);
  });

  test('a file is for GET and HEAD, with its type; one that cannot be read is 503', async () => {
    await open();
    const file = new URL('../../../package.json', import.meta.url).pathname;
    scene.keys = { noWake: [parseNoWake(`path:/p file:${file}`), parseNoWake('path:/q file:/nowhere.txt')] };
    const answer = await client(request('GET /p')).rest();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Content-Type: application\/json\r\n(?:.*\r\n)*Cache-Control: max-age=60\r\n/);
    expect(answer).toContain('"name": "wakesock"');
    expect(await client(request('HEAD /p')).rest()).not.toContain('"name"');
    expect(await client(request('GET /q')).rest()).toMatch(/^HTTP\/1\.1 503 /);
    const { head } = await scene.exchange(request('POST /p', 'Content-Length: 0'));
    expect(head).toContain('POST /p ');
  });
});

describe('who waits', () => {
  test('MaxPending= beyond which a request is told to come again', async () => {
    await open();
    scene.keys = { pendingMax: 1 };
    client(get);
    await scene.program();
    const answer = await client(request('GET /', 'Accept: application/json')).rest();
    expect(answer).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 1\r\n/);
    expect(answer).toContain('"code":"ERR_WAKESOCK_LIMIT"');
  });

  test('the lease is asked for with the request that needs it, without what could harm a log', async () => {
    await open();
    await scene.exchange(request('GET /a/b?token=1', `User-Agent: x\t${'é'.repeat(300)}`));
    expect(scene.causes).toEqual([{ at: expect.any(String) as string, client: '127.0.0.1', method: 'GET', host: 'a.example', path: '/a/b', agent: `x${'?'.repeat(255)}` }]);
  });
});

test('who wakes a site that went to sleep under the lease is told, with a lease of its own; the other is held until then', async () => {
  await open();
  const { client: first, program } = await scene.exchange(get);
  opened.push(first);
  program.send(ok);
  await first.take('ok');
  program.socket.end();
  await program.rest();
  const order: string[] = [];
  scene.beforeLease = () => { order.push(`asked, ${scene.leases[0]?.released === true ? 'none' : 'one'} held`); };
  await scene.exchange(request('GET /again'));
  expect(order).toEqual(['asked, one held']);
  expect(scene.causes.map((cause) => cause?.path)).toEqual(['/', '/again']);
  expect(scene.leases.map(({ released }) => released)).toEqual([true, false]);
});

describe('a site that failed', () => {
  test('is a page for browsers', async () => {
    const answer = await failing(html);
    expect(answer).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n(?:.*\r\n)*Retry-After: 4\r\n/);
    expect(answer).toContain('<code>ERR_WAKESOCK_EXITED</code>');
    expect(answer).toContain('in 4 seconds at the earliest');
    expect(answer).not.toContain('<script');
  });

  test('is JSON for all others', async () => {
    const answer = await failing('Accept: */*');
    expect(answer).toContain('Content-Type: application/json\r\n');
    expect(answer).toMatch(/\r\n\r\n\{"error":\{"code":"ERR_WAKESOCK_EXITED","message":"This site could not be started"\}\}\n$/);
  });

  test('nothing tells where its program is', async () => {
    await open();
    await scene.stopProgram();
    const answer = await client(get).rest();
    expect(answer).toContain('ECONNREFUSED');
    expect(answer).not.toContain('127.0.0.1');
  });
});
