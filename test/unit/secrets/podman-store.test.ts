import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Site } from '../../../src/base/site.ts';
import { readPodmanSecrets } from '../../../src/secrets/podman-store.ts';
import { readSecrets, secretEnvironment } from '../../../src/secrets/read-secrets.ts';
import { makeSite } from '../runtime/fixtures.ts';

interface Kept { readonly value: string; readonly driver?: string }

/** As podman 4 and 5 write it. */
function store(secrets: Readonly<Record<string, Kept>>, path?: string): string {
  const directory = path ?? mkdtempSync(join(tmpdir(), 'wakesock-secrets-'));
  if (path === undefined) onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(`${directory}/filedriver`, { recursive: true });
  const entries = Object.entries(secrets);
  writeFileSync(`${directory}/secrets.json`, JSON.stringify({
    secrets: Object.fromEntries(entries.map(([name, { driver = 'file' }]) => [`id-${name}`, { name, id: `id-${name}`, driver, driverOptions: { path: `${directory}/filedriver` } }])),
    nameToID: Object.fromEntries(entries.map(([name]) => [name, `id-${name}`])), idToName: {},
  }));
  writeFileSync(`${directory}/filedriver/secretsdata.json`, JSON.stringify(Object.fromEntries(entries.map(([name, { value }]) => [`id-${name}`, Buffer.from(value).toString('base64')]))));
  return directory;
}

const secret = (message: RegExp): unknown => expect.objectContaining({ code: 'ERR_WAKESOCK_SECRET', message: expect.stringMatching(message) });

test('by name, in the order asked for, twice if asked twice', async () => {
  const found = await readPodmanSecrets(store({ a: { value: 'A' }, b: { value: 'B\0' } }), ['b', 'a', 'b']);
  expect(found.map(String)).toEqual(['B\0', 'A', 'B\0']);
});

test('one that is not there, one of another driver, names that are no keys of ours', async () => {
  const directory = store({ a: { value: 'A' }, pass: { value: '', driver: 'pass' } });
  await expect(readPodmanSecrets(directory, ['a', 'none'])).rejects.toThrow(secret(/Secret=none: .*podman secret create none/));
  await expect(readPodmanSecrets(directory, ['pass'])).rejects.toThrow(secret(/driver "pass"/));
  await expect(readPodmanSecrets(directory, ['constructor'])).rejects.toThrow(secret(/Secret=constructor/));
  await expect(readPodmanSecrets(`${directory}/nowhere`, ['a'])).rejects.toThrow(secret(/Secret=a/));
});

test.each(['secrets.json', 'filedriver/secretsdata.json'])('%s half written: who reads comes again', async (file) => {
  const directory = store({ a: { value: 'A' } });
  writeFileSync(`${directory}/${file}`, '{"secrets": {');
  let waited = 0;
  const found = await readPodmanSecrets(directory, ['a'], undefined, async () => {
    waited += 1;
    if (waited === 3) store({ a: { value: 'new' } }, directory);
  });
  expect([found.map(String), waited]).toEqual([['new'], 3]);
});

test('damaged for good: an error that says nothing of what is in it', async () => {
  const directory = store({ a: { value: 'A' } });
  writeFileSync(`${directory}/filedriver/secretsdata.json`, '{"id-a": "c2VjcmV0');
  await expect(readPodmanSecrets(directory, ['a'], undefined, async () => {})).rejects.toThrow(secret(/^(?!.*c2Vj).*secretsdata\.json: expected podman's secrets in JSON/));
});

test('a wake that takes too long does not wait on', async () => {
  const directory = store({ a: { value: 'A' } });
  writeFileSync(`${directory}/secrets.json`, '');
  await expect(readPodmanSecrets(directory, ['a'], AbortSignal.abort(new Error('too late')))).rejects.toThrow();
});

const site = (name: string): Site => makeSite({ secrets: [{ name, as: { kind: 'env', variable: 'TOKEN' } }] });

test('as a variable it must be text that execve(2) takes', async () => {
  const directory = store({ text: { value: 'a "b"\n' }, zero: { value: 'a\0b' }, long: { value: 'x'.repeat(128 * 1024 - 6) }, fits: { value: 'x'.repeat(128 * 1024 - 7) } });
  const variable = async (name: string): Promise<string[]> => secretEnvironment(site(name), await readSecrets(site(name), directory));
  expect(await variable('text')).toEqual(['TOKEN=a "b"\n']);
  expect((await variable('fits'))[0]?.length).toBe(128 * 1024 - 1);
  await expect(variable('zero')).rejects.toThrow(secret(/expected text/));
  await expect(variable('long')).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
});

test('what podman would not take, and a site that podman was not asked about', async () => {
  await expect(readSecrets(site('big'), store({ big: { value: 'x'.repeat(512_001) } }))).rejects.toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
  await expect(readSecrets(site('a'), null)).rejects.toThrow(secret(/wakesock prepare blog/));
});
