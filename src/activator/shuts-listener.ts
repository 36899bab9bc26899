/** Sites whose program shuts its listener down, for everybody who shares it: told of, and remembered for the next start. */
import { existsSync } from 'node:fs';
import { describeError } from '../base/errors.ts';
import type { Listener } from '../sockets/listener.ts';
import { rememberShutsListener } from './history.ts';
import type { RunnerParts } from './parts.ts';

type Parts = Pick<RunnerParts, 'log' | 'paths' | 'prepareAgain'>;

/** @param healed it listens again */
export function tellOfShutDown(site: string, listener: Listener, healed: boolean, parts: Parts): void {
  const fields = { site, listen: listener.text };
  if (healed) parts.log.info('The program shut its listener down; it listens again, and the next start will not let it', fields);
  else parts.log.error('The program shut a UNIX listener down, which never heals: restart its socket unit', { ...fields, code: 'ERR_WAKESOCK_SOCKET_LOST' });
  rememberShutDown(site, parts);
}

export function rememberShutDown(site: string, { log, paths, prepareAgain }: Parts): void {
  if (existsSync(`${paths.stateDir}/shuts-listener/${site}`)) return;
  try {
    rememberShutsListener(paths, site);
    prepareAgain(site);
  } catch (error) {
    log.error('Could not note that a site shuts its listener down', { site, ...describeError(error) });
  }
}
