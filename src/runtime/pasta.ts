/** `Network=pasta`: outgoing connections by pasta(1), of the package passt. */
import { findProgram } from './find-program.ts';

/** What of pasta's own is not ours to leave to its defaults, which forward every port of the host into the container and back. */
const fixedOptions = [
  '--quiet', '--config-net',
  // Nobody comes in by it, and nothing leads to what listens on the host's loopback.
  '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '--no-map-gw',
  // It is systemd's to end it: what it would watch is a descriptor of its own.
  '--no-netns-quit',
  // As nobody it could enter no namespace of another's. It leaves all but two capabilities, and every file system, behind by itself.
  '--runas', '0',
  '--netns', '/proc/self/fd/0',
] as const;

/** Where pasta answers for the host's first name server, if the site cannot reach that. The address is podman's, too. */
export const forwarderAddress = '169.254.1.1';

/**
 * @param forwards whether the site asks the {@link forwarderAddress} for names. Not otherwise: passt of Debian 12 takes every answer of the
 * host's first name server for one that was asked there, and who has asked that itself would not know it.
 * @throws WakesockError `ERR_WAKESOCK_NETWORK` where pasta is not installed
 */
export function pastaService(options: readonly string[], forwards: boolean): { program: string; args: string[]; capabilities: string[] } {
  const program = findProgram('pasta', 'passt', 'ERR_WAKESOCK_NETWORK');
  const own = options.filter((option) => option !== '--no-map-gw');
  return {
    program, args: [...fixedOptions, ...forwards && forwarderOf(own) === null ? ['--dns-forward', forwarderAddress] : [], ...own],
    // SYS_PTRACE: to look at the namespaces of a container whose capabilities are others.
    capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'],
  };
}

/** The address of `--dns-forward`, if the site says one. */
export function forwarderOf(options: readonly string[]): string | null {
  const at = options.indexOf('--dns-forward');
  return at < 0 ? null : options[at + 1] ?? null;
}
