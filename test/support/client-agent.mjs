// Clients inside a box, for test/support/clients.ts: commands as JSON lines on standard input, events likewise on standard output.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const connections = new Map();
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

function address(to) {
  if (to.startsWith('/')) return { path: to };
  const [, host, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(to);
  return { host, port: Number(port) };
}

function open({ id, to, send }) {
  const socket = connect({ ...address(to), allowHalfOpen: true });
  connections.set(id, socket);
  let rest = '';
  let error = null;
  socket.setEncoding('utf8');
  socket.on('connect', () => {
    tell({ id, event: 'connected', local: [socket.localAddress, socket.localPort] });
    if (send !== undefined) socket.write(send);
  });
  socket.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) tell({ id, event: 'line', line });
  });
  socket.on('end', () => socket.end());
  socket.on('error', ({ code }) => { error = code; });
  socket.on('close', () => {
    connections.delete(id);
    tell({ id, event: 'closed', error });
  });
}

createInterface({ input: process.stdin }).on('line', (text) => {
  const command = JSON.parse(text);
  const socket = connections.get(command.id);
  if (command.do === 'open') open(command);
  else if (command.do === 'send') socket?.write(command.send);
  else if (command.do === 'close') socket?.destroy();
}).on('close', () => process.exit(0));
