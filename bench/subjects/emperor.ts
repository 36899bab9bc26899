/** uWSGI's Emperor with an on-demand vassal: a process of a Python application, no container. It waits on the sockets itself. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { LineProcess } from '../harness/line-process.ts';
import { type Subject, Unavailable } from '../types.ts';
import { programOf, versionOf } from './packages.ts';

const asleep = /waiting for connections on socket/;
let emperors = 0;

export const emperor: Subject = {
  name: 'uWSGI Emperor, on demand',
  own: { program: 'wsgi', beside: 'python' },
  versions: () => ({ uwsgi: versionOf('uwsgi') }),
  async start(_, bench) {
    const uwsgi = programOf('uwsgi-core', 'uwsgi', 'uwsgi-core');
    const directory = `${bench.directory}/emperor-${emperors += 1}`;
    const vassals = `${directory}/vassals`;
    mkdirSync(vassals, { recursive: true });
    const port = bench.nextPort();
    writeFileSync(`${directory}/app.py`, 'def application(environ, start_response):\n    start_response("200 OK", [("Content-Length", "3")])\n    return [b"ok\\n"]\n');
    writeFileSync(`${vassals}/app.ini`, `[uwsgi]\nplugins = python3\nprotocol = http\nchdir = ${directory}\nwsgi-file = app.py\nlisten = 100\ndisable-logging = true\n`);
    writeFileSync(`${vassals}/app.ini.socket`, `127.0.0.1:${port}\n`);
    const process = new LineProcess(uwsgi, ['--emperor', vassals, '--emperor-on-demand-extension', '.socket', '--emperor-freq', '1', '--die-on-term'], { stderr: 'lines' });
    try {
      await process.lineWith(asleep);
    } catch (error) {
      throw new Unavailable(`uWSGI: ${(error as Error).message}: apt-get install uwsgi-emperor uwsgi-plugin-python3`);
    }
    return {
      port,
      note: 'uWSGI Emperor: its own Python application, a process without a container; the Emperor stays.',
      async sleep() {
        for (const pid of childrenOf(process.pid)) globalThis.process.kill(pid, 'SIGINT');
        await process.lineWith(asleep);
        return {};
      },
      async stop() {
        await process.kill('SIGTERM');
        rmSync(directory, { recursive: true });
      },
    };
  },
};

function childrenOf(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}
