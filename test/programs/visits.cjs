// Counts its visitors in a file.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');

const path = '/var/lib/visits/count';
require('node:http').createServer((request, response) => {
  const visits = (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0) + 1;
  writeFileSync(path, String(visits));
  response.setHeader('Content-Type', 'text/plain').end(`visit ${visits} of ${request.socket.remoteAddress}\n`);
}).listen(3000, '0.0.0.0');
