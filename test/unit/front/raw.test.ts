/** A relayed site's own socket: bytes both ways, on real sockets. */
import { afterEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { BackoffError } from '../../../src/control/backend.ts';
import { silentMs } from '../../../src/base/limits.ts';
import { get, ok, Scene, Wire } from './scene.ts';

let scene: Scene;
const opened: Wire[] = [];
afterEach(async () => {
  for (const { socket } of opened.splice(0)) socket.destroy();
  await scene.close();
});

async function open(patienceMs: number | null = 60_000): Promise<Scene> {
  scene = await Scene.open();
  scene.patienceMs = patienceMs;
  return scene;
}

async function pair(): Promise<{ client: Wire; program: Wire }> {
  const client = scene.raw();
  const program = await scene.program();
  opened.push(client, program);
  return { client, program };
}

async function barrier(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => { setImmediate(resolve); });
}

describe('bytes', () => {
  test('pass both ways as they come, also where the program speaks first', async () => {
    await open();
    const { client, program } = await pair();
    program.send('220 ready\r\n');
    expect(await client.take('\n')).toBe('220 ready\r\n');
    client.send('\x00\xFFGET / HTTP/1.1\nHost: \n');
    await program.take('\x00\xFFGET / HTTP/1.1\nHost: \n');
  });

  test('each direction ends by itself, and the end of both is the end', async () => {
    await open();
    const { client, program } = await pair();
    client.send('all');
    client.socket.end();
    expect(await program.rest()).toBe('all');
    program.send('answer');
    await client.take('answer');
    program.socket.end();
    expect(await client.rest()).toBe('');
    await Promise.all([client.gone(), program.gone()]);
    expect(client.error).toBeNull();
  });

  test('the program ends first: the client may go on', async () => {
    await open();
    const { client, program } = await pair();
    program.socket.end('bye');
    expect(await client.rest()).toBe('bye');
    client.send('more');
    await program.take('more');
    client.socket.end();
    await program.rest();
    await Promise.all([client.gone(), program.gone()]);
  });

  test('what the program sent before it closed arrives, however slowly it is taken', async () => {
    await open();
    const { client, program } = await pair();
    client.socket.pause();
    client.socket.end('question');
    await program.take('question');
    const size = 24 * 1024 * 1024;
    program.socket.end(Buffer.alloc(size, 'x'));
    await barrier();
    client.socket.resume();
    expect((await client.rest()).length).toBe(size);
    expect(client.error).toBeNull();
  });

  test('a side that does not read holds the other back', async () => {
    const size = 48 * 1024 * 1024;
    await open();
    const { client, program } = await pair();
    for (const [from, to] of [[client, program], [program, client]] as const) {
      to.socket.pause();
      let written = false;
      from.socket.write(Buffer.alloc(size, 'x'), () => { written = true; });
      await barrier();
      expect(written).toBe(false);
      to.socket.resume();
      expect((await to.takeBytes(size)).length).toBe(size);
    }
  });

  test('however they are cut, what arrives is the same', async () => {
    await open();
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 })), fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 })), async (there, back) => {
      const { client, program } = await pair();
      for (const bytes of there) client.send(Buffer.from(bytes));
      client.socket.end();
      for (const bytes of back) program.send(Buffer.from(bytes));
      program.socket.end();
      expect(await program.rest()).toBe(Buffer.concat(there).toString('latin1'));
      expect(await client.rest()).toBe(Buffer.concat(back).toString('latin1'));
    }), { numRuns: 30 });
  });
});

