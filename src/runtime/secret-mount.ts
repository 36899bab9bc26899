/**
 * Where a site finds its secrets. They are in a file system in memory that is mounted for each start, in the mount namespace that only
 * crun and the container are in: never on a disk, in nobody else's sight, and gone with the last process of the container, however that ended.
 */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { WakesockError, describeError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import type { Site, SiteSecret } from '../base/site.ts';
import { mountMemory } from '../linux/mount-namespace.ts';

/** A bind mount of the bundle. Its source is there from the moment a wake mounts {@link SecretFiles}. */
export interface SecretMount {
  readonly source: string;
  readonly target: string;
  readonly file: boolean;
}

export interface SecretFile {
  readonly path: string;
  readonly data: Uint8Array;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** What is mounted at `directory`, an empty one, for one start. Ids are those in the container's own eyes. */
export interface SecretFiles {
  readonly directory: string;
  readonly files: readonly SecretFile[];
  readonly directories: readonly Omit<SecretFile, 'data'>[];
}

const podmanDirectory = '/run/secrets';

/** Empty, and the same for all sites: what is mounted there each sees for itself. crun must come there as anybody. */
export function secretsDirectory({ stateDir }: Paths): string {
  return `${stateDir}/secrets`;
}

/** systemd has /run/credentials/UNIT. */
export function credentialsDirectory(site: string): string {
  return `/run/credentials/${site}`;
}

/**
 * One mount for all in podman's own directory, one for all credentials, one for each secret elsewhere: each mount costs time.
 * @param directory {@link secretsDirectory}
 */
export function secretMounts(site: Site, directory: string): SecretMount[] {
  const files = site.secrets.flatMap((secret, i): SecretMount[] => {
    if (secret.as.kind !== 'file' || isShared(site, secret)) return [];
    return [{ source: fileOf(site, secret, i, directory), target: secret.as.target, file: true }];
  });
  return [
    ...site.secrets.some((secret) => isShared(site, secret)) ? [{ source: `${directory}/run`, target: podmanDirectory, file: false }] : [],
    ...files,
    ...site.credentials.length > 0 ? [{ source: `${directory}/credentials`, target: credentialsDirectory(site.name), file: false }] : [],
  ];
}

function isShared({ mounts }: Site, { as }: SiteSecret): boolean {
  return as.kind === 'file' && dirname(as.target) === podmanDirectory && !mounts.some(({ target }) => target === podmanDirectory);
}

function fileOf(site: Site, secret: SiteSecret, index: number, directory: string): string {
  return secret.as.kind === 'file' && isShared(site, secret) ? `${directory}/run/${secret.as.target.slice(podmanDirectory.length + 1)}` : `${directory}/secret-${index}`;
}

/**
 * @param directory {@link secretsDirectory}
 * @param values of `site.secrets`, by index; of credentials by ID
 * @param owner who may read the credentials
 * @param firstId what id 0 of the site is on the machine: nothing maps the owners of this file system
 */
export function secretFiles(site: Site, directory: string, values: SecretValues, owner: { readonly uid: number; readonly gid: number }, firstId = 0): SecretFiles | null {
  const secrets = site.secrets.flatMap((secret, i): SecretFile[] => {
    const { as } = secret;
    return as.kind === 'file' ? [{ path: fileOf(site, secret, i, directory), data: values.secrets[i] as Uint8Array, uid: firstId + as.uid, gid: firstId + as.gid, mode: as.mode }] : [];
  });
  const credentials = [...values.credentials].map(([id, data]) => ({ path: `${directory}/credentials/${id}`, data, uid: firstId + owner.uid, gid: firstId + owner.gid, mode: 0o400 }));
  if (secrets.length + credentials.length === 0) return null;
  return {
    directory, files: [...secrets, ...credentials],
    directories: [
      { path: `${directory}/run`, uid: firstId, gid: firstId, mode: 0o755 },
      ...credentials.length > 0 ? [{ path: `${directory}/credentials`, uid: firstId + owner.uid, gid: firstId + owner.gid, mode: 0o500 }] : [],
    ],
  };
}

export interface SecretValues {
  readonly secrets: readonly Uint8Array[];
  readonly credentials: ReadonlyMap<string, Uint8Array>;
}

/** In a mount namespace of its own, whose end is theirs. @throws WakesockError `ERR_WAKESOCK_SECRET` */
export function mountSecrets({ directory, files, directories }: SecretFiles): void {
  try {
    mountMemory(directory);
    for (const { path } of directories) mkdirSync(path, { mode: 0o700 });
    for (const { path, data } of files) writeFileSync(path, data, { mode: 0o600, flag: 'wx' });
    for (const { path, uid, gid, mode } of [...files, ...directories]) {
      chownSync(path, uid, gid);
      chmodSync(path, mode);
    }
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_SECRET', `Secrets could not be put into memory at ${directory}: ${describeError(error).message}`, { cause: error });
  }
}
