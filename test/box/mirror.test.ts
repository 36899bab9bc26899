import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type DebianMirror, findDebianMirror } from './mirror.ts';

async function findIn(files: Readonly<Record<string, string>>): Promise<DebianMirror> {
  const etc = await mkdtemp(join(tmpdir(), 'wakesock-etc-'));
  try {
    for (const [name, text] of Object.entries({ 'os-release': 'VERSION_CODENAME=bookworm\n', ...files })) {
      await mkdir(dirname(join(etc, name)), { recursive: true });
      await writeFile(join(etc, name), text);
    }
    return await findDebianMirror(etc);
  } finally {
    await rm(etc, { recursive: true });
  }
}

test('reads deb822 stanzas, passing over comments, disabled stanzas and other vendors', async () => {
  const text = [
    'Types: deb', 'URIs: https://other.example/linux', 'Suites: bookworm', 'Components: stable', '',
    'Enabled: no', 'Types: deb', 'URIs: http://off.example/debian', 'Suites: bookworm', 'Components: main', '',
    'Types: deb deb-src', '# http://comment.example/debian', 'URIs: http://mirror.example/debian', 'Suites: bookworm', ' bookworm-updates', 'Components: main contrib', '',
  ].join('\n');
  expect(await findIn({ 'apt/sources.list.d/debian.sources': text })).toEqual({ uri: 'http://mirror.example/debian', options: '' });
});

test('reads one-line sources with their options', async () => {
  const text = '# deb http://comment.example/debian bookworm main\ndeb [signed-by=/k.gpg] http://mirror.example/debian bookworm main # mine\n';
  expect(await findIn({ 'apt/sources.list': text })).toEqual({ uri: 'http://mirror.example/debian', options: '[signed-by=/k.gpg] ' });
});

test('says so when there is none', async () => {
  await expect(findIn({ 'apt/sources.list': 'deb http://security.example/ bookworm-security main\n' })).rejects.toThrow('found none');
});
