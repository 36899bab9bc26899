import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { credentialBytesMax } from '../../../src/base/limits.ts';
import type { SiteCredential } from '../../../src/base/site.ts';
import { readCredentials } from '../../../src/secrets/credentials.ts';

function ground(files: Readonly<Record<string, string>>): string {
  const base = mkdtempSync(join(tmpdir(), 'wakesock-credentials-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${base}/${path}`), { recursive: true });
    writeFileSync(`${base}/${path}`, text);
  }
  return base;
}

const load = (id: string, path: string, encrypted = false): SiteCredential => ({ id, load: { path, encrypted }, set: null });
const read = async (base: string, ...credentials: readonly SiteCredential[]): Promise<Record<string, string>> =>
  Object.fromEntries([...await readCredentials(credentials, undefined, [`${base}/etc`, `${base}/usr`])].map(([id, value]) => [id, String(value)]));

const code = (name: string): unknown => expect.objectContaining({ code: `ERR_WAKESOCK_${name}` });

test('by path, by name in the first store that has it, and set where there is nothing to load', async () => {
  const base = ground({ 'file': 'file', 'etc/credstore/both': 'etc', 'usr/credstore/both': 'usr', 'usr/credstore/one': 'usr' });
  const set = { base64: Buffer.from('set').toString('base64'), encrypted: false };
  expect(await read(base, load('file', `${base}/file`), load('both', 'both'), load('one', 'one'), { id: 'default', load: { path: 'none', encrypted: false }, set }, { id: 'set', load: null, set }, { ...load('one2', 'one'), set }))
    .toEqual({ file: 'file', both: 'etc', one: 'usr', default: 'set', set: 'set', one2: 'usr' });
});

test('what is not there, is no file, or too large', async () => {
  const base = ground({ 'large': 'x'.repeat(credentialBytesMax + 1), 'half': 'x'.repeat(credentialBytesMax / 2 + 1), 'etc/credstore.encrypted/only': 'x' });
  await expect(read(base, load('a', `${base}/none`))).rejects.toThrow(code('SECRET'));
  await expect(read(base, load('a', 'only'))).rejects.toThrow(code('SECRET'));
  await expect(read(base, load('a', `${base}/etc`))).rejects.toThrow(code('SECRET'));
  await expect(read(base, load('a', `${base}/large`))).rejects.toThrow(code('LIMIT'));
  await expect(read(base, load('a', `${base}/half`), load('b', `${base}/half`))).rejects.toThrow(code('LIMIT'));
});
