/** Broken sockets at every stage, slow clients, and leases that come late, end or are refused. */
import { EventEmitter, once } from 'node:events';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { clientIdleMsMax, clientStallMsMax, headMsMax, leaseHoldMs, lingerMsMax, upstreamIdleMsMax, waitingPerSiteMax } from '../../../src/base/limits.ts';
import { BackoffError } from '../../../src/control/backend.ts';
import { get, ok, Scene, type Wire } from './scene.ts';

let scene: Scene;
beforeEach(async () => { scene = await Scene.open(); });
afterEach(() => scene.close());

const post = 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\n';

describe('the program goes away', () => {
  test.each([
    ['before its answer', ''],
    ['within the head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['1xx of a version that knows none', 'HTTP/1.0 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('%s: 502', async (_, answer) => {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const { client, program } = await scene.exchange(get);
      program.socket.write(answer, () => program.socket[how]());
      expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 .*\r\nConnection: close\r\n/s);
      client.socket.destroy();
    }
  });

  test.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'end', null],
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'resetAndDestroy', null],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 'end', null],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 'resetAndDestroy', null],
    // Nothing else tells half of it from the whole.
    ['until close', 'HTTP/1.1 200 OK\r\n\r\nab', 'resetAndDestroy', 'ECONNRESET'],
  ] as const)('within a body of %s (%j, %s): the client gets no whole answer', async (_, answer, how, code) => {
    const { client, program } = await scene.exchange(get);
    program.send(answer);
    await client.take('ab');
    program.socket[how]();
    await client.rest();
    expect(client.error?.code ?? null).toBe(code);
    expect(client.text).toBe('');
    client.socket.destroy();
  });

  test('a request with an effect is never sent twice', async () => {
    const { client, program } = await scene.exchange(`${post}abc`);
    program.socket.resetAndDestroy();
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
    expect(scene.accepted.length).toBe(1);
  });

  test('a safe request is sent again once, on a fresh connection, and no more', async () => {
    const { client, program } = await scene.exchange(get);
    program.send(ok);
    await client.take('ok');
    client.send(get);
    await program.take('\r\n\r\n');
    program.socket.resetAndDestroy();
    const second = await scene.program();
    await second.take('\r\n\r\n');
    second.socket.resetAndDestroy();
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
    expect(scene.accepted.length).toBe(2);
  });

  test('a safe request is not sent again once a byte of an answer has come', async () => {
    const { client, program } = await scene.exchange(get);
    program.send(ok);
    await client.take('ok');
    client.send(get);
    await program.take('\r\n\r\n');
    program.socket.write('H', () => program.socket.resetAndDestroy());
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
    expect(scene.accepted.length).toBe(1);
  });

  test('nobody listens: 502, with what is known of it', async () => {
    await scene.stopProgram();
    scene.explanation = { status: 502, message: 'It has failed (ERR_WAKESOCK_EXITED)', retryAfterMs: 4_000 };
    const client = scene.client();
    client.send(get);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 .*\r\nRetry-After: 4\r\n.*It has failed \(ERR_WAKESOCK_EXITED\)/s);
  });

  test('an answer that ends with the connection ends ours with the program, too', async () => {
    const { client, program } = await scene.exchange(get);
    program.send('HTTP/1.1 200 OK\r\n\r\nall');
    program.socket.end();
    expect(await client.rest()).toMatch(/all$/);
    await program.rest();
    client.socket.destroy();
  });

  test('an answer that is none is a bad gateway', async () => {
    const { client, program } = await scene.exchange(get);
    program.send('SSH-2.0-OpenSSH\r\n');
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
    await program.rest();
  });
});

