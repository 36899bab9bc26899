/** All that a site is given in secret, read for one wake. Nothing of it is kept by us, nor written anywhere but into the site's own memory. */
import { isUtf8 } from 'node:buffer';
import { WakesockError } from '../base/errors.ts';
import { secretBytesMax, variableBytesMax } from '../base/limits.ts';
import type { Site } from '../base/site.ts';
import type { SecretValues } from '../runtime/secret-mount.ts';
import { readCredentials } from './credentials.ts';
import { readPodmanSecrets } from './podman-store.ts';

/** @param store where podman keeps its secrets @param signal a wake that takes too long is ended @throws WakesockError `ERR_WAKESOCK_SECRET`, `ERR_WAKESOCK_LIMIT` */
export async function readSecrets({ name, secrets, credentials }: Site, store: string | null, signal?: AbortSignal): Promise<SecretValues> {
  if (secrets.length > 0 && store === null) throw new WakesockError('ERR_WAKESOCK_SECRET', `${name}: podman was not asked for its secrets yet; run \`wakesock prepare ${name}\``);
  const [values, read] = await Promise.all([
    secrets.length === 0 ? [] : readPodmanSecrets(store ?? '', secrets.map((secret) => secret.name), signal),
    readCredentials(credentials, signal),
  ]);
  for (const [i, secret] of secrets.entries()) {
    const { length } = values[i] as Uint8Array;
    if (length > secretBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Secret=${secret.name}: expected at most ${secretBytesMax} bytes, found ${length}`);
  }
  return { secrets: values, credentials: read };
}

/** Those that are variables, as `NAME=value`. @throws WakesockError `ERR_WAKESOCK_SECRET`, `ERR_WAKESOCK_LIMIT` */
export function secretEnvironment({ secrets }: Site, values: SecretValues): string[] {
  return secrets.flatMap(({ name, as }, i) => {
    if (as.kind !== 'env') return [];
    const value = values.secrets[i] as Uint8Array;
    if (value.includes(0) || !isUtf8(value)) throw new WakesockError('ERR_WAKESOCK_SECRET', `Secret=${name},type=env: expected text, found other bytes; take type=mount`);
    const bytes = Buffer.byteLength(as.variable) + 1 + value.length;
    if (bytes > variableBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Secret=${name},type=env: expected a variable of at most ${variableBytesMax} bytes, found ${bytes}; take type=mount`);
    return [`${as.variable}=${Buffer.from(value).toString('utf8')}`];
  });
}