describe('what goes wrong', () => {
  test('the program resets: so is the client, half an answer does not look like a whole one', async () => {
    await open();
    const { client, program } = await pair();
    program.send('half');
    await client.take('half');
    program.socket.resetAndDestroy();
    await client.gone();
    expect(client.error?.code).toBe('ECONNRESET');
  });

  test('the program resets: a client of a UNIX socket, which knows no reset, is closed', async () => {
    await open();
    const client = await scene.unix();
    opened.push(client);
    const program = await scene.program();
    program.send('half');
    await client.take('half');
    program.socket.resetAndDestroy();
    expect(await client.rest()).toBe('');
  });

  test('the client resets: so is the program told, and nothing is left', async () => {
    await open();
    const { client, program } = await pair();
    client.send('half');
    await program.take('half');
    client.socket.resetAndDestroy();
    await program.rest();
    await scene.noneLeft();
    expect(scene.connections).toBe(0);
  });

  test('a client that gives up while the site wakes asks for nothing any more', async () => {
    await open();
    let grant!: () => void;
    const asked = new Promise<void>((resolve) => {
      scene.beforeLease = () => { resolve(); return new Promise((done) => { grant = done; }); };
    });
    const client = scene.raw();
    client.send('hello');
    await asked;
    // Reset before the first read, it would look like an end (libuv): then it is seen to be gone by the answer.
    await barrier();
    client.socket.resetAndDestroy();
    while (scene.connections > 0) await barrier();
    grant();
    await barrier();
    expect(scene.accepted.length).toBe(0);
    expect(scene.leases.every(({ released }) => released)).toBe(true);
  });

  test('a site that failed: the client is let go', async () => {
    await open();
    scene.beforeLease = () => { throw new BackoffError('a failed', 5_000); };
    const client = scene.raw();
    client.send('hello');
    await client.gone();
    expect(client.text).toBe('');
  });

  test('a client that holds a connection which the program has ended is cut off', async () => {
    await open();
    const { client, program } = await pair();
    program.socket.end('bye');
    await client.rest();
    scene.sweep.pass(performance.now() + 3_600_000);
    await program.gone();
    expect(scene.connections).toBe(0);
  });
});

describe('a program that does not listen yet', () => {
  test('is waited for; nothing of what was sent meanwhile is lost', async () => {
    await open();
    await scene.stopProgram();
    const clients = [scene.raw(), scene.raw(), scene.raw()];
    opened.push(...clients);
    for (const client of clients) client.send('hello!');
    const web = scene.client();
    opened.push(web);
    web.send('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nbody!');
    await barrier();
    await scene.startProgram();
    const programs = [await scene.program(), await scene.program(), await scene.program(), await scene.program()];
    opened.push(...programs);
    const said = await Promise.all(programs.map((program) => program.take('!')));
    expect(said.map((text) => text.slice(-5)).toSorted()).toEqual(['body!', 'ello!', 'ello!', 'ello!']);
    (programs.find((program) => said[programs.indexOf(program)]?.endsWith('body!')) as Wire).send(ok);
    await web.take('ok');
    // No probe: as many connections as clients.
    expect(scene.accepted.length).toBe(4);
  });

  test('for no longer than TimeoutStartSec=', async () => {
    await open(20);
    await scene.stopProgram();
    const client = scene.raw();
    await client.gone();
    const web = scene.client();
    web.send(get);
    expect(await web.rest()).toMatch(/^HTTP\/1\.1 503 .*Retry-After: 5\r\n.*ECONNREFUSED/s);
    await scene.startProgram();
  });

  test('and may have to be started anew: with its lease gone another is taken', async () => {
    await open();
    await scene.stopProgram();
    const client = scene.raw();
    opened.push(client);
    client.send('hello');
    while (scene.leases.length < 1) await barrier();
    scene.leases[0]?.end('revoked');
    while (scene.leases.length < 2) await barrier();
    await scene.startProgram();
    const program = await scene.program();
    await program.take('hello');
    expect(scene.accepted.length).toBe(1);
  });
});

describe('use of the site', () => {
  test.each([['lost', 2], ['revoked', 1]] as const)('of whom the program serves: with its lease %s, %i are taken in all', async (how, count) => {
    await open();
    const { client, program } = await pair();
    client.send('x');
    await program.take('x');
    scene.leases[0]?.end(how);
    await barrier();
    expect(scene.leases.length).toBe(count);
    client.send('still there');
    await program.take('still there');
    const second = await pair();
    second.client.send('b');
    await second.program.take('b');
    expect(scene.leases.length).toBe(2);
  });

  test('is one lease for all connections; the silent ones do not count, and count again when they speak', async () => {
    await open();
    const { client, program } = await pair();
    const second = await pair();
    client.send('a');
    await program.take('a');
    expect(scene.leases.length).toBe(1);
    // Silent, and the pool's own time on top.
    scene.sweep.pass(performance.now() + silentMs + 1);
    expect(scene.leases[0]?.released).toBe(false);
    scene.sweep.pass(performance.now() + 3 * silentMs);
    expect(scene.leases[0]?.released).toBe(true);
    expect(scene.connections).toBe(2);
    program.send('b');
    await client.take('b');
    while (scene.leases.length < 2) await barrier();
    expect(scene.leases[1]?.released).toBe(false);
    second.client.send('c');
    await second.program.take('c');
    expect(scene.leases.length).toBe(2);
  });
});