describe('the client goes away', () => {
  const stages: readonly (readonly [string, () => Promise<Wire>])[] = [
    ['within its head', async () => {
      const client = scene.client();
      client.send('GET / HTTP/1.1\r\nHo');
      return client;
    }],
    ['within its body', async () => (await scene.exchange(`${post}a`)).client],
    ['waiting for the answer', async () => (await scene.exchange(get)).client],
    ['within the answer', async () => {
      const { client, program } = await scene.exchange(get);
      program.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab');
      await client.take('ab');
      return client;
    }],
    ['not reading the answer', async () => {
      const { client, program } = await scene.exchange(get);
      client.socket.pause();
      program.send(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), Buffer.alloc(32 * 1024 * 1024)]));
      return client;
    }],
    ['in a tunnel', async () => {
      const { client, program } = await scene.exchange('GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n');
      program.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
      await client.take('\r\n\r\n');
      return client;
    }],
  ];

  test.each(stages.flatMap(([stage, go]) => [[stage, 'destroy', go], [stage, 'resetAndDestroy', go]] as const))(
    '%s (%s): no connection to the program is left', async (_stage, how, go) => {
      const client = await go();
      client.socket[how]();
      await scene.noneLeft();
    });

  test('with another request behind: it may only have closed its sending side, and is seen to be gone by the answer', async () => {
    const { client, program } = await scene.exchange(get + get);
    client.socket.destroy();
    program.send(ok);
    await scene.noneLeft();
  });

  test('while the site has not answered the lease: nothing is sent', async () => {
    const steps = new EventEmitter();
    scene.beforeLease = async () => {
      steps.emit('asked');
      await once(steps, 'granted');
    };
    const client = scene.client();
    client.send(get);
    await once(steps, 'asked');
    scene.beforeLease = () => {};
    client.socket.resetAndDestroy();
    while (scene.connections > 0) await new Promise((resolve) => { setImmediate(resolve); });
    const other = scene.client();
    other.send('GET /other HTTP/1.1\r\nHost: a.example\r\n\r\n');
    steps.emit('granted');
    const program = await scene.program();
    expect(await program.take('\r\n\r\n')).toMatch(/^GET \/other /);
    expect(scene.accepted.length).toBe(1);
    other.socket.destroy();
  });
});

describe('a request that will never be whole', () => {
  test.each([
    ['its client has gone', (client: Wire) => client.socket.destroy()],
    ['what follows is none', (client: Wire) => client.send('no chunk\r\n')],
  ])('since %s: the program does not see an end that could be taken for that of the request, but a reset', async (_, goes) => {
    const { client, program } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
    goes(client);
    await program.gone();
    expect(program.error?.code).toBe('ECONNRESET');
    client.socket.destroy();
  });

  test('since its client has ended while the site was asked for: the program is told, and nothing waits for it', async () => {
    const steps = new EventEmitter();
    scene.beforeLease = async () => {
      steps.emit('asked');
      await once(steps, 'granted');
    };
    const asked = once(steps, 'asked');
    const client = scene.client();
    client.send(`${post}a`);
    client.socket.end();
    await asked;
    await arrivedElsewhere();
    steps.emit('granted');
    const program = await scene.program();
    await program.rest();
    await client.gone();
  });

  test('since what follows is none, while it is answered already: the answer is cut off, and nothing is put into it', async () => {
    const { client, program } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n');
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nab');
    await client.take('ab');
    client.send('no chunk\r\n');
    expect(await client.rest()).toBe('');
    await program.rest();
    client.socket.destroy();
  });
});

