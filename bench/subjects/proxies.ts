/** Who passes requests on to a back end: us and others, each as one process that uses one processor. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PatientConnect } from '../../src/front/patient-connect.ts';
import { type Bench, type RunOptions, Unavailable } from '../types.ts';
import { versionOf } from './packages.ts';

export const benchHost = 'bench.example';
const startMsMax = 30_000;

export interface Proxy {
  readonly name: string;
  /** Of what is not wakesock's own. Asked only of one that runs. */
  versions?(bench: Bench): Readonly<Record<string, string>>;
  /** @throws {@link Unavailable} */
  start(backend: number, port: number, bench: Bench): Promise<Proxying>;
}

export interface Proxying {
  readonly pid: number;
  /** Nanoseconds of processor time so far, of the process and its children. */
  cpuNs(): number;
  stop(): Promise<void>;
}

export const frontDoor: Proxy = { name: 'wakesock front', start: (backend, port, bench) => listening(port, frontCommand(backend, bench, `--listen=127.0.0.1:${port}`)) };

export const proxies: readonly Proxy[] = [
  frontDoor,
  {
    name: 'wakesock front, relayed socket',
    start: (backend, port, bench) => listening(port, [...socketActivate(port, 'relay=bench'), ...frontCommand(backend, bench, '--exit-idle-time=infinity')]),
  },
  {
    name: 'Node, bytes only',
    versions: () => ({ node: process.versions.node }),
    start: (backend, port, { options: { checkout } }) => listening(port, [process.execPath, `${checkout}/bench/programs/node-splice.cjs`, String(backend), String(port)]),
  },
  {
    name: 'HAProxy, one thread',
    versions: () => ({ haproxy: versionOf('/usr/sbin/haproxy', '-v') }),
    start: (backend, port, bench) => listening(port, [program('/usr/sbin/haproxy'), '-db', '-f', written(bench, 'haproxy.cfg', `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${backend}
`)]),
  },
  { name: 'nginx, one worker', versions: nginxVersion, start: (backend, port, bench) => listening(port, nginxCommand(bench, `proxy-${port}`, `upstream b { server 127.0.0.1:${backend}; keepalive 512; }
  server { listen 127.0.0.1:${port}; keepalive_requests 100000000; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr; } }`)) },
  {
    name: 'systemd-socket-proxyd',
    versions: () => ({ 'systemd-socket-proxyd': versionOf('systemctl') }),
    start: (backend, port) => listening(port, [...socketActivate(port, 'proxy'), program('/usr/lib/systemd/systemd-socket-proxyd'), '--connections-max=4096', `127.0.0.1:${backend}`]),
  },
  {
    name: 'Caddy, GOMAXPROCS=1',
    versions: () => ({ caddy: versionOf('/usr/bin/caddy', 'version') }),
    start: (backend, port, bench) => listening(port, [program('/usr/bin/caddy'), 'run', '--adapter', 'caddyfile', '--config', written(bench, 'Caddyfile', `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${backend} {
    transport http {
      keepalive_idle_conns_per_host 512
    }
  }
}
`)], { GOMAXPROCS: '1', HOME: bench.directory, XDG_DATA_HOME: bench.directory, XDG_CONFIG_HOME: bench.directory }),
  },
  ...['httpxy', 'http-proxy-3', 'http-proxy'].map((name): Proxy => ({
    name,
    versions: ({ options: { checkout } }) => {
      const { version } = JSON.parse(readFileSync(`${checkout}/node_modules/${name}/package.json`, 'utf8')) as { version: string };
      return { [name]: version };
    },
    async start(backend, port, { options: { checkout } }) {
      try {
        createRequire(`${checkout}/package.json`).resolve(name);
      } catch {
        throw new Unavailable(`the package is not installed, and no dependency of ours: npm install --no-save ${name}`);
      }
      return listening(port, [process.execPath, `${checkout}/bench/programs/node-proxy.cjs`, checkout, name, String(backend), String(port)]);
    },
  })),
];

