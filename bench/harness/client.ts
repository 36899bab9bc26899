/**
 * The client: a process of its own with its own clock, so that nothing the harness does is in its way.
 * Reads `{"port"}` a line, connects, asks, and answers `{"firstByteMs"}` or `{"error"}` a line when the connection has closed.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const timeoutMs = 20_000;
// HTTP/1.0: the server closes, and so the program is done with us when we say that we are.
const request = 'GET / HTTP/1.0\r\nHost: bench\r\n\r\n';

function ask(port: number, answer: (line: object) => void): void {
  const startNs = process.hrtime.bigint();
  let firstByteMs: number | null = null;
  let error = 'closed without an answer';
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(request));
  socket.once('data', (data) => {
    const endNs = process.hrtime.bigint();
    if (data.toString('latin1', 0, 5) === 'HTTP/') firstByteMs = Number(endNs - startNs) / 1e6;
    else error = 'answered something else';
  });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  socket.once('error', ({ message }) => { error = message; });
  socket.once('close', () => answer(firstByteMs === null ? { error } : { firstByteMs }));
  socket.resume();
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { port } = JSON.parse(line) as { port: number };
  ask(port, (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
});