describe('time', () => {
  test('a head that takes too long is 408', async () => {
    const client = scene.client();
    client.send('GET / HTTP/1.1\r\nHo');
    await connected(1);
    await arrived();
    scene.sweep.pass(scene.sweep.nowMs + headMsMax + 1);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a silent connection is closed without a word', async () => {
    const client = scene.client();
    await connected(1);
    scene.sweep.pass(scene.sweep.nowMs + clientIdleMsMax + 1);
    expect(await client.rest()).toBe('');
  });

  test('a body that stops is 408, and the program sees the end', async () => {
    const { client, program } = await scene.exchange(`${post}a`);
    await program.take('a');
    scene.sweep.pass(scene.sweep.nowMs + clientStallMsMax + 1);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 408 /);
    await program.rest();
  });

  test('the end of an answer is not cut off, however slowly it is taken', async () => {
    const steps = new EventEmitter();
    const slow = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        steps.once('take', done);
        steps.emit('write');
      },
    });
    scene.attach(slow);
    slow.push('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    const program = await scene.program();
    const writing = once(steps, 'write');
    program.send(ok);
    await writing;
    scene.sweep.pass(scene.sweep.nowMs + lingerMsMax + 1);
    expect(slow.destroyed).toBe(false);
    const finished = once(slow, 'finish');
    steps.emit('take');
    await finished;
    scene.sweep.pass(scene.sweep.nowMs + lingerMsMax + 1);
    expect(slow.destroyed).toBe(true);
  });

  test('a tunnel that the program has ended is not held by a silent client', async () => {
    const { client, program } = await scene.exchange('GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n');
    program.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    program.socket.end();
    await client.rest();
    scene.sweep.pass(scene.sweep.nowMs + clientStallMsMax + 1);
    await program.rest();
    client.socket.destroy();
  });

  test('a program that listens may be silent for as long as it likes', async () => {
    scene.state = { ...scene.state, state: 'awake' };
    const { client, program } = await scene.exchange(get);
    scene.sweep.pass(scene.sweep.nowMs + 24 * 3_600_000);
    program.send(ok);
    await client.take('ok');
    client.socket.destroy();
  });

  test('connections to the program are not kept longer than it keeps them', async () => {
    const { client, program } = await scene.exchange(get);
    program.send(ok);
    await client.take('ok');
    scene.sweep.pass(scene.sweep.nowMs + upstreamIdleMsMax + 1);
    await program.rest();
    client.socket.destroy();
  });
});

test('connections that a busy site needs no more are closed, the oldest first', async () => {
  const [first, second, third] = [await scene.exchange(get), await scene.exchange(get), await scene.exchange(get)];
  first.program.send(ok);
  await first.client.take('ok');
  scene.sweep.pass(scene.sweep.nowMs + upstreamIdleMsMax + 1);
  second.program.send(ok);
  await second.client.take('ok');
  await first.program.rest();
  expect(second.program.ended).toBe(false);
  for (const { client } of [first, second, third]) client.socket.destroy();
});

