// What Node's own sockets cost: bytes pass both ways, nothing is read: node-splice.cjs TARGET PORT
const { connect, createServer } = require('node:net');

const [, , target, port] = process.argv;
const options = { allowHalfOpen: true, noDelay: true };

function pass(from, to) {
  from.on('data', (bytes) => { if (!to.write(bytes)) from.pause(); });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => {});
  from.on('close', () => to.destroy());
}

createServer(options, (client) => {
  const program = connect({ ...options, port: Number(target), host: '127.0.0.1' });
  pass(client, program);
  pass(program, client);
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
