// churn-server.mjs PORT|fds: what churn_server.py does with `drains`, as a Node program: non-blocking, on every IPv6 address.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

// Short as of most programs, or longer than a killed activator is away.
const drainMsMax = Math.random() < 0.75 ? 150 : 800;
const pattern = Buffer.alloc(256 * 1025, Uint8Array.from({ length: 256 }, (_, index) => index));
let ending = false;
let serving = 0;
let drained = false;

const server = createServer({ keepAlive: false }, (request, response) => {
  serving += 1;
  response.once('close', () => {
    serving -= 1;
    if (drained && serving === 0) process.exit(0);
  });
  const [, , count, seed] = request.url.split('/').map(Number);
  const received = createHash('sha256');
  request.on('data', (chunk) => received.update(chunk));
  request.on('end', () => {
    const body = request.method === 'POST' ? received.digest('hex') : pattern.subarray(seed, seed + count);
    response.writeHead(200, { 'Content-Length': body.length }).end(body);
  });
});
server.on('connection', (connection) => {
  if (!ending) return;
  console.log('dropped a client');
  connection.destroy();
});
const [address] = process.argv.slice(2);
server.listen(address === 'fds' ? { fd: 3 } : Number(address));

process.on('SIGTERM', () => {
  ending = true;
  setTimeout(() => {
    drained = true;
    if (serving === 0) process.exit(0);
  }, Math.random() * drainMsMax);
});