describe('leases', () => {
  test('one for all that is in flight; held a while longer, then given back', async () => {
    const first = await scene.exchange(get);
    const second = await scene.exchange(get);
    expect(scene.leases.length).toBe(1);
    for (const { program, client } of [first, second]) {
      program.send(ok);
      await client.take('ok');
    }
    expect(scene.leases[0]?.released).toBe(false);
    scene.sweep.pass(scene.sweep.nowMs + Math.max(leaseHoldMs, upstreamIdleMsMax) + 1);
    expect(scene.leases[0]?.released).toBe(true);
    expect(scene.asked).toBe(false);
    first.client.send(get);
    await scene.program();
    expect(scene.leases.length).toBe(2);
    for (const { client } of [first, second]) client.socket.destroy();
  });

  test('an activator that is away is waited for', async () => {
    let attempts = 0;
    scene.beforeLease = () => {
      if (++attempts < 3) throw new WakesockError('ERR_WAKESOCK_NOT_RUNNING', 'gone');
    };
    const { client, program } = await scene.exchange(`${post}abc`);
    await program.take('abc');
    program.send(ok);
    await client.take('ok');
    expect(attempts).toBe(3);
    client.socket.destroy();
  });

  test('requests that have waited arrive as they were sent, each with its own fields', async () => {
    const steps = new EventEmitter();
    const granted = once(steps, 'granted');
    scene.beforeLease = async () => { await granted; };
    const first = scene.client();
    first.send('GET /first HTTP/1.1\r\nHost: a.example\r\nConnection: X-Hop\r\nX-Hop: 1\r\nA: 1\r\n\r\n');
    await connected(1);
    const second = scene.client();
    second.send('GET /second/and/longer HTTP/1.1\r\nB: 22222222222\r\nHost: a.example\r\n\r\n');
    await connected(2);
    // A whole answer of the front door itself comes after both were read.
    const third = scene.client();
    third.send('GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n');
    await third.rest();
    steps.emit('granted');
    const heads = [];
    for (let i = 0; i < 2; i++) heads.push((await (await scene.program()).take('X-Forwarded-For')).replace('X-Forwarded-For', ''));
    expect(heads.toSorted()).toEqual(['GET /first HTTP/1.1\r\nHost: a.example\r\nA: 1\r\n', 'GET /second/and/longer HTTP/1.1\r\nB: 22222222222\r\nHost: a.example\r\n']);
    for (const { socket } of [first, second, third]) socket.destroy();
  });

  test.each(['lost', 'revoked'] as const)('that is %s: connections that nothing is asked on are closed, and none is used again', async (how) => {
    const { client, program } = await scene.exchange(get);
    program.send(ok);
    await client.take('ok');
    scene.leases[0]?.end(how);
    await new Promise((resolve) => { setImmediate(resolve); });
    client.send(get);
    await (await scene.program()).take('\r\n\r\n');
    await program.rest();
    expect(program.text).toBe('');
    client.socket.destroy();
  });

  test('an activator that dies takes nothing with it: what is in flight goes on, and the site is leased again', async () => {
    const { client, program } = await scene.exchange(get);
    const again = new Promise<void>((resolve) => { scene.beforeLease = resolve; });
    scene.leases[0]?.end();
    await again;
    program.send(ok);
    await client.take('ok');
    client.send(get);
    await program.take('\r\n\r\n');
    expect(scene.leases.length).toBe(2);
    client.socket.destroy();
  });

  test('a site that failed is 502, and says when to come again', async () => {
    scene.beforeLease = () => { throw new BackoffError('a failed', 3_500); };
    const client = scene.client();
    client.send(get);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 .*\r\nRetry-After: 4\r\n/s);
  });

  test('a site that cannot be had is 502 with the code, and no more', async () => {
    scene.beforeLease = () => { throw new WakesockError('ERR_WAKESOCK_SITE_FILE', 'secrets'); };
    const client = scene.client();
    client.send(get);
    const answer = await client.rest();
    expect(answer).toMatch(/^HTTP\/1\.1 502 .*ERR_WAKESOCK_SITE_FILE/s);
    expect(answer).not.toContain('secrets');
  });

  test('so many may wait for a site, and no more: 503', async () => {
    const steps = new EventEmitter();
    const granted = once(steps, 'granted');
    scene.beforeLease = async () => { await granted; };
    const clients = Array.from({ length: waitingPerSiteMax + 1 }, () => scene.client());
    for (const client of clients) client.send(get);
    const refused = await Promise.race(clients.map(async (client) => {
      expect(await client.rest()).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/s);
      return client;
    }));
    refused.socket.destroy();
    steps.emit('granted');
    for (let i = 0; i < waitingPerSiteMax; i++) (await scene.program()).send(ok);
    for (const client of clients.filter((each) => each !== refused)) {
      await client.take('ok');
      client.socket.destroy();
    }
  });
});

async function connected(count: number): Promise<void> {
  while (scene.connections < count) await new Promise((resolve) => { setImmediate(resolve); });
}

/** The same without the site: the front door itself has answered. */
async function arrivedElsewhere(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const client = scene.client();
    client.send('GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n');
    await client.rest();
    client.socket.destroy();
  }
}

/** What was sent on a connection of this process has been read: a whole exchange came after it. */
async function arrived(): Promise<void> {
  const { client, program } = await scene.exchange(get);
  program.send(ok);
  await client.take('ok');
  client.socket.destroy();
}
