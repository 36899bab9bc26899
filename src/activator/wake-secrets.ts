import type { Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import type { WakeSecrets } from '../wake/launch.ts';

/** Null where a site has none, which then loads nothing for it. @throws WakesockError `ERR_WAKESOCK_SECRET`, `ERR_WAKESOCK_LIMIT` */
export async function wakeSecrets({ site, secretStore, uid, gid, ids = null }: PreparedSite, paths: Paths, signal: AbortSignal): Promise<WakeSecrets | null> {
  if (site.secrets.length + site.credentials.length === 0) return null;
  const [{ readSecrets, secretEnvironment }, { secretFiles, secretsDirectory }] = await Promise.all([import('../secrets/read-secrets.ts'), import('../runtime/secret-mount.ts')]);
  const values = await readSecrets(site, secretStore ?? null, signal);
  return { environment: secretEnvironment(site, values), files: secretFiles(site, secretsDirectory(paths), values, { uid, gid }, ids) };
}
