// A Node server as people write it, and the one line more that sd_listen_fds(3) takes.
const { createServer } = require('node:http');

const server = createServer((_request, response) => response.end('ok\n'));
server.listen(process.env.LISTEN_FDS ? { fd: 3 } : 8080);
// Without it Node, which catches SIGTERM itself and then raises it again, survives as process 1 until it is killed.
process.once('SIGTERM', () => process.exit());
