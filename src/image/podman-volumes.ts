/** podman's volumes and secrets, looked for when a site is prepared. */
import { dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { FoundVolume, Site } from '../base/site.ts';
import { podmanSays, runPodman } from './podman.ts';

/** What `podman volume inspect` says of a volume. */
export interface Inspected {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly CreatedAt: string;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly NeedsCopyUp?: boolean;
  readonly NeedsChown?: boolean;
}

/** Volumes that we make have this label, so that they can be told from others: `podman volume prune --filter label!=wakesock`. */
const label = 'wakesock';

/**
 * Volumes that the site names; those that are not there are made.
 * @param known those that the site was prepared with before
 * @throws WakesockError `ERR_WAKESOCK_VOLUME`, `ERR_WAKESOCK_PODMAN`
 */
export async function findVolumes({ name, mounts }: Site, known: readonly FoundVolume[]): Promise<FoundVolume[]> {
  const found: FoundVolume[] = [];
  const wanted = new Map(mounts.flatMap(({ kind, source, create }) => (kind === 'volume' && source !== null ? [[source, create] as const] : [])));
  for (const [volume, create] of wanted) found.push(await findVolume(volume, create, name, known));
  return found;
}

async function findVolume(name: string, create: boolean, site: string, known: readonly FoundVolume[]): Promise<FoundVolume> {
  const volume = await requireVolume(name, create) ?? await makeVolume(name, site);
  const { Mountpoint: path, CreatedAt: createdAt, NeedsCopyUp = false, NeedsChown = false } = volume;
  // podman knows nothing of what we put into it.
  const isKnown = known.some((before) => before.name === name && before.createdAt === createdAt);
  return { name, path, createdAt, unused: !isKnown && (NeedsCopyUp || NeedsChown) };
}

/** Null: it is not there, and may be made. @throws WakesockError `ERR_WAKESOCK_VOLUME`, `ERR_WAKESOCK_PODMAN` */
export async function requireVolume(name: string, create: boolean): Promise<Inspected | null> {
  if (await podmanSays(['volume', 'exists', name])) return inspectVolume(name);
  if (create) return null;
  throw new WakesockError('ERR_WAKESOCK_VOLUME', `Volume=${name}: podman has no such volume, and it is not to be made (nocreate); podman volume create ${name}`);
}

async function makeVolume(name: string, site: string): Promise<Inspected> {
  await runPodman(['volume', 'create', `--label=${label}=${site}`, name]);
  return inspectVolume(name);
}

async function inspectVolume(name: string): Promise<Inspected> {
  const [volume] = JSON.parse(await runPodman(['volume', 'inspect', name])) as Inspected[];
  if (volume === undefined) throw new WakesockError('ERR_WAKESOCK_VOLUME', `Volume=${name}: expected podman to know it, it does not`);
  const { Driver: driver, Options: options } = volume;
  const mounted = ['device', 'type'].find((key) => options !== null && Object.hasOwn(options, key));
  if (driver !== 'local' || mounted !== undefined) {
    throw new WakesockError('ERR_WAKESOCK_VOLUME', `Volume=${name}: expected a volume that is a directory, found ${driver !== 'local' ? `driver ${driver}` : `option ${mounted}`}, which podman would have to mount at each wake`);
  }
  return volume;
}

/** Where podman keeps its secrets; null: the site has none. @throws WakesockError `ERR_WAKESOCK_SECRET`, `ERR_WAKESOCK_PODMAN` */
export async function findSecretStore({ secrets }: Pick<Site, 'secrets'>): Promise<string | null> {
  let store: string | null = null;
  for (const name of new Set(secrets.map((secret) => secret.name))) {
    const [driver = '', ...path] = (await inspectSecret(name)).trim().split(' ');
    if (driver !== 'file') throw new WakesockError('ERR_WAKESOCK_SECRET', `Secret=${name}: expected a secret of podman's driver file, which a wake can read, found driver ${JSON.stringify(driver)}`);
    store = dirname(path.join(' '));
  }
  return store;
}

async function inspectSecret(name: string): Promise<string> {
  try {
    return await runPodman(['secret', 'inspect', '--format={{.Spec.Driver.Name}} {{.Spec.Driver.Options.path}}', name]);
  } catch (error) {
    // `podman secret exists` is not in Debian 12's.
    if (!(error instanceof WakesockError) || !/no such secret|no secret with name/.test(error.message)) throw error;
    throw new WakesockError('ERR_WAKESOCK_SECRET', `Secret=${name}: podman has no secret of this name; podman secret create ${name} FILE`, { cause: error });
  }
}
