import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeUserNamespace, withUserNamespace } from '../../../src/linux/user-namespace.ts';

const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
const namespaceOf = (fd: number | 'self'): string => readlinkSync(fd === 'self' ? '/proc/self/ns/user' : `/proc/self/fd/${fd}`);
/** The lowest descriptor that is free. */
const next = (): number => withUserNamespace({ first: 700_000_000, count: 1 }, (fd) => fd);

test('a namespace of its own each time, and no process is left of it', async () => {
  const before = children();
  const made = Array.from({ length: 20 }, () => makeUserNamespace({ first: 700_000_000, count: 65_536 }));
  try {
    expect(new Set(made.map(namespaceOf)).size).toBe(20);
    expect(made.map(namespaceOf)).not.toContain(namespaceOf('self'));
    // They are waited for when there is nothing else to do.
    await setImmediate();
    expect(children()).toBe(before);
  } finally {
    made.forEach((fd) => closeSync(fd));
  }
});

test('a mapping that the kernel does not take: by name, and neither process nor descriptor is left', async () => {
  const before = children();
  const free = next();
  expect(() => makeUserNamespace({ first: 0xffff_ffff, count: 2 })).toThrow('EINVAL');
  expect(next()).toBe(free);
  await setImmediate();
  expect(children()).toBe(before);
});
