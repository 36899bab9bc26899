// Clients of the front door, many at once, in one process. `front-load.mjs JSON`: what is to be done. Prints what became of it as one line of JSON.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { what, port = 80, hosts = [], clients = 1, each = 1, body = 0 } = JSON.parse(process.argv[2]);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const count = (counts, key) => { counts[key] = (counts[key] ?? 0) + 1; };

function ask(agent, host, method) {
  return new Promise((resolve) => {
    const sent = request({ port, host: '127.0.0.1', method, path: '/', agent, headers: { Host: host }, timeout: 30_000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode)).on('error', (error) => resolve(error.code ?? error.message));
    });
    sent.on('timeout', () => sent.destroy(new Error('hangs'))).on('error', (error) => resolve(error.code ?? error.message));
    sent.end(method === 'POST' ? Buffer.alloc(body, 'x') : undefined);
  });
}

/** `clients` at once ask `each` times, every third time with a body, until a line comes if `each` is 0. */
async function load() {
  let over = false;
  createInterface({ input: process.stdin }).once('line', () => { over = true; });
  const statuses = {};
  let began = false;
  const agents = Array.from({ length: clients }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  await Promise.all(agents.map(async (agent, client) => {
    for (let i = 0; each === 0 ? !over : i < each; i++) {
      count(statuses, await ask(agent, hosts[(client + i) % hosts.length], body > 0 && i % 3 === 0 ? 'POST' : 'GET'));
      if (!began) say({ began: (began = true) });
    }
    agent.destroy();
  }));
  say({ statuses });
  process.exit();
}

function answered(socket) {
  return new Promise((resolve) => {
    const closed = () => resolve('closed');
    if (socket.closed) return closed();
    socket.once('close', closed);
    socket.once('data', (chunk) => {
      socket.off('close', closed);
      resolve(chunk.toString('latin1', 9, 12));
    });
    socket.write(`GET / HTTP/1.1\r\nHost: ${hosts[0]}\r\n\r\n`);
  });
}

async function round(some) {
  const statuses = {};
  for (let from = 0; from < some.length; from += 200) for (const status of await Promise.all(some.slice(from, from + 200).map(answered))) count(statuses, status);
  say({ statuses });
}

/** So many connections that have each been answered once; each line on standard input has them all ask again. */
async function idle() {
  const sockets = [];
  for (let i = 0; i < clients; i++) sockets.push(connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await round(sockets);
  for await (const _ of createInterface({ input: process.stdin })) await round(sockets);
  process.exit();
}

/** So many that never end their heads; says when all are connected, and what became of them. */
async function slow() {
  const statuses = {};
  let connected = 0;
  await Promise.all(Array.from({ length: clients }, () => new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.write('GET / HTTP/1.1\r\nHost: ');
      if (++connected === clients) say({ connected });
    });
    socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
    socket.on('error', (error) => { text ||= `         ${error.code}`; });
    socket.on('close', () => { count(statuses, text.slice(9, 12)); resolve(); });
  })));
  say({ statuses });
}

await { load, idle, slow }[what]();
