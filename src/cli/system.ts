import { WakesockError } from '../base/errors.ts';

/** Where an administrator's units are, systemd.unit(5). */
export const systemUnitDir = '/etc/systemd/system';

/** @throws WakesockError ERR_WAKESOCK_SYSTEMD */
export function requireRoot(verb: string): void {
  if (process.geteuid?.() === 0) return;
  throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `wakesock ${verb} changes units of the system: run it as root (sudo wakesock ${verb} …)`);
}
