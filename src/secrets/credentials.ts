/** systemd's credentials of a site: systemd.exec(5), systemd-creds(1). */
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import { credentialBytesMax } from '../base/limits.ts';
import type { SiteCredential } from '../base/site.ts';

const stores = ['/etc', '/run', '/usr/local/lib', '/usr/lib'];

/** @returns values by ID @throws WakesockError `ERR_WAKESOCK_SECRET`, `ERR_WAKESOCK_LIMIT` */
export async function readCredentials(credentials: readonly SiteCredential[], signal?: AbortSignal, directories: readonly string[] = stores): Promise<Map<string, Uint8Array>> {
  const values = await Promise.all(credentials.map(async (credential): Promise<[string, Uint8Array]> => [credential.id, await readCredential(credential, directories, signal)]));
  const bytes = values.reduce((sum, [, { length }]) => sum + length, 0);
  if (bytes > credentialBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Expected credentials of at most ${credentialBytesMax} bytes together, found ${bytes}`);
  return new Map(values);
}

async function readCredential({ id, load, set }: SiteCredential, directories: readonly string[], signal?: AbortSignal): Promise<Uint8Array> {
  const loaded = load === null ? null : findFile(id, load, directories);
  if (load !== null && loaded !== null) return load.encrypted ? decrypt(id, loaded, signal) : loaded;
  if (set !== null) return set.encrypted ? decrypt(id, Buffer.from(set.base64), signal) : Buffer.from(set.base64, 'base64');
  throw new WakesockError('ERR_WAKESOCK_SECRET', `Credential ${id}: expected a file ${load?.path ?? ''}, nothing is there`);
}

function findFile(id: string, { path, encrypted }: NonNullable<SiteCredential['load']>, directories: readonly string[]): Buffer | null {
  const names = encrypted ? ['credstore.encrypted', 'credstore'] : ['credstore'];
  const candidates = path.startsWith('/') ? [path] : names.flatMap((name) => directories.map((directory) => `${directory}/${name}/${path}`));
  for (const candidate of candidates) {
    try {
      const stats = statSync(candidate);
      if (!stats.isFile()) throw new WakesockError('ERR_WAKESOCK_SECRET', `Credential ${id}: expected a file at ${candidate}; sockets and directories are not supported`);
      if (stats.size > credentialBytesMax) throw new WakesockError('ERR_WAKESOCK_LIMIT', `Credential ${id}: expected at most ${credentialBytesMax} bytes at ${candidate}, found ${stats.size}`);
      return readFileSync(candidate);
    } catch (error) {
      if (error instanceof WakesockError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') throw new WakesockError('ERR_WAKESOCK_SECRET', `Credential ${id} could not be read: ${message}`, { cause: error });
    }
  }
  return null;
}

/** Its name is part of what is encrypted: one may not be taken for another. */
function decrypt(id: string, data: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn('systemd-creds', [`--name=${id}`, 'decrypt', '-', '-'], { stdio: ['pipe', 'pipe', 'pipe'], ...signal ? { signal } : {} });
    const parts: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => { parts.push(part); });
    child.stderr.on('data', (part: Buffer) => { stderr = `${stderr}${String(part)}`.slice(-1_000); });
    // It may end before it has read all; its exit says why.
    child.stdin.on('error', () => {}).end(data);
    child.once('error', (error) => reject(new WakesockError('ERR_WAKESOCK_SECRET', `Credential ${id}: systemd-creds could not be run: ${error.message}`, { cause: error })));
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(parts));
      else reject(new WakesockError('ERR_WAKESOCK_SECRET', `Credential ${id} could not be decrypted: ${stderr.trim().split('\n').slice(-2).join(' | ')}`));
    });
  });
}
