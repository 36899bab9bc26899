/**
 * The network of a site: which namespace it has, and who makes something of it.
 *
 * crun makes the namespace, so that it belongs to the container's user namespace. A hook then says where it is, and crun waits until it
 * is connected; no program runs before. Who connects it is a service of systemd's ({@link NetworkService}), which ends with the site's scope,
 * whoever else has died. The two meet at FIFOs in the runtime directory of the site, and need no activator for that.
 */
import { preparedDir, runtimeSiteDir, type Paths } from '../base/paths.ts';
import type { NetworkService, Site } from '../base/site.ts';
import { capabilityMask } from './capabilities.ts';
import { pidFifo, readyFifo, saidFile } from './network-meeting.ts';
import { bridgesOf, netavarkCommand } from './netavark.ts';
import type { OciHooks } from './oci.ts';
import { forwarderAddress, pastaService } from './pasta.ts';
import { nameServers } from './resolv-conf.ts';

/** Of crun's state on standard input, it takes the number of the container's first process. All is done by the shell itself. */
const hookScript = `while IFS= read -r line || [ -n "$line" ]; do state=$state$line; done
pid=\${state#*'"pid"'}; pid=\${pid#*:}; pid=\${pid%%[,\\}]*}
echo $((pid)) >"$0/${pidFifo}"
read -r code <"$0/${readyFifo}" && [ "$code" = 0 ]`;

/** Runs what follows as $1 with the container's network namespace as standard input and, where it has one, its user namespace as standard output. */
const pastaScript = `read -r pid <"$0/${pidFifo}" || exit 1
if [ "/proc/$pid/ns/user" -ef /proc/self/ns/user ]; then
  "$@" 2>"$0/${saidFile}" <"/proc/$pid/ns/net"
else
  "$@" --userns /proc/self/fd/1 2>"$0/${saidFile}" <"/proc/$pid/ns/net" 1<"/proc/$pid/ns/user"
fi
code=$?
if [ $code = 0 ]; then : >"$0/${saidFile}"; fi
while IFS= read -r line; do echo "$line" >&2; done <"$0/${saidFile}"
echo $code >"$0/${readyFifo}"
exit $code`;

/**
 * Makes named networks, holds the namespace, and takes down what it made when it is told to end: a namespace that is gone takes its
 * interfaces along, but neither the bridge nor the rules. One at a time, as netavark needs it; $1 is its input, $2 the lock. No descriptor
 * of these is netavark's: the aardvark-dns that it starts stays, and would hold the lock and the namespace for ever. In a
 * subshell, since this shell closes its own while a program runs for which they are closed. $3 are the bridges: one without an address of its own has
 * that of an interface on it, another whenever one comes or goes, and everybody on it would send to the old one for half a minute.
 */
const namedScript = `trap 'told=1' TERM
read -r pid <"$0/${pidFifo}" || exit 1
exec 9<"/proc/$pid/ns/net" 8<>"$0/${pidFifo}" 7<"$1" 6>"$2"
runtime=$0 bridges=$3; shift 3
netavark() { verb=$1; shift; (exec "$@" $verb "/proc/$$/fd/9" <"/proc/$$/fd/7" 6>&- 7>&- 8>&- 9>&-); }
down() { flock 6; netavark teardown "$@"; exit $?; }
flock 6
netavark setup "$@" >"$runtime/${saidFile}" 2>&1
code=$?
for bridge in $bridges; do
  read -r assigned <"/sys/class/net/$bridge/addr_assign_type" && [ "$assigned" != 3 ] && read -r address <"/sys/class/net/$bridge/address" && ip link set dev "$bridge" address "$address"
done
flock -u 6
if [ $code = 0 ]; then : >"$runtime/${saidFile}"; fi
while IFS= read -r line; do echo "$line" >&2; done <"$runtime/${saidFile}"
trap 'down "$@"' TERM
echo $code >"$runtime/${readyFifo}"
[ $code = 0 ] || exit 1
[ -z "$told" ] || down "$@"
while :; do read -r never <&8; done`;

/**
 * For one that was killed: in a namespace that stands for the one that is gone. $1 input, $2 lock, $3 how many interfaces it had. While the site
 * lives the bridge has its interface and stays: so the service is started again, waits for nobody, and this is run once more when the site has ended.
 */
const namedLeftoversScript = `[ "$EXIT_CODE:$EXIT_STATUS" = exited:0 ] && exit
exec unshare --net -- /bin/sh -c '
exec 9</proc/self/ns/net
for i in $(seq 0 $(($3 - 1))); do ip link add "eth$i" type bridge; done
input=$1; lock=$2; shift 3
exec flock --close "$lock" nsenter --net=/proc/1/ns/net -- "$@" teardown /proc/self/fd/9 <"$input"' "$0" "$@"`;

const shell = '/bin/sh';

export interface NetworkFiles {
  /** The runtime directory of the site. */
  readonly runtime: string;
  /** netavark's input, of a site on named networks. */
  readonly input: string;
  /** Of all sites. */
  readonly lock: string;
}

export function networkFiles(paths: Paths, site: string): NetworkFiles {
  return { runtime: runtimeSiteDir(paths, site), input: `${preparedDir(paths, site)}/netavark.json`, lock: `${paths.runtimeDir}/netavark.lock` };
}

/** Null: crun makes all there is of it. @throws WakesockError `ERR_WAKESOCK_NETWORK` for what is not there */
export function networkService(site: Site, { runtime, input, lock }: NetworkFiles): NetworkService | null {
  const { mode } = site.network;
  if (mode.kind === 'pasta') {
    const { program, args, capabilities } = pastaService(mode.options, nameServers(site.network).includes(forwarderAddress));
    return { type: 'forking', start: [shell, '-c', pastaScript, runtime, program, ...args], stop: null, capabilities: String(capabilityMask(capabilities)) };
  }
  if (mode.kind !== 'named') return null;
  const netavark = netavarkCommand(mode.networks);
  return {
    type: 'exec', capabilities: null, start: [shell, '-c', namedScript, runtime, input, lock, bridgesOf(mode.networks).join(' '), ...netavark],
    stop: [shell, '-c', namedLeftoversScript, runtime, input, lock, String(mode.networks.length), ...netavark],
  };
}

/** Makes crun wait for the {@link networkService}. */
export function networkHooks(runtime: string): OciHooks {
  return { createRuntime: [{ path: shell, args: ['sh', '-c', hookScript, runtime] }] };
}
