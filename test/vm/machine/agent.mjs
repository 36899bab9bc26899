// Runs programs in a virtual machine for machine.ts beside this file: commands as JSON lines come through a virtio port, what happens goes back
// likewise. Its first line is `{"ready":true}`.
import { spawn } from 'node:child_process';
import { createReadStream, openSync, write } from 'node:fs';
import { createInterface } from 'node:readline';

const fd = openSync(process.argv[2], 'r+');
const children = new Map();
const queue = [];

/** One write at a time: the port takes as much as it has room for. */
function flush() {
  const next = queue[0];
  if (next === undefined) return;
  write(fd, next, (error, written) => {
    if (error) process.exit(1);
    if (written < next.length) queue[0] = next.subarray(written);
    else queue.shift();
    flush();
  });
}

function tell(event) {
  queue.push(Buffer.from(`${JSON.stringify(event)}\n`));
  if (queue.length === 1) flush();
}

function start(id, [command, ...args], env) {
  const child = spawn(command, args, { env, cwd: '/', detached: true, stdio: 'pipe' });
  children.set(id, child);
  child.stdout.on('data', (data) => tell({ id, stdout: data.toString('base64') }));
  child.stderr.on('data', (data) => tell({ id, stderr: data.toString('base64') }));
  // A program may end without reading its input.
  child.stdin.on('error', () => undefined);
  child.on('error', ({ message }) => tell({ id, stderr: Buffer.from(`${message}\n`).toString('base64') }));
  child.on('close', (code, signal) => {
    children.delete(id);
    tell({ id, code: code ?? 127, signal });
  });
}

function carryOut({ id, start: command, env, stdin, end, signal }) {
  if (command !== undefined) return start(id, command, env);
  const child = children.get(id);
  if (child === undefined) return undefined;
  if (stdin !== undefined) child.stdin.write(Buffer.from(stdin, 'base64'));
  if (end) child.stdin.end();
  // The program and all of its process group.
  if (signal !== undefined && child.pid !== undefined) process.kill(-child.pid, signal);
  return undefined;
}

createInterface({ input: createReadStream('', { fd, autoClose: false }) }).on('line', (line) => carryOut(JSON.parse(line)));
tell({ ready: true });