/** The back end of all: 12 bytes, as fast as anything. */
export const backEnd: Proxy = {
  name: 'back end direct',
  versions: nginxVersion,
  start: (_, port, bench) => listening(port, nginxCommand(bench, 'backend', `server { listen 127.0.0.1:${port} backlog=4096; keepalive_requests 100000000; location / { return 200 "Hello world\\n"; } }`)),
};

/** It says so where errors go. */
function nginxVersion(): Record<string, string> {
  return { nginx: versionOf('sh', '-c', '/usr/sbin/nginx -v 2>&1') };
}

function frontCommand(backend: number, { directory, options }: Bench, ...more: readonly string[]): string[] {
  // A site without Unit= needs no activator: what is measured is the front door.
  const sites = `${directory}/relay-sites`;
  mkdirSync(sites, { recursive: true });
  // As `enable` leaves it: prepared, and recorded since it has no socket unit.
  for (const of of ['sites/bench', 'instances']) mkdirSync(`${directory}/relay-state/${of}`, { recursive: true });
  writeFileSync(`${directory}/relay-state/instances/bench`, '');
  writeFileSync(`${sites}/bench.container`, `[X-Wakesock]\nHandoff=relay\nTarget=${backend}\nHost=${benchHost}\n`);
  return frontArguments(options, { sites, state: `${directory}/relay-state` }, ...more);
}

/** Of such sites as nobody need wake. */
function frontArguments({ checkout }: RunOptions, { sites, state }: FrontDirectories, ...more: readonly string[]): string[] {
  return [process.execPath, `${checkout}/dist/wakesock.cjs`, 'front', `--sites=${sites}`, `--state-dir=${state}`, `--control=${state}/none.sock`, '--log-level=warn', ...more];
}

export interface FrontDirectories {
  readonly sites: string;
  readonly state: string;
}

/** A front door of these sites. */
export function frontOf(directories: FrontDirectories, port: number, { options }: Bench): Promise<Proxying> {
  return listening(port, frontArguments(options, directories, `--listen=127.0.0.1:${port}`));
}

function socketActivate(port: number, fdName: string): string[] {
  return [program('/usr/bin/systemd-socket-activate'), `--listen=127.0.0.1:${port}`, `--fdname=${fdName}`];
}

function nginxCommand(bench: Bench, name: string, http: string): string[] {
  const text = `daemon off; worker_processes 1; pid ${bench.directory}/${name}.pid; error_log /dev/null; user root;
events { worker_connections 8192; }
http { access_log off; client_body_temp_path ${bench.directory}; proxy_temp_path ${bench.directory}; fastcgi_temp_path ${bench.directory}; uwsgi_temp_path ${bench.directory}; scgi_temp_path ${bench.directory};
  ${http} }
`;
  return [program('/usr/sbin/nginx'), '-c', written(bench, `${name}.conf`, text)];
}

function program(path: string): string {
  if (!existsSync(path)) throw new Unavailable(`${path} is not installed`);
  return path;
}

function written({ directory }: Bench, name: string, text: string): string {
  writeFileSync(`${directory}/${name}`, text);
  return `${directory}/${name}`;
}

async function listening(port: number, [command = '', ...args]: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Proxying> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-2_000); });
  const failed = once(child, 'exit').then(([code]): never => { throw new Error(`${command} ended with ${String(code)}: ${said}`); });
  failed.catch(() => {});
  const socket = await Promise.race([failed, new PatientConnect({ family: 'ipv4', address: `127.0.0.1:${port}` }).connect(AbortSignal.timeout(startMsMax), startMsMax)]);
  socket.destroy();
  const pid = child.pid ?? 0;
  return { pid, cpuNs: () => cpuNsOf(pid), stop: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  // nginx's workers end with their master at this signal; a proxy with connections left would wait for them at SIGTERM.
  child.kill(child.spawnfile.endsWith('nginx') ? 'SIGTERM' : 'SIGKILL');
  await exit;
}

function cpuNsOf(pid: number): number {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)) sum += cpuNsOf(Number(child));
  }
  return sum;
}
