import { createRequire } from 'node:module';
import { expect, test } from 'vitest';

const require = createRequire(import.meta.url);

/** src/linux/libc.ts loads the addon past koffi's own loader, which would look whether they belong together. */
test('the addon beside koffi is koffi\'s', () => {
  const addon = require(`@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`) as { version: string };
  const koffi = require('koffi') as { version: string };
  expect(addon.version).toBe(koffi.version);
});
