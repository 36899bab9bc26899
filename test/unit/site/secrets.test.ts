import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SiteSecret } from '../../../src/base/site.ts';
import { parseDevices } from '../../../src/site/device-values.ts';
import { parseLoadCredential, parseSecrets, parseSetCredential } from '../../../src/site/secret-values.ts';
import { UnitValueError } from '../../../src/unitfile/value-error.ts';

const file = (name: string, rest: Partial<Extract<SiteSecret['as'], { kind: 'file' }>> = {}): SiteSecret => ({ name, as: { kind: 'file', target: `/run/secrets/${name}`, uid: 0, gid: 0, mode: 0o444, ...rest } });

test.each<[string, SiteSecret[]]>([
  ['token', [file('token')]],
  ['token other', [file('token'), file('other')]],
  ['source=token,type=mount', [file('token')]],
  ['token,target=else', [file('token', { target: '/run/secrets/else' })]],
  ['token,target=/etc/key.pem,uid=7,gid=8,mode=0400', [file('token', { target: '/etc/key.pem', uid: 7, gid: 8, mode: 0o400 })]],
  ['token,UID=7', [file('token', { uid: 7 })]],
  ['token,type=env', [{ name: 'token', as: { kind: 'env', variable: 'token' } }]],
  ['token,type=env,target=TOKEN', [{ name: 'token', as: { kind: 'env', variable: 'TOKEN' } }]],
])('Secret=%s', (text, expected) => expect(parseSecrets(text)).toEqual(expected));

test.each(['token,type=file', 'token,type=env,mode=1', 'token,mode=9', 'token,uid=x', 'token,target=/a/../b', 'token,target=..', 'token,target=/', 'token,target=/./', 'token,what=ever', 'token,type=env,type=env', ',type=env', '-x', 'a/b', 'token,type=env,target=A=B', 'token,uid=4294967295'])('Secret=%s', (text) => {
  expect(() => parseSecrets(text)).toThrow(UnitValueError);
});

test('credentials', () => {
  expect(parseLoadCredential('a:/b', false)).toEqual({ id: 'a', load: { path: '/b', encrypted: false } });
  expect(parseLoadCredential('a.b', true)).toEqual({ id: 'a.b', load: { path: 'a.b', encrypted: true } });
  expect(parseSetCredential('a:b:c\\n\\x41\\u00e4', false)).toEqual({ id: 'a', set: { base64: Buffer.from('b:c\nAä').toString('base64'), encrypted: false } });
  expect(parseSetCredential('a: aGVs bG8= ', true)).toEqual({ id: 'a', set: { base64: 'aGVsbG8=', encrypted: true } });
  for (const text of ['', '..:/b', 'a/b:/c', 'a:../b', 'a:b/c', 'ä:/b', `${'n'.repeat(256)}:/b`]) expect(() => parseLoadCredential(text, false), text).toThrow(UnitValueError);
  for (const text of ['a', ':b', 'a:\\q']) expect(() => parseSetCredential(text, false), text).toThrow(UnitValueError);
  expect(() => parseSetCredential('a:!', true)).toThrow(UnitValueError);
});

test('devices', () => {
  expect(parseDevices('/dev/fuse -/dev/sda:/dev/xvda:r /dev/x:rw')).toEqual([
    { source: '/dev/fuse', target: '/dev/fuse', access: 'rwm', optional: false }, { source: '/dev/sda', target: '/dev/xvda', access: 'r', optional: true }, { source: '/dev/x', target: '/dev/x', access: 'rw', optional: false },
  ]);
  for (const text of ['dev/fuse', '/dev/a:/dev/b:x', '/dev/a:rr', '/dev/a:r:/dev/b', '/dev/a:/srv/b', '/dev/a:/dev', '/dev/../etc/a', 'nvidia.com/gpu=all', '/dev/a:']) expect(() => parseDevices(text), text).toThrow(UnitValueError);
});

test('whatever is written: absolute targets without "..", or an error of the value', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('token', ',', 'type=', 'env', 'mount', 'target=', '/', '..', 'uid=', '7', 'mode=', 'x', ':', ' ', '"', '\\', 'source='), { maxLength: 12 }), (parts) => {
    for (const read of [parseSecrets, parseDevices] as ((text: string) => readonly (SiteSecret | { readonly target: string })[])[]) {
      try {
        for (const found of read(parts.join(''))) {
          const target = 'as' in found ? found.as.kind === 'file' ? found.as.target : '/x' : found.target;
          expect(target).toMatch(/^\/[^/]/);
          expect(target.split('/')).not.toContain('..');
        }
      } catch (error) {
        if (!(error instanceof UnitValueError)) throw error;
      }
    }
  }), { numRuns: 2_000 });
});
