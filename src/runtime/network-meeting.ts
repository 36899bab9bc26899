/** Where crun's hook and the network's service meet (network.ts): all that a wake has to do with it. */
import { readFileSync, rmSync } from 'node:fs';
import { makeFifo } from '../linux/fd.ts';

/** The service's side and the hook's side of the meeting place; what the service has to say if it fails. */
export const pidFifo = 'network.pid';
export const readyFifo = 'network.ready';
export const saidFile = 'network.said';
const saidBytesMax = 4 * 1024;

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
