// Runs in the container: says as JSON what it sees and what it may do. argv: path of koffi, then '{"name":number,…}' to call.
const { readFileSync, readlinkSync, readdirSync, writeFileSync } = require('node:fs');
const koffi = require(process.argv[2]);
const calls = JSON.parse(process.argv[3] ?? '{}');

const libc = koffi.load(null);
const syscall = libc.func('int64_t syscall(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)');
const names = Object.fromEntries(Object.entries(require('node:os').constants.errno).map(([name, number]) => [number, name]));
const outcome = (result) => (Number(result) >= 0 ? 'ok' : names[koffi.errno()] ?? `errno ${koffi.errno()}`);
const call = (number, ...args) => outcome(syscall(number, ...args, ...Array.from({ length: 6 - args.length }, () => 0)));
const attempt = (act) => { try { return act(); } catch (error) { return error.code; } };
const write = (path) => attempt(() => { writeFileSync(path, ''); return 'ok'; });

const socket = libc.func('int socket(int, int, int)');
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');
const bind = libc.func('int bind(int, const void *, uint32_t)');
const shutdown = libc.func('int shutdown(int, int)');
const listen = libc.func('int listen(int, int)');
const tcp = socket(2, 1, 0);
const address = Buffer.alloc(16);
address.writeUInt16LE(2, 0);

console.log(JSON.stringify({
  namespaces: Object.fromEntries(['pid', 'mnt', 'ipc', 'uts', 'cgroup', 'net'].map((name) => [name, readlinkSync(`/proc/self/ns/${name}`)])),
  status: Object.fromEntries(readFileSync('/proc/self/status', 'utf8').split('\n').map((line) => line.split(/:\s+/))),
  mounts: readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => ({ target: line.split(' ')[4], options: line.split(' ')[5].split(',') })),
  env: process.env, hostname: require('node:os').hostname(), interfaces: readdirSync('/sys/class/net'), cgroup: readFileSync('/proc/self/cgroup', 'utf8'),
  root: readdirSync('/'), etc: attempt(() => readdirSync('/etc')), descriptors: [3, 4, 5].map((fd) => attempt(() => readlinkSync(`/proc/self/fd/${fd}`))).filter((to) => to === '/dev/zero').length,
  writes: Object.fromEntries((process.env.WRITES ?? '').split(':').filter(Boolean).map((path) => [path, write(path)])),
  reads: Object.fromEntries(['/proc/kcore', '/proc/keys', '/etc/shadow'].map((path) => [path, attempt(() => readFileSync(path).length)])),
  hosts: attempt(() => readFileSync('/etc/hosts', 'utf8')),
  calls: Object.fromEntries(Object.entries(calls).map(([name, number]) => [name, call(number)])),
  options: Object.fromEntries(Array.from({ length: 80 }, (_, option) => [option, setsockopt(tcp, 1, option, Buffer.alloc(16), 16) === 0 ? 'ok' : names[koffi.errno()]])),
  families: { vsock: socket(40, 1, 0) < 0 && names[koffi.errno()], alg: socket(38, 5, 0) < 0 && names[koffi.errno()], inet6: socket(10, 1, 0) >= 0 },
  bindShort: bind(tcp, address, 12) === 0 ? 'ok' : names[koffi.errno()],
  bind: bind(tcp, address, 16) === 0 ? 'ok' : names[koffi.errno()],
  listen: listen(tcp, 5) === 0 ? 'ok' : names[koffi.errno()],
  shutdowns: [0, 1, 2].map((how) => (shutdown(tcp, how) === 0 ? 'ok' : names[koffi.errno()])),
}));
