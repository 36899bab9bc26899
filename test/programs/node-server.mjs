// An ordinary Node server, as anybody writes it: non-blocking, all addresses.
import { createServer } from 'node:net';

createServer((connection) => {
  connection.on('data', (data) => {
    const said = String(data).trimEnd();
    connection.write(`${JSON.stringify({ said, peer: [connection.remoteAddress, connection.remotePort], pid: process.pid, start: String(performance.timeOrigin), result: null })}\n`);
  });
  connection.on('error', () => {});
}).listen(Number(process.argv[2]));
process.on('SIGTERM', () => process.exit(0));
