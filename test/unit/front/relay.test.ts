/** Requests and answers through the front door, on real sockets. */
import { afterEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene;
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

async function open(program?: (wire: Wire) => void): Promise<Scene> {
  scene = await Scene.open(program);
  return scene;
}

/** Answers every request without a body; `answer` gets the head. */
function answering(answer: (head: string) => string): (wire: Wire) => void {
  return (wire) => {
    void (async () => {
      for (;;) wire.send(answer(await wire.take('\r\n\r\n')));
    })().catch(() => {});
  };
}

describe('heads', () => {
  test('the program gets the request, and who asked; what was for us only it does not get', async () => {
    await open();
    const { client, head } = await scene.exchange('GET /a?b HTTP/1.1\r\nAccept: x\r\nHost: A.example:8080\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 5\r\n'
      + 'X-Hop: 1\r\nx_hop: 2\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_Proto: https\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Client-IP: 6.6.6.6\r\nX-Cluster-Client-IP: 6.6.6.6\r\nClient-IP: 6.6.6.6\r\nTrue-Client-IP: 6.6.6.6\r\nCF-Connecting-IP: 6.6.6.6\r\nX-Forwarded-User: admin\r\nX-Forwarded-Client-Cert: x\r\nX.Forwarded.For: 6.6.6.6\r\nX-Real~IP: 6.6.6.6\r\nX-Original-URL: /admin\r\nX-Rewrite-Url: /admin\r\nProxy-Client-IP: 6.6.6.6\r\nProxy: evil\r\nTE: trailers\r\n'
      + 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nCookie: c\r\n\r\n');
    opened.push(client);
    expect(head).toBe('GET /a?b HTTP/1.1\r\nAccept: x\r\nHost: A.example:8080\r\nCookie: c\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n'
      + 'X-Forwarded-Host: A.example:8080\r\nForwarded: for=127.0.0.1;host="A.example:8080";proto=http\r\n\r\n');
  });

  test.each([
    ['200 OK', 'Content-Length: 2\r\n', 'ok', true], ['200 OK', 'Content-Length: 2\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n', 'ok', false], ['304 Not Modified', '', '', true],
  ])('an answer %s with %j says when it was given, if need be by our clock', async (status, fields, body, ours) => {
    await open(answering(() => `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 ${status}\r\n${fields}\r\n${body}`));
    const client = scene.client({ dated: true });
    opened.push(client);
    const before = Math.floor(Date.now() / 1000) * 1000;
    client.send(get);
    expect(await client.take('\r\n\r\n')).toBe('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n');
    const dates = [...(await client.take('\r\n\r\n')).matchAll(/^Date: (.* GMT)\r$/gm)].map(([, date]) => Date.parse(date as string));
    expect(dates.length).toBe(1);
    expect((dates[0] as number) >= before).toBe(ours);
    expect((dates[0] as number) <= Date.now()).toBe(true);
  });

  test('what Connection names is for us only, also Expect', async () => {
    await open();
    const { client, head } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nConnection: Expect, Accept\r\nExpect: 100-continue\r\nAccept: x\r\nContent-Length: 0\r\n\r\n');
    opened.push(client);
    expect(head).toMatch(/^POST \/ HTTP\/1\.1\r\nHost: a\.example\r\nContent-Length: 0\r\nX-Forwarded-For/);
  });

  test.each([
    ['http://a.example/x', '/x'], ['http://A.EXAMPLE?q', '/?q'], ['http://a.example', '/'], ['/x', '/x'],
  ])('the target %s arrives as %s', async (target, expected) => {
    await open();
    const { client, head } = await scene.exchange(`GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    opened.push(client);
    expect(head.split(' ')[1]).toBe(expected);
  });

  test.each([['http://a.example', '*'], ['http://a.example?', '/?'], ['http://a.example/', '/'], ['*', '*']])('the target %s of OPTIONS arrives as %s', async (target, expected) => {
    await open();
    const { client, head } = await scene.exchange(`OPTIONS ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    opened.push(client);
    expect(head.split(' ')[1]).toBe(expected);
  });

  test.each([
    ['TRACE', '5', '4'], ['OPTIONS', '1', '0'], ['OPTIONS', '010', '9'], ['GET', '0', '0'], ['GET', 'x', 'x'],
  ])('%s with Max-Forwards: %s is passed on with %s', async (method, sent, passed) => {
    await open();
    const { client, head } = await scene.exchange(`${method} / HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: ${sent}\r\nA: 1\r\n\r\n`);
    opened.push(client);
    expect(head.match(/^Max-Forwards: .*$/gm)).toEqual([`Max-Forwards: ${passed}`]);
    expect(head).toContain('\r\nA: 1\r\n');
  });

  test.each([['OPTIONS', '0', 204], ['TRACE', '0', 501], ['OPTIONS', 'x', 400], ['TRACE', '-1', 400], ['TRACE', '1\r\nMax-Forwards: 0', 400]])('%s with Max-Forwards: %j ends here: %i, and wakes nobody', async (method, value, status) => {
    await open();
    const client = scene.client();
    client.send(`${method} * HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: ${value}\r\n\r\n`.replace('TRACE *', 'TRACE /'));
    expect(await client.rest()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(scene.leases.length).toBe(0);
  });

  test.each([
    ['nothing to remove', 'Server: s\r\nContent-Length: 2\r\n', 'Server: s\r\nContent-Length: 2\r\n'],
    ['first', 'Connection: keep-alive\r\nServer: s\r\nContent-Length: 2\r\n', 'Server: s\r\nContent-Length: 2\r\n'],
    ['last', 'Content-Length: 2\r\nServer: s\r\nKeep-Alive: timeout=5\r\n', 'Content-Length: 2\r\nServer: s\r\n'],
    ['several', 'Connection: X-Hop\r\nA: 1\r\nX-Hop: 2\r\nB: 3\r\nUpgrade: h2c\r\nContent-Length: 2\r\nProxy-Authenticate: x\r\nProxy-Authentication-Info: y\r\n', 'A: 1\r\nB: 3\r\nContent-Length: 2\r\n'],
  ])('of an answer is removed what is for one hop: %s', async (_, fields, expected) => {
    await open(answering(() => `HTTP/1.1 200 OK\r\n${fields}\r\nok`));
    const client = scene.client();
    client.send(get);
    expect(await client.take('ok')).toBe(`HTTP/1.1 200 OK\r\n${expected}\r\nok`);
    client.send('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    const last = await client.rest();
    expect(last).toContain('Connection: close\r\n');
    expect(last.replace('Connection: close\r\n', '')).toBe(`HTTP/1.1 200 OK\r\n${expected}\r\nok`);
  });

  test('what is no request after HEAD is answered with a body', async () => {
    await open(answering(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'));
    const client = scene.client();
    client.send('HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await client.take('\r\n\r\n');
    client.send('head / HTTP/1.1\r\n\r\n');
    const [head = '', body = ''] = (await client.rest()).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(head).toContain(`Content-Length: ${body.length}\r\n`);
  });

  test('a host that no site has is 404, and the connection ends', async () => {
    await open();
    const client = scene.client();
    client.send('GET / HTTP/1.1\r\nHost: b.example\r\n\r\n');
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 404 .*\r\nConnection: close\r\n/s);
    expect(scene.accepted.length).toBe(0);
  });

  test.each([
    ['CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 501],
    ['GET / HTTP/1.1\r\nHost: a.example\r\nX : y\r\n\r\n', 400],
    ['GET / HTTP/1.1\nHost: a.example\n\n', 400],
    ['POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431],
    [`GET /${'x'.repeat(20_000)}`, 414],
    [`GET /${'x'.repeat(16_400)} HTTP/1.1\r\n`, 414],
  ])('%j is refused, and nothing of it reaches the program', async (request, status) => {
    await open();
    const client = scene.client();
    client.send(request);
    expect(await client.rest()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nConnection: close\\r\\n`, 's'));
    expect(scene.accepted.length).toBe(0);
  });

  test('a request behind one that is refused is not read', async () => {
    await open(answering(() => ok));
    const client = scene.client();
    client.send(`${get}GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n${get}`);
    expect((await client.rest()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });
});

describe('connections', () => {
  test('are kept and used again, on both sides', async () => {
    await open(answering(() => ok));
    const client = scene.client();
    for (let i = 0; i < 3; i++) {
      client.send(get);
      await client.take('ok');
    }
    const other = scene.client();
    other.send(get);
    await other.take('ok');
    opened.push(client, other);
    expect(scene.accepted.length).toBe(1);
    expect(scene.leases.length).toBe(1);
  });

  test('are fresh for a request that may not be sent again', async () => {
    await open(answering(() => ok));
    const client = scene.client();
    client.send(get);
    await client.take('ok');
    client.send('DELETE / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await client.take('ok');
    opened.push(client);
    expect(scene.accepted.length).toBe(2);
  });

  test('pipelined requests are answered in order', async () => {
    let count = 0;
    await open(answering(() => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${++count}`));
    const client = scene.client();
    client.send(get.repeat(5));
    opened.push(client);
    for (let i = 1; i <= 5; i++) expect(await client.take(`\r\n\r\n${i}`)).toContain('200');
  });

  test('a client that closes its sending side is still answered, all it asked for', async () => {
    await open(answering(() => ok));
    const client = scene.client();
    client.send(get.repeat(3));
    client.socket.end();
    expect((await client.rest()).match(/200 OK/g)).toHaveLength(3);
    await client.gone();
  });

  test('with bytes behind an answer are not used again', async () => {
    await open(answering(() => `${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    const client = scene.client();
    for (let i = 0; i < 2; i++) {
      client.send(get);
      expect(await client.take('ok')).not.toContain('evil');
    }
    opened.push(client);
    expect(client.text).toBe('');
    expect(scene.accepted.length).toBe(2);
  });

  test.each([
    ['takes its body for a request, too', 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 23\r\n\r\nGET /evil HTTP/1.1\r\nX: ', ok],
    ...[
      ['HEAD', '200 OK', 'Content-Length: 99\r\n'], ['HEAD', '200 OK', 'Transfer-Encoding: chunked\r\n'],
      ['GET', '304 Not Modified', 'Content-Length: 99\r\n'], ['GET', '304 Not Modified', 'Transfer-Encoding: chunked\r\n'],
      ['GET', '204 No Content', 'Content-Length: 99\r\n'], ['OPTIONS', '204 No Content', 'Content-Length: 1\r\n'],
    ].map(([method, status, fields]) => [`sends a body late behind ${String(method)}, ${String(status)} and ${JSON.stringify(fields)}`, `${String(method)} / HTTP/1.1\r\nHost: a.example\r\n\r\n`, `HTTP/1.1 ${String(status)}\r\n${String(fields)}\r\n`]),
  ])('to a program that %s: nobody else is answered with what comes of it', async (_, asked, answer) => {
    await open();
    const { client, program } = await scene.exchange(asked);
    opened.push(client);
    program.send(answer);
    await client.take(answer.slice(-4));
    const victim = scene.client();
    victim.send(get);
    opened.push(victim);
    const fresh = scene.program();
    const asking = await Promise.race([fresh, program.take('GET / HTTP/1.1').then(() => program, () => fresh)]);
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nevil, ok');
    asking.send(ok);
    expect(await victim.take('ok')).not.toContain('evil');
    await program.rest();
  });

  test('that the program closed meanwhile are replaced, and a safe request is sent again', async () => {
    await open();
    const { client, program } = await scene.exchange(get);
    opened.push(client);
    program.send(ok);
    await client.take('ok');
    client.send(get);
    // It has read the request: it is the same to us as if it had not.
    await program.take('\r\n\r\n');
    program.socket.resetAndDestroy();
    const second = await scene.program();
    await second.take('\r\n\r\n');
    second.send(ok);
    expect(await client.take('ok')).toContain('200 OK');
  });

  test('HTTP/1.0: the program is asked in the same version, and the connection ends', async () => {
    await open();
    const { client, program, head } = await scene.exchange('GET / HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n');
    expect(head).toMatch(/^GET \/ HTTP\/1\.0\r\n/);
    program.send('HTTP/1.0 200 OK\r\n\r\nall');
    program.socket.end();
    expect(await client.rest()).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall');
  });

  test.each([['GET', '2\r\nok\r\n0\r\n\r\n'], ['HEAD', '']])('HTTP/1.0: chunks, which that does not know, are no answer to %s', async (method, body) => {
    await open(answering(() => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
    const client = scene.client();
    client.send(`${method} / HTTP/1.0\r\nHost: a.example\r\n\r\n`);
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
  });
});

const chunked = (body: string): string => `POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;

describe('bodies', () => {
  test.each([
    ['GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'],
    ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ''],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n', ''],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', ''],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ''],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n', ''],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n', ''],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ])('%s answered with %j passes as it is, and the client\'s connection stays', async (method, head, body) => {
    await open(answering(() => head + body));
    const client = scene.client();
    opened.push(client);
    for (let i = 0; i < 2; i++) {
      client.send(`${method} / HTTP/1.1\r\nHost: a.example\r\n\r\n`);
      expect(await client.takeBytes(head.length + body.length)).toBe(head + body);
    }
    // Where a body is spoken of it may still come.
    expect(scene.accepted.length).toBe(body === '' && /Length: [1-9]|chunked/.test(head) ? 2 : 1);
  });

  test('204 has no length, whatever the program says', async () => {
    await open(answering(() => 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'));
    const client = scene.client();
    client.send(get);
    opened.push(client);
    expect(await client.take('\r\n\r\n')).toBe('HTTP/1.1 204 No Content\r\n\r\n');
  });

  test('until close: the end of the one is the end of the other', async () => {
    await open();
    const { client, program } = await scene.exchange(get);
    program.send('HTTP/1.1 200 OK\r\n\r\nab');
    expect(await client.take('ab')).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab');
    program.send('cd');
    await client.take('cd');
    program.socket.end();
    expect(await client.rest()).toBe('');
    expect(client.error).toBeNull();
  });

  test('events pass one by one, as they are written', async () => {
    await open();
    const { client, program } = await scene.exchange(get);
    opened.push(client);
    program.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.take('\r\n\r\n');
    for (const event of ['9\r\ndata: 1\n\n\r\n', '9\r\ndata: 2\n\n\r\n']) {
      program.send(event);
      await client.take(event);
    }
  });

  test('of a request: a length, chunks with trailers; answered while they come', async () => {
    await open();
    const { client, program } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send('3\r\nabc\r\n');
    await program.take('3\r\nabc\r\n');
    program.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await client.take('ab');
    client.send('0\r\nX-Sum: 1\r\n\r\n');
    await program.take('0\r\nX-Sum: 1\r\n\r\n');
    program.send('cd');
    expect(await client.rest()).toBe('cd');
  });

  test('of several requests on one connection, each by its own framing', async () => {
    await open();
    const client = scene.client();
    opened.push(client);
    for (const [request, body] of [[chunked('1\r\na\r\n0\r\nX: y\r\n\r\n'), 'X: y\r\n\r\n'], [chunked('2\r\nbc\r\n0\r\n\r\n'), '0\r\n\r\n'],
      ['POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nde', 'de'], [chunked('0\r\n\r\n'), '0\r\n\r\n']] as const) {
      client.send(request);
      const program = await scene.program();
      await program.take('\r\n\r\n');
      await program.take(body);
      expect(program.text).toBe('');
      program.send(ok);
      await client.take('ok');
    }
  });

  test('an answer that comes before the request is complete arrives, and the connection ends', async () => {
    await open();
    const { client, program } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000000\r\n\r\nabc');
    program.send('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
    const upload = setInterval(() => client.send(Buffer.alloc(64 * 1024)), 1);
    expect(await client.rest()).toBe('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    clearInterval(upload);
    client.socket.end();
    await scene.noneLeft();
  });

  test('a chunk that could be read otherwise ends the request before its end reaches the program', async () => {
    await open();
    const { client, program } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    client.send('0\r\nX: y\n\nGET /smuggled HTTP/1.1\r\n\r\n');
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await program.rest()).toBe('3\r\nabc\r\n');
  });

  test('however the bytes are cut, what arrives is the same', async () => {
    const requests = `POST /1 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n${get}`
      + 'PUT /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello';
    const answers = ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n', ok, 'HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc'];
    const ends = ['0\r\nT: 1\r\n\r\n', '\r\n\r\n', 'hello'];
    await open();
    await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 40 })), async (sizes) => {
      const client = scene.client();
      const sent = sendInPieces(client, requests, sizes);
      for (let i = 0; i < 3; i++) {
        const program = await scene.program();
        await program.take(ends[i] as string);
        await sendInPieces(program, answers[i] as string, sizes);
        // Its connection serves no other, so that the next exchange is the next connection.
        program.socket.end();
      }
      await sent;
      expect(await client.rest()).toBe(answers.join('').replace('Created\r\n', 'Created\r\nConnection: close\r\n'));
      client.socket.destroy();
    }), { numRuns: 25, endOnFailure: true });
  });
});

async function sendInPieces(wire: Wire, text: string, sizes: fc.Stream<number>): Promise<void> {
  for (let at = 0; at < text.length;) {
    const size = sizes.next().value as number;
    wire.send(text.slice(at, at + size));
    at += size;
    // So that each piece is a read of its own, mostly.
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

describe('interim answers and other protocols', () => {
  test('100 and 103 pass, and the answer behind them', async () => {
    await open();
    const { client, program, head } = await scene.exchange('POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    opened.push(client);
    expect(head).toContain('Expect: 100-continue\r\n');
    program.send('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await client.take('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hi');
    await program.take('hi');
    program.send(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`);
    expect(await client.take('ok')).toBe(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}`);
  });

  const websocket = 'GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n';
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

  test('a WebSocket is a tunnel, each direction ends by itself', async () => {
    await open();
    const { client, program, head } = await scene.exchange(`${websocket}early`);
    expect(head).toContain('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    program.send(`${switched}hello`);
    expect(await client.take('hello')).toBe(`${switched}hello`);
    await program.take('early');
    client.send('\x00GET / HTTP/1.1\n');
    await program.take('\x00GET / HTTP/1.1\n');
    client.socket.end();
    await program.rest();
    program.send('bye');
    program.socket.end();
    expect(await client.rest()).toBe('bye');
    await Promise.all([client.gone(), program.gone()]);
  });

  test('what the program sent before it closed a WebSocket arrives, however slowly it is taken', async () => {
    await open();
    const { client, program } = await scene.exchange(websocket);
    program.send(switched);
    await client.take('\r\n\r\n');
    client.socket.pause();
    client.socket.end();
    await program.rest();
    const size = 24 * 1024 * 1024;
    program.socket.end(Buffer.alloc(size, 'x'));
    await barrier();
    client.socket.resume();
    expect((await client.rest()).length).toBe(size);
    expect(client.error).toBeNull();
  });

});

async function barrier(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => { setImmediate(resolve); });
}

describe('what programs send is read into bytes that all of them share', () => {
  const size = 6 * 1024 * 1024;
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;

  test.each([['answers', 10_000], ['answers', 300_000], ['relayed connections', 10_000], ['relayed connections', 300_000]])('%s in pieces of %i bytes, all at once, and taken late, are whole', async (what, piece) => {
    await open();
    const pairs: { client: Wire; program: Wire; letter: string }[] = [];
    for (const letter of 'abcdef') {
      const client = what === 'answers' ? scene.client() : scene.raw();
      client.socket.pause();
      client.send(get);
      const program = await scene.program();
      await program.take('\r\n\r\n');
      pairs.push({ client, program, letter });
      opened.push(client);
    }
    for (const { program } of pairs) program.send(head);
    for (let sent = 0; sent < size; sent += piece) {
      for (const { program, letter } of pairs) program.socket.write(Buffer.alloc(Math.min(piece, size - sent), letter));
      // Each is read by itself, until the clients' connections are full.
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    const whole = await Promise.all(pairs.map(async ({ client, letter }) => {
      client.socket.resume();
      await client.takeBytes(head.length);
      return (await client.takeBytes(size)) === letter.repeat(size);
    }));
    expect(whole).toEqual(pairs.map(() => true));
  });

  test('half a head waits for the rest while others are answered', async () => {
    await open();
    const first = await scene.exchange(get);
    opened.push(first.client);
    first.program.send('HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Len');
    await barrier();
    const second = await scene.exchange(get);
    opened.push(second.client);
    second.program.send('HTTP/1.1 404 No\r\nX-B: 2\r\nContent-Length: 3\r\n\r\nno!');
    expect(await second.client.take('no!')).toContain('X-B: 2');
    first.program.send('gth: 2\r\n\r\nok');
    expect(await first.client.take('ok')).toBe('HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok');
  });
});

describe('back-pressure', () => {
  const size = 48 * 1024 * 1024;

  test('a client that does not read holds the program back, and gets everything', async () => {
    await open();
    const { client, program } = await scene.exchange(get);
    client.socket.pause();
    let written = false;
    program.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    program.socket.write(Buffer.alloc(size, 'x'), () => { written = true; });
    await barrier();
    expect(written).toBe(false);
    let got = 0;
    client.socket.removeAllListeners('data');
    await new Promise<void>((resolve) => {
      client.socket.on('data', (chunk) => { if ((got += chunk.length) > size) resolve(); });
      client.socket.resume();
    });
    opened.push(client);
    expect(written).toBe(true);
  });

  test('a program that does not read holds the client back, and gets everything', async () => {
    await open();
    const { client, program } = await scene.exchange(`POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${size}\r\n\r\n`);
    program.socket.pause();
    let written = false;
    client.socket.write(Buffer.alloc(size, 'x'), () => { written = true; });
    await barrier();
    expect(written).toBe(false);
    let got = 0;
    program.socket.removeAllListeners('data');
    await new Promise<void>((resolve) => {
      program.socket.on('data', (chunk) => { if ((got += chunk.length) === size) resolve(); });
      program.socket.resume();
    });
    program.send(ok);
    await client.take('ok');
    opened.push(client);
  });
});
