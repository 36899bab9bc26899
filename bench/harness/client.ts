/**
 * The client: a process of its own with its own clock, so that nothing the harness does is in its way.
 * Reads `{"port","host"}` a line, connects, asks, and answers `{"firstByteMs"}` or `{"error"}` a line when the connection has closed.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const timeoutMs = 20_000;

function ask(port: number, host: string, answer: (line: object) => void): void {
  const startNs = process.hrtime.bigint();
  let firstByteMs: number | null = null;
  let error = 'closed without an answer';
  const socket = connect({ host: '127.0.0.1', port }, () => {
    // HTTP/1.0: the server closes, and so the program is done with us when we say that we are.
    socket.write(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  });
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
  const { port, host } = JSON.parse(line) as { port: number; host: string };
  ask(port, host, (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
});
