// One request at a time, and so long for each, whatever the machine does besides: its throughput is known before it is measured.
// node paced-server.cjs MILLISECONDS: says its port in a line, ends with its standard input.
const { createServer } = require('node:net');

const serviceMs = Number(process.argv[2]);
let last = Promise.resolve();

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => {
    last = last.then(() => new Promise((resolve) => {
      setTimeout(() => {
        socket.end('HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n');
        resolve();
      }, serviceMs);
    }));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume().on('end', () => process.exit());
