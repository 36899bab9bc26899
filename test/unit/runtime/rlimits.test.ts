import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderBundle } from '../../../src/runtime/bundle.ts';
import { ociText, type OciConfig } from '../../../src/runtime/oci.ts';
import { highestLimits, rlimitsOf, unlimited } from '../../../src/runtime/rlimits.ts';
import { makePlaces, makeSite, root } from './fixtures.ts';

const limits = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max core file size        0                    unlimited            bytes
Max processes             96000                96000                processes
Max open files            1024                 20000                files
Max locked memory         8388608              8388608              bytes
Max msgqueue size         819200               819200               bytes
`;
const nrOpen = 1_073_741_816n;

describe('what a machine gives', () => {
  test('who may not raise hard limits: our own', () => {
    const highest = highestLimits(limits, false, nrOpen);
    expect(['cpu', 'core', 'nproc', 'nofile', 'memlock', 'msgqueue'].map((name) => highest.get(name))).toEqual([unlimited, unlimited, 96_000n, 20_000n, 8_388_608n, 819_200n]);
  });

  test('who may: all, but for descriptors', () => {
    const highest = highestLimits(limits, true, nrOpen);
    expect(['nofile', 'memlock'].map((name) => highest.get(name))).toEqual([nrOpen, unlimited]);
  });

  test('the kernel has a row for each', () => {
    const highest = highestLimits(readFileSync('/proc/self/limits', 'utf8'), false, nrOpen);
    for (const name of highest.keys()) expect(readFileSync('/proc/self/limits', 'utf8').match(/^Max /gm)?.length, name).toBe(highest.size + 1);
  });
});

describe('what a program gets', () => {
  const highest = highestLimits(limits, false, nrOpen);

  test.each([
    ['nothing said', {}, [['NOFILE', '1024', '20000']]],
    ['its own', { nofile: { soft: '4096', hard: '8192' } }, [['NOFILE', '4096', '8192']]],
    ['the most there is', { nofile: { soft: '-1', hard: '-1' } }, [['NOFILE', '20000', '20000']]],
    ['others too', { core: { soft: '0', hard: '-1' } }, [['CORE', '0', String(unlimited)], ['NOFILE', '1024', '20000']]],
  ])('%s', (_, ulimits, expected) => {
    expect(rlimitsOf({ ulimits }, highest)).toEqual(expected.map(([name, soft, hard]) => ({ type: `RLIMIT_${name}`, soft, hard })));
  });

  test('a machine that gives very few', () => {
    expect(rlimitsOf({ ulimits: {} }, new Map([['nofile', 512n]]))).toEqual([{ type: 'RLIMIT_NOFILE', soft: '512', hard: '512' }]);
  });

  test('more than there is has an error with both', () => {
    expect(() => rlimitsOf({ ulimits: { nofile: { soft: '1', hard: '20001' } } }, highest)).toThrow(expect.objectContaining({
      code: 'ERR_WAKESOCK_NOT_SUPPORTED', message: 'Ulimit=nofile=1:20001: expected a hard limit of at most 20000, which is all that this machine gives, found 20001',
    }));
  });
});

test('config.json has 64-bit numbers, whatever else is in it', () => {
  const text = '"rlimits":[]';
  const config = renderBundle(makeSite({ ulimits: { core: { soft: '9007199254740993', hard: '-1' } }, exec: ['/bin/x', text], environment: { A: text } }), root, makePlaces());
  const written = ociText(config);
  expect(written).toContain('"rlimits":[{"type":"RLIMIT_CORE","soft":9007199254740993,"hard":18446744073709551615},{"type":"RLIMIT_NOFILE","soft":1024,"hard":524288}]');
  const { process: { rlimits: _, ...process }, ...rest } = JSON.parse(written) as OciConfig;
  const { process: { rlimits: __, ...expected }, ...restExpected } = config;
  expect([process, rest]).toEqual([expected, restExpected]);
});
