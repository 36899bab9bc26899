import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { preparedDir, type Paths } from '../../../src/base/paths.ts';
import type { IdRange } from '../../../src/base/site.ts';
import { allotIds, readIdFiles, type IdFiles } from '../../../src/runtime/id-ranges.ts';
import { temporaryDirectory } from '../sockets/kit.ts';

const nobody: IdFiles = { subuid: '', subgid: '', passwd: 'root:x:0:0::/root:/bin/sh\n', group: 'root:x:0:\n' };

function ground(): { paths: Paths; allot: (site: string, count?: number, files?: IdFiles) => IdRange; remove: (site: string) => void } {
  const paths: Paths = { siteDirs: [], stateDir: temporaryDirectory(), runtimeDir: '/none', controlPath: '/none' };
  return {
    paths,
    allot: (site, count = 65_536, files = nobody) => {
      mkdirSync(preparedDir(paths, site), { recursive: true });
      return allotIds(paths, site, count, files);
    },
    remove: (site) => rmSync(preparedDir(paths, site), { recursive: true }),
  };
}

const overlap = (a: IdRange, b: IdRange): boolean => a.first < b.first + b.count && b.first < a.first + a.count;

describe('the range of a site', () => {
  test('is kept, is its own, and lies in what systemd sets aside for containers', () => {
    const { paths, allot } = ground();
    const [a, b] = [allot('a'), allot('b')];
    expect(a).toEqual({ first: 0x2400_0000, count: 65_536 });
    expect(b).toEqual({ first: 0x2401_0000, count: 65_536 });
    expect([allot('a'), allot('b')]).toEqual([a, b]);
    expect(readFileSync(`${paths.stateDir}/ids`, 'utf8')).toBe(`a ${a.first} 65536\nb ${b.first} 65536\n`);
  });

  test('is another one when it is to have another size, or has come to be somebody else\'s', () => {
    const { allot } = ground();
    expect(allot('a', 70_000)).toMatchObject({ count: 70_000 });
    for (const whose of [(id: number) => ({ subuid: `someone:${id + 5}:10\n` }), (id: number) => ({ subgid: `100:${id - 5}:10\n` }), (id: number) => ({ passwd: `late:x:${id + 7}:1::/:\n` }), (id: number) => ({ group: `late:x:${id}:\n` })]) {
      const before = allot('a');
      const files = { ...nobody, ...whose(before.first) };
      const after = allot('a', 65_536, files);
      expect(overlap(after, before)).toBe(false);
      expect(allot('a', 65_536, files)).toEqual(after);
    }
  });

  test('is free again with the directory of its site, and given away as late as possible', () => {
    const { allot, remove, paths } = ground();
    const a = allot('a');
    allot('b');
    remove('a');
    const c = allot('c');
    expect(c.first).toBeGreaterThan(a.first + 65_536);
    expect(readFileSync(`${paths.stateDir}/ids`, 'utf8')).not.toMatch(/^a /m);
    // One that ends at the last id: what is left is before.
    const rest = 0x7000_0000 - (c.first + c.count);
    allot('rest', rest);
    expect(allot('d')).toEqual(a);
  });

  test('comes from what the user wakesock has in /etc/subuid and /etc/subgid, both, if it has anything', () => {
    const { allot } = ground();
    const files = { ...nobody, subuid: 'someone:100000:65536\nwakesock:200000:100\n', subgid: 'wakesock:200050:1000\n' };
    expect(allot('a', 20, files)).toEqual({ first: 200_050, count: 20 });
    expect(() => allot('b', 60, files)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT', message: expect.stringContaining('/etc/subuid') }));
    expect(() => allot('b', 1, { ...files, subgid: '' })).toThrow('expected 1 ids');
  });

  test('a table that is none', () => {
    const { paths, allot } = ground();
    writeFileSync(`${paths.stateDir}/ids`, 'a 5\n');
    expect(() => allot('a')).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_STATE_DIR' }));
  });

  test('thousands of sites fit', () => {
    const { paths, allot } = ground();
    const first = 0x2400_0000;
    const names = Array.from({ length: 2_000 }, (_, index) => `site${index}`);
    const write = (count: number): void => writeFileSync(`${paths.stateDir}/ids`, names.map((name, index) => `${name} ${first + index * count} ${count}\n`).join(''));
    for (const name of names) mkdirSync(preparedDir(paths, name), { recursive: true });
    write(65_536);
    expect(allot('another')).toEqual({ first: first + names.length * 65_536, count: 65_536 });
    write(9 * 65_536);
    expect(allot('more')).toEqual({ first: first + names.length * 9 * 65_536, count: 65_536 });
  });
});

test('no two sites, nor anybody of the machine, ever have an id in common, whatever comes and goes', () => {
  const step = fc.record({ site: fc.integer({ min: 0, max: 12 }), count: fc.integer({ min: 1, max: 200_000 }), goes: fc.boolean() });
  const given = fc.record({ first: fc.integer({ min: 0x2400_0000 - 100_000, max: 0x2400_0000 + 2_000_000 }), count: fc.integer({ min: 1, max: 300_000 }) });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), fc.array(given, { maxLength: 5 }), fc.array(fc.integer({ min: 0x2400_0000, max: 0x2410_0000 }), { maxLength: 5 }), (steps, others, users) => {
    const { allot, remove } = ground();
    const files = { ...nobody, subuid: others.map(({ first, count }) => `o:${first}:${count}\n`).join(''), passwd: users.map((id) => `u:x:${id}:0::/:\n`).join('') };
    const held = new Map<string, IdRange>();
    for (const { site, count, goes } of steps) {
      const name = `s${site}`;
      if (goes) {
        if (held.delete(name)) remove(name);
        continue;
      }
      const range = allot(name, count, files);
      held.set(name, range);
      expect(range.count).toBe(count);
      for (const [other, taken] of held) if (other !== name) expect(overlap(range, taken)).toBe(false);
      for (const other of [...others, ...users.map((id) => ({ first: id, count: 1 }))]) expect(overlap(range, other)).toBe(false);
      expect(range.first + range.count).toBeLessThanOrEqual(0x7000_0000);
    }
  }), { numRuns: 40 });
});

test('what the machine says of itself is read', () => {
  const etc = temporaryDirectory();
  writeFileSync(`${etc}/subuid`, 'a:1:2\n');
  expect(readIdFiles(etc)).toEqual({ subuid: 'a:1:2\n', subgid: '', passwd: '', group: '' });
});

test('a lock is for one process at a time', async () => {
  const directory = temporaryDirectory();
  writeFileSync(`${directory}/count`, '0');
  // Reads, waits for others to come, writes: without the lock some would write the same number.
  const script = `for i in $(seq 30); do flock ${directory}/lock sh -c 'n=$(cat ${directory}/count); echo $((n+1)) >${directory}/count'; done`;
  const { withFileLock } = await import('../../../src/linux/file-lock.ts');
  const others = [1, 2].map(() => new Promise((resolve, reject) => { execFile('sh', ['-c', script], (error) => (error ? reject(error) : resolve(null))); }));
  for (let i = 0; i < 30; i++) {
    withFileLock(`${directory}/lock`, () => writeFileSync(`${directory}/count`, String(Number(readFileSync(`${directory}/count`, 'utf8')) + 1)));
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  await Promise.all(others);
  expect(readFileSync(`${directory}/count`, 'utf8').trim()).toBe('90');
});
