import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { outOfReach } from '../../../src/cli/out-of-reach.ts';

/** Not below /tmp, which is out of reach itself. */
function tree(): string {
  const directory = mkdtempSync('/var/lib/wakesock-test-');
  onTestFinished(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  mkdirSync(`${directory}/bin`);
  writeFileSync(`${directory}/bin/node`, '', { mode: 0o755 });
  return directory;
}

test('what everybody may read is in reach', () => {
  expect(outOfReach(`${tree()}/bin/node`)).toBeNull();
});

test('a directory on the way that is closed to others is named', () => {
  const directory = tree();
  chmodSync(directory, 0o700);
  expect(outOfReach(`${directory}/bin/node`)).toBe(`only the owner of ${directory} may enter that`);
});

test('a file that only its owner may read', () => {
  const directory = tree();
  chmodSync(`${directory}/bin/node`, 0o700);
  expect(outOfReach(`${directory}/bin/node`)).toBe('only its owner may read it');
});

test('what is below /tmp is another file, or none, for a service with a /tmp of its own', () => {
  expect(outOfReach('/tmp/checkout/dist/wakesock.cjs')).toContain('PrivateTmp=');
  expect(outOfReach('/var/tmp/node')).toContain('below /var/tmp');
});
