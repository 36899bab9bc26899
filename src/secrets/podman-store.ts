/**
 * podman's secrets, read where its driver `file` keeps them (containers/common, pkg/secrets): a list of names, and a file with all
 * values. podman writes both in place, so a reader may come in the middle.
 */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { WakesockError } from '../base/errors.ts';
import { secretStoreBytesMax } from '../base/limits.ts';

/** Nothing announces the end of podman's writing. */
const RETRY_MS = 10;
const triesMax = 20;

interface SecretList {
  readonly secrets?: Readonly<Record<string, { readonly driver?: string; readonly driverOptions?: Readonly<Record<string, string>> }>>;
  readonly nameToID?: Readonly<Record<string, string>>;
}

type Wait = (signal: AbortSignal | undefined) => Promise<unknown>;
const waitForPodman: Wait = (signal) => delay(RETRY_MS, undefined, signal ? { signal } : {});

/** @param store the directory with `secrets.json` @returns in the order of `names` @throws WakesockError `ERR_WAKESOCK_SECRET` */
export async function readPodmanSecrets(store: string, names: readonly string[], signal?: AbortSignal, wait = waitForPodman): Promise<Uint8Array[]> {
  for (let tries = 1; ; tries += 1) {
    const found = readOnce(store, names);
    if (!(found instanceof WakesockError)) return found;
    if (tries === triesMax) throw found;
    await wait(signal);
  }
}

/** Without a thread of the pool for each call: a client waits. An error that may be over in a moment is returned. */
function readOnce(store: string, names: readonly string[]): Uint8Array[] | WakesockError {
  const list = readJson<SecretList>(`${store}/secrets.json`);
  if (list === null) return damaged(`${store}/secrets.json`);
  const found = names.map((name) => {
    const id = own(list.nameToID, name);
    const secret = id === undefined ? undefined : own(list.secrets, id);
    if (id === undefined || secret === undefined) throw missing(name);
    if (secret.driver !== 'file') throw new WakesockError('ERR_WAKESOCK_SECRET', `Secret=${name}: expected a secret of podman's driver file, which a wake can read, found driver ${JSON.stringify(secret.driver)}`);
    return { name, id, path: `${own(secret.driverOptions, 'path') ?? `${store}/filedriver`}/secretsdata.json` };
  });
  const files = new Map<string, Readonly<Record<string, string>>>();
  for (const path of new Set(found.map((one) => one.path))) {
    const values = readJson<Record<string, string>>(path);
    if (values === null) return damaged(path);
    files.set(path, values);
  }
  const values = found.map(({ id, path }) => own(files.get(path), id));
  const without = values.findIndex((value) => typeof value !== 'string');
  // Between the two writes of `podman secret create` and `rm` one file knows it and the other does not.
  if (without >= 0) return missing(names[without] as string);
  return values.map((value) => Buffer.from(value as string, 'base64'));
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Null: no JSON, as it is while podman writes, or after the power went while it did. */
function readJson<T>(path: string): T | null {
  try {
    const { size } = statSync(path);
    if (size > secretStoreBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `${path}: expected at most ${secretStoreBytesMax} bytes, found ${size}`);
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' ? value as T : null;
  } catch (error) {
    if (error instanceof WakesockError) throw error;
    if (error instanceof SyntaxError) return null;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {} as T;
    throw new WakesockError('ERR_WAKESOCK_SECRET', `podman's secrets could not be read: ${(error as Error).message}`, { cause: error });
  }
}

function missing(name: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SECRET', `Secret=${name}: podman has no secret of this name; podman secret create ${name} FILE`);
}

/** The values in it are nobody's to print. */
function damaged(path: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_SECRET', `${path}: expected podman's secrets in JSON, found something else`);
}
