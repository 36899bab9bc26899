/**
 * Every error that reaches a user: one class, one stable code each, one row each in docs/errors.md
 * (a test compares the two).
 */

/** Codes are public: scripts match on them. The text says what to do, the key says what it is. */
export const errorCodes = {
  ERR_WAKESOCK_USAGE: 'The command line was not understood.',
  ERR_WAKESOCK_INTERNAL: 'A bug in wakesock.',
  ERR_WAKESOCK_SITE_NOT_FOUND: 'No site of this name has a file in the search path.',
  ERR_WAKESOCK_SITE_NAME: 'A site name does not match [a-z0-9][a-z0-9._-]* or is reserved.',
  ERR_WAKESOCK_SITE_FILE: 'A site file has errors; `wakesock check` prints them.',
  ERR_WAKESOCK_SITE_EXISTS: 'A site of this name, or something of it, is there already.',
  ERR_WAKESOCK_NOT_OURS: 'A file was not written by wakesock, so it is not removed.',
  ERR_WAKESOCK_NOT_ENABLED: 'The site was not enabled: its bundle has not been prepared.',
  ERR_WAKESOCK_NOT_SUPPORTED: 'The site file asks for something this version does not do yet.',
  ERR_WAKESOCK_ROOTFS: 'The root directory of a site is missing or is not a directory.',
  ERR_WAKESOCK_IMAGE: 'The image of a site is not in podman\'s storage, or cannot be used.',
  ERR_WAKESOCK_VOLUME: 'A volume of a site is not there, or cannot be used.',
  ERR_WAKESOCK_SECRET: 'A secret or credential of a site is not there, or cannot be used.',
  ERR_WAKESOCK_DEVICE: 'A device of a site is not there, or is none.',
  ERR_WAKESOCK_PODMAN: 'podman could not be run, or failed.',
  ERR_WAKESOCK_PROGRAM: 'The program of a site was not found in its root, or may not be executed.',
  ERR_WAKESOCK_RUNTIME: 'The container runtime (crun) could not start the container.',
  ERR_WAKESOCK_NETWORK: 'The network of a site could not be made.',
  ERR_WAKESOCK_SCOPE: 'systemd refused the scope of a site.',
  ERR_WAKESOCK_EXITED: 'The program ended before it listened.',
  ERR_WAKESOCK_START_TIMEOUT: 'The program did not listen within TimeoutStartSec=.',
  ERR_WAKESOCK_ADOPT_FAMILY: 'The program\'s socket has another address family, type or protocol than the site\'s.',
  ERR_WAKESOCK_ADOPT: 'The listening socket could not be put in place of the program\'s own.',
  ERR_WAKESOCK_SOCKET: 'An inherited socket is not a listening stream socket that a site can use.',
  ERR_WAKESOCK_SOCKET_LOST: 'The listening socket of a site is not as the socket unit made it and could not be mended.',
  ERR_WAKESOCK_NO_SITE: 'A descriptor was inherited whose name belongs to no site.',
  ERR_WAKESOCK_BUS: 'The D-Bus connection to systemd is not available.',
  ERR_WAKESOCK_SYSTEMD: 'systemd refused a request.',
  ERR_WAKESOCK_SYSCALL: 'A system call failed.',
  ERR_WAKESOCK_LIMIT: 'An input exceeds a limit of wakesock.',
  ERR_WAKESOCK_STATE_DIR: 'The state directory could not be read or written.',
  ERR_WAKESOCK_BUSY: 'The site is in use and was not put to sleep.',
  ERR_WAKESOCK_BACKOFF: 'The site failed a moment ago and is not tried again yet.',
  ERR_WAKESOCK_FORBIDDEN: 'The socket that was asked does not answer such requests.',
  ERR_WAKESOCK_CONTROL: 'The control socket answered with something that was not understood.',
  ERR_WAKESOCK_NOT_RUNNING: 'The activator does not run.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** What a user can do wrong or meet: has a stable code. Anything else thrown is our bug. */
export class WakesockError extends Error {
  override readonly name = 'WakesockError';
  readonly code: ErrorCode;

  /**
   * @param code one of {@link errorCodes}
   * @param message names the thing, what was expected and what was found
   */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The code and message of anything thrown. What the system said is the world's; what is none of both is our bug. */
export function describeError(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof WakesockError) return { code: error.code, message: error.message };
  if (error instanceof Error && 'syscall' in error && 'code' in error) return { code: 'ERR_WAKESOCK_SYSCALL', message: error.message };
  return { code: 'ERR_WAKESOCK_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}
