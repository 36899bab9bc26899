import { errorCodes } from '../base/errors.ts';
import type { SiteStatus } from '../control/types.ts';

/** What to do about a site's error, in one line; null where the message already says it. */
export function hintFor({ name, error }: SiteStatus): string | null {
  if (error === null || !Object.hasOwn(errorCodes, error.code)) return null;
  switch (error.code as keyof typeof errorCodes) {
    case 'ERR_WAKESOCK_EXITED':
    case 'ERR_WAKESOCK_START_TIMEOUT': return `What it wrote: journalctl -t ${name}`;
    case 'ERR_WAKESOCK_SITE_FILE':
    case 'ERR_WAKESOCK_NOT_SUPPORTED': return `Line and column: wakesock check ${name}`;
    case 'ERR_WAKESOCK_NOT_ENABLED': return `To let clients wake it: wakesock enable ${name}`;
    case 'ERR_WAKESOCK_ROOTFS':
    case 'ERR_WAKESOCK_PROGRAM': return `Mend Rootfs= or Exec=, then: wakesock enable ${name}`;
    case 'ERR_WAKESOCK_RUNTIME':
    case 'ERR_WAKESOCK_SCOPE':
    case 'ERR_WAKESOCK_SOCKET_LOST': return 'The whole story: journalctl -u wakesock.service';
    default: return null;
  }
}
