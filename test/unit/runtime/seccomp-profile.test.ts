import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFilter, type FilterRule } from '../../../src/runtime/seccomp-filter.ts';
import { refusedCalls, reviewedMax, seccompFilter, type SeccompChoice } from '../../../src/runtime/seccomp-profile.ts';
import { ALLOW, errno, KILL_PROCESS, NOTIFY, runFilter } from './run-filter.ts';

const X86_64 = 0xc000_003e;
const AARCH64 = 0xc000_00b7;
const I386 = 0x4000_0003;
const high = 1n << 32n;

function decide(choice: Partial<SeccompChoice>, number: number, ...args: (number | bigint)[]): number {
  const full: SeccompChoice = { architecture: 'x64', capabilities: new Set(), notifyBind: false, notifyListen: false, notifyShutdown: false, distribution: null, ...choice };
  const architecture = full.architecture === 'x64' ? X86_64 : AARCH64;
  return runFilter(Buffer.from(seccompFilter(full), 'base64'), { architecture, number, args: args.map(BigInt) });
}

describe.each([['x64', 0], ['arm64', 1]] as const)('on %s', (architecture, column) => {
  test.each(refusedCalls.flatMap(({ why, unless, calls }) => Object.entries(calls).map(([name, numbers]) => ({ name, why, unless, number: numbers[column] }))))(
    '$name: $why', ({ unless, number }) => {
      if (number === null) return;
      expect(decide({ architecture }, number)).toBe(errno(1));
      for (const capability of unless) expect(decide({ architecture, capabilities: new Set([capability]) }, number)).toBe(ALLOW);
    });

  test('no number stands in the table twice', () => {
    const numbers = refusedCalls.flatMap(({ calls }) => Object.values(calls).flatMap((both) => both[column] ?? []));
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

test.each([
  ['read', 0, [], ALLOW],
  ['removexattrat, the last reviewed', reviewedMax, [], ALLOW],
  ['a call newer than the review', reviewedMax + 2, [], errno(38)],
  ['a number between the two tables', 400, [], errno(38)],
  ['an x32 call', 0x4000_0000 + 1, [], errno(38)],
  ['-1', 0xffff_ffff, [], errno(38)],
  ['clone3', 435, [], errno(38)],
  ['clone of a thread', 56, [0x3d0f00], ALLOW],
  ['clone into a new user namespace', 56, [0x1000_0000], errno(1)],
  ['the same with high bits', 56, [0x1000_0000n | high], errno(1)],
  ['socket AF_INET', 41, [2, 1, 0], ALLOW],
  ['socket AF_VSOCK', 41, [40, 1, 0], errno(97)],
  ['socket NETLINK_ROUTE', 41, [16, 3, 0], ALLOW],
  ['socket NETLINK_AUDIT', 41, [16, 3, 9], errno(22)],
  ['socketpair AF_UNIX', 53, [1, 1, 0], ALLOW],
  ['socketpair AF_TIPC', 53, [30, 1, 0], errno(97)],
  ['setsockopt TCP_NODELAY', 54, [3, 6, 1], ALLOW],
  ['setsockopt SO_REUSEADDR', 54, [3, 1, 2], ALLOW],
  ['setsockopt IPV6_V6ONLY, which has the number of SO_ATTACH_FILTER', 54, [3, 41, 26], ALLOW],
  ['personality that asks', 135, [0xffff_ffff], ALLOW],
  ['personality without address randomisation', 135, [0x40000], errno(1)],
  ['bind without notification', 49, [3, 0, 16], ALLOW],
] as const)('%s', (_, number, args, action) => {
  expect(decide({}, number, ...args)).toBe(action);
});

const refusedOptions = [
  [1, 'SO_BINDTODEVICE', 25], [1, 'SO_ATTACH_FILTER', 26], [1, 'SO_DETACH_FILTER', 27], [1, 'SO_LOCK_FILTER', 44], [1, 'SO_ATTACH_BPF', 50],
  [1, 'SO_ATTACH_REUSEPORT_CBPF', 51], [1, 'SO_ATTACH_REUSEPORT_EBPF', 52], [1, 'SO_BINDTOIFINDEX', 62],
  [6, 'TCP_WINDOW_CLAMP', 10], [6, 'TCP_MD5SIG', 14], [6, 'TCP_MD5SIG_EXT', 32], [6, 'TCP_AO_ADD_KEY', 38], [6, 'TCP_AO_DEL_KEY', 39], [6, 'TCP_AO_INFO', 40],
] as const;

test.each(refusedOptions)('setsockopt at level %i of %s only there, whatever the high bits say', (level, _, option) => {
  expect(decide({}, 54, 3, level, option)).toBe(errno(1));
  expect(decide({}, 54, 3, BigInt(level) | high, BigInt(option) | high)).toBe(errno(1));
  const otherLevel = level === 1 ? 6 : 1;
  if (!refusedOptions.some(([at, , number]) => at === otherLevel && number === option)) expect(decide({}, 54, 3, otherLevel, option)).toBe(ALLOW);
});

test.each([['TCP_ULP, kernel TLS on accepted connections', 6, 31], ['TCP_DEFER_ACCEPT', 6, 9], ['IPV6_TCLASS', 41, 67], ['IPV6_RTHDR, which is put back', 41, 57]] as const)(
  'setsockopt of %s is let through', (_, level, option) => {
    expect(decide({}, 54, 3, level, option)).toBe(ALLOW);
  });

test('IP options may be taken off, not put on', () => {
  expect(decide({}, 54, 3, 0, 4, 0, 0)).toBe(ALLOW);
  expect(decide({}, 54, 3, 0, 4, 0, 8)).toBe(errno(1));
  expect(decide({}, 54, 3, 6, 4, 0, 8)).toBe(ALLOW);
});

test('a capability lifts what is made for it, and no more', () => {
  const capabilities = new Set(['CAP_SYS_ADMIN', 'CAP_AUDIT_WRITE']);
  expect(decide({ capabilities }, 56, 0x1000_0000)).toBe(ALLOW);
  expect(decide({ capabilities }, 41, 16, 3, 9)).toBe(ALLOW);
  expect(decide({ capabilities }, 425)).toBe(errno(1));
  expect(decide({ capabilities }, 54, 3, 1, 26)).toBe(errno(1));
});

describe('notification', () => {
  test('bind is notified from the length of a TCP address on', () => {
    const choice = { notifyBind: true };
    expect(decide(choice, 49, 3, 0, 12)).toBe(ALLOW);
    expect(decide(choice, 49, 3, 0, 15)).toBe(ALLOW);
    expect(decide(choice, 49, 3, 0, 16)).toBe(NOTIFY);
    expect(decide(choice, 49, 3, 0, 28)).toBe(NOTIFY);
    expect(decide(choice, 50, 3, 5)).toBe(ALLOW);
  });

  test('listen always', () => {
    expect(decide({ notifyListen: true }, 50, 3, 5)).toBe(NOTIFY);
    expect(decide({ notifyListen: true, architecture: 'arm64' }, 201, 3, 5)).toBe(NOTIFY);
  });

  test('shutdown unless only the writing side is meant', () => {
    expect([0, 1, 2].map((how) => decide({ notifyShutdown: true }, 48, 3, how))).toEqual([NOTIFY, ALLOW, NOTIFY]);
  });
});

test('another architecture ends the process', () => {
  const filter = Buffer.from(seccompFilter({ architecture: 'x64', capabilities: new Set(), notifyBind: false, notifyListen: false, notifyShutdown: false, distribution: null }), 'base64');
  for (const architecture of [I386, AARCH64]) expect(runFilter(filter, { architecture, number: 0, args: [] })).toBe(KILL_PROCESS);
});

/** What the rules mean, said without instructions. */
function meaning(found: FilterRule, args: readonly bigint[]): unknown {
  if (!Array.isArray(found)) return found;
  for (const part of found) {
    if (typeof part === 'string' || 'errno' in part) return part;
    const holds = part.when.every((condition: { argument: number } & Record<string, unknown>) => {
      const value = Number((args[condition.argument] ?? 0n) & 0xffff_ffffn);
      if (Array.isArray(condition['isOneOf'])) return condition['isOneOf'].includes(value);
      if (typeof condition['hasAnyOf'] === 'number') return (value & condition['hasAnyOf']) !== 0;
      return value >= Number(condition['isAtLeast']);
    });
    if (holds) return part.action;
  }
  return undefined;
}

function encode(found: unknown): number {
  if (found === 'allow') return ALLOW;
  return found === 'notify' ? NOTIFY : errno((found as { errno: number }).errno);
}

describe('compiler', () => {
  const action = fc.oneof(fc.constant('allow' as const), fc.constant('notify' as const), fc.record({ errno: fc.integer({ min: 1, max: 133 }) }));
  const word = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 0xffff_ffff }));
  const argument = fc.integer({ min: 0, max: 5 });
  const condition = fc.oneof(
    fc.record({ argument, isOneOf: fc.array(word, { minLength: 1, maxLength: 5 }) }),
    fc.record({ argument, hasAnyOf: word }),
    fc.record({ argument, isAtLeast: word }),
  );
  const cases = fc.tuple(fc.array(fc.record({ when: fc.array(condition, { minLength: 1, maxLength: 3 }), action }), { minLength: 1, maxLength: 4 }), action)
    .map(([list, last]) => list.concat(last as never) as unknown as FilterRule);
  const rule: fc.Arbitrary<FilterRule> = fc.oneof(action, cases);

  test('decides as the rules say, whatever they are', () => {
    const numbers = fc.integer({ min: 0, max: 500 });
    fc.assert(fc.property(
      fc.array(fc.tuple(numbers, rule), { maxLength: 60 }), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 300, max: 400 }), action,
      fc.array(fc.tuple(numbers, fc.array(fc.oneof(word.map(BigInt), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })), { minLength: 6, maxLength: 6 })), { minLength: 1, maxLength: 50 }),
      (rules, last, first, otherwise, calls) => {
        const table = new Map(rules);
        const program = createFilter({ auditArchitecture: X86_64, ranges: [[0, last], [first, 450]], otherwise, rules: table });
        for (const [number, args] of calls) {
          const found = table.get(number) ?? (number <= last || (number >= first && number <= 450) ? 'allow' : otherwise);
          expect(runFilter(program, { architecture: X86_64, number, args })).toBe(encode(meaning(found, args)));
        }
      },
    ));
  });

  test('jumps further than eight bits reach', () => {
    const rules = new Map<number, FilterRule>(Array.from({ length: 400 }, (_, index) => [index * 2, { errno: 1 + index % 100 }]));
    const program = createFilter({ auditArchitecture: X86_64, ranges: [[0, 800]], otherwise: { errno: 38 }, rules });
    for (let number = 0; number < 820; number += 1) {
      const expected = number > 800 ? errno(38) : number % 2 === 0 && number < 800 ? errno(1 + number / 2 % 100) : ALLOW;
      expect(runFilter(program, { architecture: X86_64, number, args: [] })).toBe(expected);
    }
  });
});
