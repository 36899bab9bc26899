import { createServer } from 'node:http';

createServer((request, response) => {
  response.end(`Hello from Node ${process.version}, ${request.socket.remoteAddress}\n`);
}).listen(8001);
