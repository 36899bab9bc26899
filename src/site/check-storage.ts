import { describeError, WakesockError } from '../base/errors.ts';
import type { Site } from '../base/site.ts';
import { findSecretStore, requireVolume } from '../image/podman-volumes.ts';
import { readCredentials } from '../secrets/credentials.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import type { Place } from '../unitfile/unit-file.ts';
import type { SitePlaces } from './load-site.ts';

/**
 * Checks what a site is given from podman's storage and systemd's credential stores: whether it is there, and whether a wake can read it.
 * Makes nothing and keeps nothing. Only root has the same storage as the site's wakes, so that for others nothing is known, nor said.
 */
export async function checkStorage(site: Site, places: SitePlaces): Promise<Diagnostic[]> {
  if (process.geteuid?.() !== 0) return [];
  const questions: { readonly place: Place | undefined; readonly ask: () => Promise<unknown> }[] = [
    ...site.secrets.map((secret) => ({ place: places.secrets.get(secret.name), ask: () => findSecretStore({ secrets: [secret] }) })),
    ...site.credentials.map((credential) => ({ place: places.credentials.get(credential.id), ask: () => readCredentials([credential]) })),
    ...site.mounts.flatMap(({ kind, source, create, target }) => (kind === 'volume' && source !== null ? [{ place: places.mounts.get(target), ask: () => requireVolume(source, create) }] : [])),
  ];
  const found: Diagnostic[] = [];
  for (const { place = { file: places.file, line: 0, column: 0, text: '' }, ask } of questions) {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof WakesockError)) throw error;
      const { code, message } = describeError(error);
      // Without podman nobody knows.
      found.push({ ...place, severity: code === 'ERR_WAKESOCK_PODMAN' ? 'warning' : 'error', code, message, suggestion: null });
    }
  }
  return found;
}
