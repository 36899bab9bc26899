/** PHP-FPM with `pm = ondemand`: a worker is forked off the manager for the first request. No container, and FastCGI, not HTTP. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { LineProcess } from '../harness/line-process.ts';
import type { Subject } from '../types.ts';
import { programOf, versionOf } from './packages.ts';

const [beginRequest, params, stdin, stdout] = [1, 4, 5, 6] as const;
/** `ondemand` ends a worker that was idle for the time it is told; a worker that is killed is replaced at once. */
const gone = /child \d+ (?:has been killed by the process management|exited)/;
const candidates = ['php-fpm', 'php-fpm8.4', 'php-fpm8.3', 'php-fpm8.2'];
let pools = 0;

export const phpFpm: Subject = {
  name: 'PHP-FPM, ondemand',
  own: { program: 'php', beside: 'python' },
  versions: () => ({ 'php-fpm': versionOf(programOf('php-fpm', ...candidates)) }),
  async start(_, bench) {
    const php = programOf('php-fpm', ...candidates);
    const directory = `${bench.directory}/php-${pools += 1}`;
    mkdirSync(directory, { recursive: true });
    const port = bench.nextPort();
    const script = `${directory}/index.php`;
    writeFileSync(script, '<?php echo "ok\\n";');
    writeFileSync(`${directory}/fpm.conf`, [
      '[global]', `error_log = ${directory}/log`, 'log_level = debug', 'daemonize = no',
      '[www]', 'user = www-data', 'group = www-data', `listen = 127.0.0.1:${port}`, 'pm = ondemand', 'pm.max_children = 4', 'pm.process_idle_timeout = 1s', '',
    ].join('\n'));
    const process = new LineProcess(php, ['--no-php-ini', '--force-stderr', '--fpm-config', `${directory}/fpm.conf`], { stderr: 'lines' });
    await process.lineWith(/ready to handle connections/);
    return {
      port,
      speech: { request: fastCgiRequest(script).toString('base64'), answer: Buffer.from([1, stdout]).toString('base64') },
      note: 'PHP-FPM: its own PHP script, a process without a container, asked by FastCGI; the manager stays.',
      async sleep() {
        await process.lineWith(gone);
        return {};
      },
      async stop() {
        await process.kill('SIGTERM');
        rmSync(directory, { recursive: true });
      },
    };
  },
};

/** FastCGI specification 1.0, sections 3.3 and 6.2. */
function fastCgiRequest(script: string): Buffer {
  const responder = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]);
  const pairs = Object.entries({ SCRIPT_FILENAME: script, SCRIPT_NAME: '/index.php', REQUEST_METHOD: 'GET', SERVER_PROTOCOL: 'HTTP/1.0' })
    .flatMap(([name, value]) => [Buffer.from([name.length, value.length]), Buffer.from(name + value)]);
  return Buffer.concat([record(beginRequest, responder), record(params, Buffer.concat(pairs)), record(params), record(stdin)]);
}

function record(type: number, content = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]), content]);
}
