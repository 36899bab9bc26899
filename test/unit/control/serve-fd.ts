/** Serves the control socket that it inherited as descriptor 3, and closes it at the end of standard input. */
import { serveControl } from '../../../src/control/server.ts';
import { FakeBackend } from './fake-backend.ts';

void serveControl({ socket: 'control', listen: { fd: 3 }, backend: new FakeBackend() }).then((server) => {
  process.stdin.resume().once('end', () => void server.close());
});
