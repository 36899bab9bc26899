// The first server of every book: no handler for any signal.
import { createServer } from 'node:http';

createServer((_, response) => response.end('{}')).listen(3000);
