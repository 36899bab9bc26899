/** Who is believed, and how many connections who may have. */
import { afterEach, describe, expect, test } from 'vitest';
import { Peers, type PeersOptions } from '../../../src/front/peers.ts';
import { parseNoWake } from '../../../src/site/front-keys.ts';
import { parseIpPrefixes } from '../../../src/unitfile/ip-prefix.ts';
import { proxyHeader } from './proxy-protocol.test.ts';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene | undefined;
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene?.close();
  scene = undefined;
});

async function open(peers: PeersOptions, idleMax?: number): Promise<Scene> {
  return (scene = await Scene.open(undefined, peers, idleMax));
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => { setImmediate(resolve); });
}

const local = parseIpPrefixes('127.0.0.0/8');
const from = (a: number, b: number, c: number, d: number) => proxyHeader(0x21, 0x11, Buffer.from([a, b, c, d, 127, 0, 0, 1, 1, 1, 0, 80]));
const request = (...fields: readonly string[]) => `GET / HTTP/1.1\r\nHost: a.example\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
/** Only the lines about the client. */
const told = (head: string) => head.split('\r\n').filter((line) => /^(?:x.forwarded|forwarded|x.real)/i.test(line));

describe('what a trusted peer says of the client', () => {
  test.each([
    ['nothing', [], ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: a.example', 'Forwarded: for=127.0.0.1;host="a.example";proto=http']],
    ['X-Forwarded-*', ['X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 192.0.2.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: b.example'],
      ['X-Real-IP: 192.0.2.1', 'X-Forwarded-For: 192.0.2.1, 127.0.0.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: b.example']],
    ['X-Forwarded-For in two lines', ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2'],
      ['X-Forwarded-For: 192.0.2.1, 192.0.2.2, 127.0.0.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: a.example']],
    ['Forwarded', ['Forwarded: for=192.0.2.1;proto=https'],
      ['X-Forwarded-Proto: http', 'X-Forwarded-Host: a.example', 'Forwarded: for=192.0.2.1;proto=https, for=127.0.0.1;host="a.example";proto=http']],
    ['what the client smuggled past it', ['X_Forwarded_For: 6.6.6.6', 'X-Real_IP: 6.6.6.6', 'X-Forwarded-For: 192.0.2.1'],
      ['X-Forwarded-For: 192.0.2.1, 127.0.0.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: a.example']],
  ])('%s', async (_, fields, expected) => {
    const { head, client } = await (await open({ trusted: local })).exchange(request(...fields));
    opened.push(client);
    expect(told(head)).toEqual(expected);
  });

  test('an address of any length is told to the activator as one that it takes', async () => {
    const { client } = await (await open({ trusted: local })).exchange(request(`X-Forwarded-For: fe80::1%${'x'.repeat(500)}`));
    opened.push(client);
    expect(scene?.causes[0]?.client).toHaveLength(256);
  });

  test('of another is removed', async () => {
    const { head, client } = await (await open({ trusted: parseIpPrefixes('10.0.0.0/8') })).exchange(request('X-Forwarded-For: 192.0.2.1', 'X-Real-IP: 1.1.1.1'));
    opened.push(client);
    expect(told(head)).toContain('X-Forwarded-For: 127.0.0.1');
    expect(told(head)).toHaveLength(4);
  });
});

describe('who asks, of a request that trusted peers have passed on', () => {
  const trusted = parseIpPrefixes('127.0.0.0/8 10.0.0.0/8 2001:db8:1::/48');
  test.each([
    ['nobody else', [], '127.0.0.1'],
    ['one', ['X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
    ['what the client itself said of others', ['X-Forwarded-For: 6.6.6.6, 192.0.2.1'], '192.0.2.1'],
    ['in two lines', ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
    ['behind other proxies that are trusted', ['X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.2, ::ffff:10.0.0.1'], '192.0.2.1'],
    ['one of the trusted itself', ['X-Forwarded-For: 10.0.0.2'], '10.0.0.2'],
    ['with a port', ['X-Forwarded-For: 192.0.2.1:4711'], '192.0.2.1'],
    ['IPv6', ['X-Forwarded-For: 2001:DB8::1'], '2001:db8::1'],
    ['IPv6 with a port', ['X-Forwarded-For: [2001:db8::1]:4711'], '2001:db8::1'],
    ['unknown', ['X-Forwarded-For: 6.6.6.6, unknown'], '127.0.0.1'],
    ['unknown to a proxy further away', ['X-Forwarded-For: 6.6.6.6, _hidden, 10.0.0.1'], '10.0.0.1'],
    ['no address', ['X-Forwarded-For: 999.0.2.1'], '127.0.0.1'],
    ['nothing', ['X-Forwarded-For:'], '127.0.0.1'],
    ['Forwarded', ['Forwarded: for=6.6.6.6, For="192.0.2.1:80";proto=https;by=10.0.0.9'], '192.0.2.1'],
    ['Forwarded, IPv6', ['Forwarded: proto=http;for="[2001:db8::1]:80", for="[2001:db8:1::2]"'], '2001:db8::1'],
    ['Forwarded, with a comma in quotes', ['Forwarded: for=192.0.2.1;host="a,for=6.6.6.6"'], '192.0.2.1'],
    ['Forwarded that says nothing of it', ['Forwarded: for=6.6.6.6, proto=https'], '127.0.0.1'],
    ['both, of which the first counts', ['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=6.6.6.6'], '192.0.2.1'],
  ])('%s', async (_, fields, client) => {
    const front = await open({ trusted });
    const exchange = await front.exchange(request(...fields));
    opened.push(exchange.client);
    expect(front.causes.map((cause) => cause?.client)).toEqual([client]);
  });

  test('is who is meant by `client:` of NoWake=', async () => {
    const front = await open({ trusted });
    front.keys = { noWake: [parseNoWake('client:192.0.2.0/24 status:403'), parseNoWake('client:127.0.0.1 status:410')] };
    const asked = async (...fields: readonly string[]): Promise<string> => {
      const client = front.client();
      client.send(request(...fields));
      return (await client.rest()).slice(0, 12);
    };
    expect(await asked('X-Forwarded-For: 192.0.2.1')).toBe('HTTP/1.1 403');
    expect(await asked()).toBe('HTTP/1.1 410');
    await front.exchange(request('X-Forwarded-For: 203.0.113.1'));
  });

  test('who is not trusted says nothing of it; who says it in a PROXY header does', async () => {
    const front = await open({ proxies: local, trusted: parseIpPrefixes('192.0.2.8') });
    const cases = [[7, '192.0.2.7'], [8, '203.0.113.1']] as const;
    for (const [last] of cases) {
      front.leases.at(-1)?.end('revoked');
      await new Promise((resolve) => { setImmediate(resolve); });
      opened.push((await front.exchange(Buffer.concat([from(192, 0, 2, last), Buffer.from(request('X-Forwarded-For: 203.0.113.1'))]).toString('latin1'))).client);
    }
    expect(front.causes.map((cause) => cause?.client)).toEqual(cases.map(([, client]) => client));
  });
});

describe('PROXY protocol', () => {
  test('names the client, however the bytes are cut', async () => {
    await open({ proxies: local });
    const bytes = Buffer.concat([from(192, 0, 2, 7), Buffer.from(get)]);
    for (const cut of [1, 12, 16, 27, 28, 29]) {
      const client = scene?.client() as Wire;
      opened.push(client);
      client.send(bytes.subarray(0, cut));
      await new Promise((resolve) => { setImmediate(resolve); });
      client.send(bytes.subarray(cut));
      const program = await scene?.program() as Wire;
      expect(told(await program.take('\r\n\r\n'))).toContain('X-Forwarded-For: 192.0.2.7');
      // Its connection serves no other: the next one is another client's.
      program.send(ok);
      program.socket.end();
      await client.take('ok');
    }
  });

  test('of a client that is itself trusted, whose word counts', async () => {
    await open({ proxies: local, trusted: parseIpPrefixes('192.0.2.7') });
    const { head, client } = await (scene as Scene).exchange(Buffer.concat([from(192, 0, 2, 7), Buffer.from(request('X-Forwarded-For: 203.0.113.1'))]).toString('latin1'));
    opened.push(client);
    expect(told(head)).toContain('X-Forwarded-For: 203.0.113.1, 192.0.2.7');
  });

  test('missing, or of somebody who is not to send one: nothing reaches the program', async () => {
    await open({ proxies: local });
    const bare = scene?.client() as Wire;
    bare.send(get);
    expect(await bare.rest()).toBe('');
    bare.socket.destroy();
    await scene?.close();
    await open({});
    const foreign = scene?.client() as Wire;
    foreign.send(Buffer.concat([from(192, 0, 2, 7), Buffer.from(get)]));
    expect(await foreign.rest()).toMatch(/^HTTP\/1\.1 400 /);
    expect(scene?.accepted.length).toBe(0);
  });

  test('that does not come is not waited for', async () => {
    await open({ proxies: local });
    const client = scene?.client() as Wire;
    client.send(from(192, 0, 2, 7).subarray(0, 10));
    await until(() => scene?.connections === 1);
    scene?.sweep.pass(performance.now() + 10_001);
    expect(await client.rest()).toBe('');
  });
});

describe('limits', () => {
  test('of connections of one client, which others do not feel; with one closed the next is served', async () => {
    scene = await Scene.open((wire) => {
      void (async () => {
        for (;;) {
          await wire.take('\r\n\r\n');
          wire.send(ok);
        }
      })().catch(() => {});
    }, { proxies: local, perClientMax: 2 });
    const come = async (host: number): Promise<Wire> => {
      const client = scene?.client() as Wire;
      opened.push(client);
      client.send(Buffer.concat([from(192, 0, 2, host), Buffer.from(get)]));
      return client;
    };
    const [first, second] = [await come(1), await come(1)];
    await Promise.all([first.take('ok'), second.take('ok')]);
    expect(await (await come(1)).rest()).toBe('');
    await (await come(2)).take('ok');
    first.socket.destroy();
    // The third is gone, too, as far as the front door is concerned.
    await until(() => scene?.connections === 2);
    await (await come(1)).take('ok');
  });

  test('of idle connections: the oldest is closed, one in use is not', async () => {
    await open({}, 2);
    const { client: busy } = await (scene as Scene).exchange(get);
    const idle: Wire[] = [];
    for (let i = 0; i < 3; i++) {
      const { client, program } = await (scene as Scene).exchange(get);
      program.send(ok);
      await client.take('ok');
      // Not the next one's.
      program.socket.destroy();
      await program.gone();
      idle.push(client);
    }
    opened.push(busy, ...idle);
    expect(await (idle[0] as Wire).rest()).toBe('');
    expect([busy, idle[1], idle[2]].map((wire) => wire?.ended)).toEqual([false, false, false]);
  });

  test('count an IPv6 network as one, and neither proxies nor this machine', () => {
    const peers = new Peers({ trusted: parseIpPrefixes('10.0.0.0/8'), proxies: parseIpPrefixes('2001:db8:ffff::/48'), perClientMax: 1 });
    expect(peers.enter('2001:db8::1')).toBe(true);
    expect(peers.enter('2001:db8:0:0:ffff::2')).toBe(false);
    expect(peers.enter('2001:db8:0:1::1')).toBe(true);
    peers.leave('2001:db8::1');
    expect(peers.enter('2001:db8::3')).toBe(true);
    for (const address of ['10.1.1.1', '127.0.0.1', '::1', '2001:db8:ffff::1', 'unknown']) {
      expect([peers.enter(address), peers.enter(address)]).toEqual([true, true]);
    }
    expect([peers.enter('192.0.2.1'), peers.enter('192.0.2.1')]).toEqual([true, false]);
  });
});
