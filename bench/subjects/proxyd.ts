/**
 * What people build today: systemd-socket-proxyd(8) in front of a container that knows nothing of it and binds its own port.
 * As the manual page shows it, the proxy connects as soon as the container's service counts as started, which is before the
 * program listens. So people add a loop that waits for the port.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { findProgram } from '../../src/runtime/find-program.ts';
import { podman, podmanArguments, skeleton, valueOf } from '../programs/image.ts';
import { type Bench, type Program, Unavailable } from '../types.ts';
import { writeBundle } from './crun-bundle.ts';
import { programOf, versionOf } from './packages.ts';
import { type Place, serviceUnit, socketUnit, type UnitSet, unitSubject } from './units.ts';

/** The container's service: lines of `[Service]`. */
type Backend = (program: Program, bench: Bench, place: Place) => Promise<{ readonly lines: readonly string[]; remove?(): void }>;

const proxyd = '/lib/systemd/systemd-socket-proxyd';

const crunBackend: Backend = async (program, bench, { id, directory }) => {
  await writeBundle(directory, program, bench, { bindsItself: true });
  const crun = `${findProgram('crun')} --cgroup-manager=disabled --root=${directory}/state`;
  return { lines: [`ExecStart=${crun} run --bundle=${directory} ${id}`, `ExecStop=-${crun} kill ${id} KILL`, 'KillSignal=SIGKILL', `ExecStopPost=-${crun} delete --force ${id}`] };
};

/** As `podman generate systemd` writes it. No cgroup of its own, which only makes it quicker. */
const podmanBackend: Backend = async (program, bench, { id, directory }) => {
  const command = podman();
  const pidFile = `${directory}/conmon.pid`;
  execFileSync(command, [
    'create', `--name=${id}`, '--network=host', '--cgroups=disabled', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1000:1000', '--log-driver=none',
    `--conmon-pidfile=${pidFile}`, ...podmanArguments(program, bench),
  ], { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    lines: ['Type=forking', `PIDFile=${pidFile}`, `ExecStart=${command} start ${id}`, `ExecStop=-${command} stop --time=0 ${id}`, 'KillSignal=SIGKILL', `ExecStopPost=-${command} stop --time=0 ${id}`],
    remove: () => { execFileSync(command, ['rm', '--force', '--ignore', id], { stdio: ['ignore', 'ignore', 'inherit'] }); },
  };
};

const nspawnBackend: Backend = async (program, bench, { directory }) => {
  const nspawn = programOf('systemd-container', 'systemd-nspawn');
  const { container } = program.prepare(bench);
  const rootfs = valueOf(container, 'Rootfs');
  const root = `${directory}/root`;
  cpSync(rootfs ?? skeleton(bench), root, { recursive: true, verbatimSymlinks: true });
  // It starts nothing that does not look like a system.
  for (const name of ['usr', 'etc', 'var', 'tmp', 'root']) mkdirSync(`${root}/${name}`, { recursive: true });
  if (!existsSync(`${root}/etc/os-release`)) writeFileSync(`${root}/etc/os-release`, 'ID=bench\n');
  const binds = container.filter((line) => line.startsWith('Volume=')).map((line) => line.slice('Volume='.length).replace(/:ro$/, ''));
  return {
    lines: [
      'Delegate=yes', 'KillMode=mixed', 'KillSignal=SIGKILL',
      [`ExecStart=${nspawn} --quiet --keep-unit --register=no --console=pipe --directory=${root}`, ...rootfs === null ? ['--bind-ro=/usr'] : [],
        ...binds.map((bind) => `--bind-ro=${bind}`), '--', valueOf(container, 'Exec')].join(' '),
    ],
  };
};

function proxied(name: string, backend: Backend, wait: boolean, versions: () => Readonly<Record<string, string>>): ReturnType<typeof unitSubject> {
  return unitSubject({
    name, versions,
    async make(program, bench, place): Promise<UnitSet> {
      if (!existsSync(proxyd)) throw new Unavailable(`${proxyd} is not there: it comes with Debian's systemd`);
      await assertFree(program.port);
      const { lines, remove } = await backend(program, bench, place);
      const { id, port } = place;
      const proxy = `${id}.service`, container = `${id}-container.service`;
      return {
        units: {
          [`${id}.socket`]: socketUnit(port, proxy),
          [proxy]: serviceUnit([`ExecStart=${proxyd} 127.0.0.1:${program.port}`, 'PrivateTmp=yes'], [`Requires=${container}`, `After=${container}`, `Requires=${id}.socket`, `After=${id}.socket`]),
          [container]: serviceUnit([...lines, ...wait ? [`ExecStartPost=/bin/bash -c "until : </dev/tcp/127.0.0.1/${program.port}; do sleep 0.1; done"`] : []]),
        },
        services: [proxy, container],
        note: wait
          ? 'proxyd: the container is in the machine\'s network and its service counts as started when its port answers, looked at every 0.1 s.'
          : `${name}: as the manual page shows it; the proxy connects before the program listens, and its client is dropped.`,
        ...remove ? { remove } : {},
      };
    },
  });
}

const systemdVersion = (): Record<string, string> => ({ 'systemd-socket-proxyd': versionOf('systemctl') });

export const proxydAsDocumented = proxied('proxyd, crun, as documented', crunBackend, false, systemdVersion);
export const proxydCrun = proxied('proxyd, crun, wait loop', crunBackend, true, systemdVersion);
export const proxydPodman = proxied('proxyd, podman start, wait loop', podmanBackend, true, () => ({ ...systemdVersion(), podman: versionOf('podman') }));
export const proxydNspawn = proxied('proxyd, nspawn, wait loop', nspawnBackend, true, () => ({ ...systemdVersion(), 'systemd-nspawn': versionOf('systemd-nspawn') }));

/** The container binds the machine's own port. @throws Unavailable */
function assertFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      reject(new Unavailable(`somebody listens on port ${port} of this machine, which the program binds`));
    });
    socket.once('error', () => resolve());
  });
}
