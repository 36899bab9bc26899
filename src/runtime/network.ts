/**
 * The network of a site: which namespace it has, and who makes something of it.
 *
 * crun makes the namespace, so that it belongs to the container's user namespace. A hook then says where it is, and crun waits until it
 * is connected; no program runs before. Who connects it is a service of systemd's ({@link NetworkService}), which ends with the site's scope,
 * whoever else has died. The two meet at FIFOs in the runtime directory of the site, and need no activator for that.
 */
import { readFileSync, rmSync } from 'node:fs';
import { makeFifo } from '../linux/fd.ts';
import type { NetworkService, Site } from '../base/site.ts';
import { capabilityMask } from './capabilities.ts';
import type { OciHooks } from './oci.ts';
import { forwarderAddress, pastaService } from './pasta.ts';
import { nameServers } from './resolv-conf.ts';

/** The service's side and the hook's side of the meeting place; what the service has to say if it fails. */
const pidFifo = 'network.pid';
const readyFifo = 'network.ready';
const saidFile = 'network.said';
const saidBytesMax = 4 * 1024;

/** Of crun's state on standard input, it takes the number of the container's first process. All is done by the shell itself. */
const hookScript = `while IFS= read -r line || [ -n "$line" ]; do state=$state$line; done
pid=\${state#*'"pid"'}; pid=\${pid#*:}; pid=\${pid%%[,\\}]*}
echo $((pid)) >"$0/${pidFifo}"
read -r code <"$0/${readyFifo}" && [ "$code" = 0 ]`;

/** Runs what follows as $1 with the container's network namespace as standard input and, where it has one, its user namespace as standard output. */
const serviceScript = `read -r pid <"$0/${pidFifo}" || exit 1
if [ "/proc/$pid/ns/user" -ef /proc/self/ns/user ]; then
  "$@" <"/proc/$pid/ns/net" 2>"$0/${saidFile}"
else
  "$@" --userns /proc/self/fd/1 <"/proc/$pid/ns/net" >"/proc/$pid/ns/user" 2>"$0/${saidFile}"
fi
code=$?
if [ $code = 0 ]; then : >"$0/${saidFile}"; fi
while IFS= read -r line; do echo "$line" >&2; done <"$0/${saidFile}"
echo $code >"$0/${readyFifo}"
exit $code`;

const shell = '/bin/sh';

/** Null: crun makes all there is of it. @param runtime runtime directory of the site @throws WakesockError `ERR_WAKESOCK_NETWORK` for what is not there */
export function networkService(site: Site, runtime: string): NetworkService | null {
  const { mode } = site.network;
  if (mode.kind !== 'pasta') return null;
  const { program, args, capabilities } = pastaService(mode.options, nameServers(site.network).includes(forwarderAddress));
  return { type: 'forking', start: [shell, '-c', serviceScript, runtime, program, ...args], stop: null, capabilities: String(capabilityMask(capabilities)) };
}

/** Makes crun wait for the {@link networkService}. */
export function networkHooks(runtime: string): OciHooks {
  return { createRuntime: [{ path: shell, args: ['sh', '-c', hookScript, runtime] }] };
}

/** Before each start. @param runtime exists */
export function makeMeetingPlace(runtime: string): void {
  for (const name of [pidFifo, readyFifo]) {
    rmSync(`${runtime}/${name}`, { force: true });
    makeFifo(`${runtime}/${name}`, 0o600);
  }
  rmSync(`${runtime}/${saidFile}`, { force: true });
}

/** What the service last said of why it could not; empty if nothing. */
export function whatNetworkSaid(runtime: string): string {
  try {
    return readFileSync(`${runtime}/${saidFile}`).subarray(-saidBytesMax).toString('utf8').trim().replaceAll('\n', ' | ');
  } catch {
    return '';
  }
}
