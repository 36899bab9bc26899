/** Requests that go on as something else than HTTP: `Upgrade` and CONNECT. What is not agreed to is never taken for a request. */
import { afterEach, describe, expect, test } from 'vitest';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene;
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

async function open(keys: Scene['keys'] = {}): Promise<Scene> {
  scene = await Scene.open();
  scene.keys = keys;
  return scene;
}

const upgrade = (protocols: string, line = 'GET /ws', ...fields: readonly string[]): string =>
  `${line} HTTP/1.1\r\nHost: a.example\r\nUpgrade: ${protocols}\r\nConnection: keep-alive, Upgrade\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const switched = (protocols: string): string => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocols}\r\nConnection: Upgrade\r\n\r\n`;
const connectTo = (target: string): string => `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;
const upgradeOf = (head: string): string | undefined => /^Upgrade: (.*)\r$/m.exec(head)?.[1];
/** A request that somebody wants to be read who may not send one. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n';

describe('Upgrade', () => {
  test.each([
    ['websocket', ['websocket'], 'websocket'],
    ['WebSocket', ['websocket'], 'WebSocket'],
    ['h2c, websocket', ['websocket'], 'websocket'],
    ['b/2, a, c', ['a', 'b/2'], 'b/2, a'],
    ['b', ['b/2'], undefined],
    ['h2c', ['websocket'], undefined],
    ['websocket', [], undefined],
    ['', ['websocket'], undefined],
  ])('of %j a site that takes %j is offered %j', async (offered, upgrades, passed) => {
    await open({ upgrades });
    const { client, head } = await scene.exchange(upgrade(offered));
    opened.push(client);
    expect(upgradeOf(head)).toBe(passed);
    expect(/^Connection: (.*)\r$/m.exec(head)?.[1]).toBe(passed === undefined ? undefined : 'Upgrade');
  });

  test('several lines are one list', async () => {
    await open();
    const { client, head } = await scene.exchange(upgrade('websocket', 'GET /', 'Upgrade: h2c'));
    opened.push(client);
    expect(head.match(/^Upgrade: .*$/gm)).toEqual(['Upgrade: websocket']);
  });

  test.each([
    ['with a body', upgrade('websocket', 'POST /', 'Content-Length: 1')],
    ['with a body in chunks', upgrade('websocket', 'POST /', 'Transfer-Encoding: chunked')],
    ['in HTTP/1.0', upgrade('websocket').replace('HTTP/1.1', 'HTTP/1.0')],
    ['that Connection does not name', upgrade('websocket').replace(', Upgrade', '')],
  ])('is not passed on of a request %s', async (_, request) => {
    await open();
    const { client, head } = await scene.exchange(request);
    opened.push(client);
    expect(upgradeOf(head)).toBeUndefined();
  });

  test('another protocol than WebSocket is a tunnel as well, also of a POST with nothing in it', async () => {
    await open({ upgrades: ['tcp'] });
    const { client, program } = await scene.exchange(`${upgrade('tcp', 'POST /attach', 'Content-Length: 0')}early`);
    program.send(`${switched('tcp')}hello`);
    expect(await client.take('hello')).toBe(`${switched('tcp')}hello`);
    expect(await program.take('early')).toBe('early');
    client.socket.end(smuggled);
    expect(await program.rest()).toBe(smuggled);
    program.socket.end();
    await Promise.all([client.gone(), program.gone()]);
  });

  test('the program hears of the end that came with what was sent ahead', async () => {
    await open();
    const client = scene.client();
    client.socket.end(`${upgrade('websocket')}early`);
    const program = await scene.program();
    await program.take('\r\n\r\n');
    program.send(switched('websocket'));
    expect(await program.rest()).toBe('early');
    program.socket.end();
    await client.rest();
  });

  test.each([
    ['that was not offered', 'websocket', 'h2c'], ['beside the one that was', 'websocket', 'websocket, h2c'], ['of another version', 'a/1', 'a/2'],
    ['that the site does not take', 'h2c', 'h2c'], ['without a name', 'websocket', ''],
  ])('a protocol %s is a bad gateway, and nothing more is read', async (_, offered, answered) => {
    await open({ upgrades: ['websocket', 'a/1'] });
    const { client, program } = await scene.exchange(`${upgrade(offered)}${smuggled}`);
    program.send(switched(answered));
    expect((await client.rest()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 502']);
    expect(await program.rest()).toBe('');
    expect(scene.accepted.length).toBe(1);
  });

  test.each([['426 Upgrade Required'], ['200 OK'], ['403 Forbidden']])('declined with %s: the answer is whole and the last, whatever has been sent behind the request', async (status) => {
    await open();
    const { client, program } = await scene.exchange(`${upgrade('websocket')}${smuggled}`);
    program.send(ok.replace('200 OK', status));
    const answer = await client.rest();
    expect(answer).toContain(`HTTP/1.1 ${status}\r\n`);
    expect(answer).toContain('Connection: close\r\n');
    expect(answer.endsWith('\r\n\r\nok')).toBe(true);
    client.send(smuggled);
    expect(program.text).toBe('');
    expect(scene.accepted.length).toBe(1);
  });

  test.each([
    ['websocket', 'Upgrade: websocket\r\nConnection: Upgrade\r\n'], ['TLS/1.0, WebSocket', 'Upgrade: WebSocket\r\nConnection: Upgrade\r\n'], ['TLS/1.0', ''],
  ])('426 that asks for %s: the client is told of what the site takes', async (asked, told) => {
    await open();
    const { client, program } = await scene.exchange(get);
    opened.push(client);
    program.send(`HTTP/1.1 426 Upgrade Required\r\nUpgrade: ${asked}\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok`);
    expect(await client.take('ok')).toBe(`HTTP/1.1 426 Upgrade Required\r\n${told}Content-Length: 2\r\n\r\nok`);
  });

  test('426 on a connection that ends says both', async () => {
    await open();
    const { client, program } = await scene.exchange(upgrade('websocket'));
    program.send('HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.rest()).toBe('HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\nContent-Length: 2\r\n\r\nok');
  });

  test('what 101 says for one hop stays there', async () => {
    await open();
    const { client, program } = await scene.exchange(upgrade('websocket'));
    opened.push(client);
    program.send('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade, X-Hop\r\nX-Hop: 1\r\nUpgrade: websocket\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\nhello');
    expect(await client.take('hello')).toBe('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: y\r\n\r\nhello');
  });

  test('not taken by the site: an ordinary request, behind which others may follow, but not one that came before its answer', async () => {
    await open();
    const { client, program } = await scene.exchange(upgrade('h2c'));
    program.send(ok);
    await client.take('ok');
    client.send(upgrade('h2c'));
    await program.take('\r\n\r\n');
    client.send(smuggled);
    await barrier();
    program.send(ok);
    expect(await client.rest()).toContain('Connection: close\r\n');
    expect(program.text).toBe('');
    expect(scene.accepted.length).toBe(1);
  });

  test('not taken by the site: nor is one read that came with the answer under way', async () => {
    await open();
    const { client, program } = await scene.exchange(upgrade('h2c'));
    program.send(ok.slice(0, -1));
    await client.take('o');
    client.send(smuggled);
    await barrier();
    program.send('k');
    expect(await client.rest()).toMatch(/k$/);
    expect(scene.accepted.length).toBe(1);
    expect(program.text).toBe('');
  });

  test.each([['Upgrade', upgrade('websocket')], ['CONNECT', connectTo('a.example:443')]])('a connection to the program that has carried %s carries nothing else', async (_, request) => {
    await open({ allowConnect: true });
    const { client, program } = await scene.exchange(request);
    program.send(ok.replace('200', '404'));
    await client.rest();
    const { client: next } = await scene.exchange(get);
    opened.push(next);
    expect(await program.rest()).toBe('');
    expect(scene.accepted.length).toBe(2);
  });
});

describe('CONNECT', () => {
  test('is refused unless the site allows it, and nothing more is read', async () => {
    await open();
    const client = scene.client();
    client.send(`${connectTo('a.example:443')}${smuggled}`);
    expect((await client.rest()).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 501']);
    expect(scene.leases).toEqual([]);
    expect(scene.accepted.length).toBe(0);
  });

  test('for a name that no site has is 404', async () => {
    await open({ allowConnect: true });
    const client = scene.client();
    client.send(connectTo('elsewhere.example:443'));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each(['a.example:443', 'A.example:22'])('to %s is the program\'s: a tunnel when it says so, whatever it says of a body', async (target) => {
    await open({ allowConnect: true });
    const { client, program, head } = await scene.exchange(`${connectTo(target)}early`);
    expect(head).toMatch(new RegExp(`^CONNECT ${target} HTTP/1\\.1\\r\\nHost: ${target}\\r\\nX-Forwarded-For: `));
    program.send('HTTP/1.1 200 Established\r\nContent-Length: 5\r\nX: y\r\n\r\nhello');
    expect(await client.take('hello')).toBe('HTTP/1.1 200 Established\r\nX: y\r\n\r\nhello');
    expect(await program.take('early')).toBe('early');
    client.socket.end(smuggled);
    expect(await program.rest()).toBe(smuggled);
    program.socket.end('bye');
    expect(await client.rest()).toBe('bye');
    await Promise.all([client.gone(), program.gone()]);
  });

  test('declined: the answer is whole and the last', async () => {
    await open({ allowConnect: true });
    const { client, program } = await scene.exchange(`${connectTo('a.example:443')}${smuggled}`);
    program.send(ok.replace('200 OK', '403 Forbidden'));
    const answer = await client.rest();
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 403']);
    expect(answer).toContain('Connection: close\r\n');
    expect(program.text).toBe('');
    expect(scene.accepted.length).toBe(1);
  });

  test('is a tunnel for nothing but 2xx', async () => {
    await open({ allowConnect: true, upgrades: ['websocket'] });
    const { client, program } = await scene.exchange(`CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n${smuggled}`);
    program.send(switched('websocket'));
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 502 /);
    expect(program.text).toBe('');
  });
});

describe('a site that is a proxy', () => {
  const credentials = 'Proxy-Authorization: Basic eDp5\r\n';
  const challenge = 'Proxy-Authenticate: Basic realm="x"\r\nProxy-Authentication-Info: nextnonce="1"\r\n';
  const whole = 'GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n';
  const origin = 'GET /x HTTP/1.1\r\nHost: a.example\r\n';
  const tunnel = connectTo('a.example:443').slice(0, -2);

  test.each([
    ['CONNECT', true, tunnel, tunnel, true],
    ['the whole address', true, whole, whole, true],
    ['the whole address, without a path', true, whole.replace('/x', ''), whole.replace('/x', ''), true],
    ['OPTIONS of a whole address', true, whole.replace('GET', 'OPTIONS').replace('/x', ''), whole.replace('GET', 'OPTIONS').replace('/x', ''), true],
    ['as any other server', true, origin, origin, false],
    ['the whole address, where it is no proxy', false, whole, origin, false],
  ])('is asked with %s (AllowConnect=%s)', async (_, allowConnect, asked, arrives, knows) => {
    await open({ allowConnect });
    const { client, program, head } = await scene.exchange(`${asked}${credentials}Proxy-Connection: keep-alive\r\n\r\n`);
    expect(head.slice(0, head.indexOf('X-Forwarded-For'))).toBe(`${arrives}${knows ? credentials : ''}`);
    program.send(`HTTP/1.1 407 Proxy Authentication Required\r\n${challenge}Proxy-Connection: close\r\nContent-Length: 2\r\n\r\nok`);
    expect((await client.take('ok')).replace('Connection: close\r\n', '')).toBe(`HTTP/1.1 407 Proxy Authentication Required\r\n${knows ? challenge : ''}Content-Length: 2\r\n\r\nok`);
    opened.push(client);
  });

  test('gets no credentials that are named as the last hop\'s', async () => {
    await open({ allowConnect: true });
    const { client, head } = await scene.exchange(`${tunnel}${credentials}Connection: Proxy-Authorization\r\n\r\n`);
    opened.push(client);
    expect(head).not.toContain('Basic');
  });

  test('asked as any other server on the same connection is not told who asked before', async () => {
    await open({ allowConnect: true });
    const { client, program } = await scene.exchange(`${whole}${credentials}\r\n`);
    opened.push(client);
    program.send(ok);
    await client.take('ok');
    client.send(`${origin}${credentials}\r\n`);
    expect(await program.take('\r\n\r\n')).not.toContain('Basic');
    program.send(ok.replace('\r\n', `\r\n${challenge}`));
    expect(await client.take('ok')).not.toContain('Proxy-');
  });

  test('says more when the tunnel is there', async () => {
    await open({ allowConnect: true });
    const { client, program } = await scene.exchange(`${tunnel}${credentials}\r\n`);
    opened.push(client);
    program.send(`HTTP/1.1 200 OK\r\n${challenge}\r\nhello`);
    expect(await client.take('hello')).toBe(`HTTP/1.1 200 OK\r\n${challenge}\r\nhello`);
  });
});

async function barrier(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => { setImmediate(resolve); });
}
