import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { systemCallNumbers } from '../../../src/linux/libseccomp.ts';
import { decisionsOf, distributionProfilePaths, parseDistributionProfile, readDistributionProfile } from '../../../src/runtime/distribution-profile.ts';
import { seccompFilter, type SeccompChoice } from '../../../src/runtime/seccomp-profile.ts';
import { expectMerged } from '../../support/profile-oracle.ts';
import { temporaryDirectory } from '../sockets/kit.ts';
import { ALLOW, errno, runFilter } from './run-filter.ts';

const X86_64 = 0xc000_003e;
const names: Readonly<Record<string, number>> = { read: 0, write: 1, open: 2, personality: 135, bpf: 321 };
const numberOf = (name: string): number | null => names[name] ?? null;
const profile = (...syscalls: readonly object[]) => parseDistributionProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, syscalls }), 'x');
const allow = (more: object, ...which: readonly string[]) => ({ names: which, action: 'SCMP_ACT_ALLOW', ...more });
const choice: SeccompChoice = { architecture: 'x64', capabilities: new Set(), notifyBind: false, notifyListen: false, notifyShutdown: false, distribution: null };

describe('what a profile says of calls', () => {
  test('by name, capability and machine; the last rule counts', () => {
    const found = profile(
      allow({}, 'read', 'of another machine'), { names: ['write'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }, { names: ['open'], action: 'SCMP_ACT_KILL' },
      allow({ includes: { caps: ['CAP_BPF'] } }, 'bpf'), { names: ['bpf'], action: 'SCMP_ACT_ERRNO', excludes: { caps: ['CAP_BPF', 'CAP_SYS_ADMIN'] } },
      allow({ includes: { arches: ['s390x'] } }, 'open'), allow({ excludes: { arches: ['amd64'] } }, 'open'),
    );
    const decisions = (...capabilities: readonly string[]) => Object.fromEntries(decisionsOf(found, { architecture: 'x64', capabilities: new Set(capabilities), numberOf }, new Set()));
    expect(decisions()).toEqual({ 0: 0, 1: 13, 2: 1, 321: 1 });
    expect(decisions('CAP_BPF')).toEqual({ 0: 0, 1: 13, 2: 1, 321: 0 });
    expect(decisions('CAP_SYS_ADMIN')).toEqual({ 0: 0, 1: 13, 2: 1 });
  });

  test('with some arguments only: refused, unless ours looks at them itself', () => {
    const found = profile(allow({ args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] }, 'personality', 'read'));
    expect([...decisionsOf(found, { architecture: 'x64', capabilities: new Set(), numberOf }, new Set([135]))]).toEqual([[135, 0]]);
  });

  test.each(['', '{', 'null', '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}', '{"defaultAction":"SCMP_ACT_ERRNO"}', '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":"read","action":"x"}]}'])('no profile: %s', (text) => {
    expect(() => parseDistributionProfile(text, '/x.json')).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_RUNTIME', message: expect.stringContaining('/x.json') }));
  });
});

test('a filter lets through what both do; what neither names answers as the profile says', () => {
  const merged = Buffer.from(seccompFilter({ ...choice, distribution: profile(allow({}, 'read', 'mount', 'clone3')) }), 'base64');
  const decide = (number: number): number => runFilter(merged, { architecture: X86_64, number, args: [] });
  expect([decide(0), decide(1), decide(165), decide(435)]).toEqual([ALLOW, errno(38), errno(1), errno(38)]);
});

test('the administrator\'s file wins; none is none', () => {
  const directory = temporaryDirectory();
  const [first, second] = [`${directory}/first`, `${directory}/second`];
  expect(readDistributionProfile([first, second])).toBeNull();
  writeFileSync(second, JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] }));
  expect(readDistributionProfile([first, second])).toEqual({ defaultErrno: 1, rules: [] });
  writeFileSync(first, JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, syscalls: [] }));
  expect(readDistributionProfile([first, second])?.defaultErrno).toBe(38);
});

test('names are numbers of the machine that is asked for', () => {
  const [x64, arm64] = [systemCallNumbers(X86_64), systemCallNumbers(0xc000_00b7)];
  expect([x64('read'), arm64('read'), x64('none of these'), arm64('open'), x64('mount_setattr')]).toEqual([0, 63, null, null, 442]);
});

test('this machine\'s profile: the merged filter lets through what libseccomp and our own table do, no less and no more', () => {
  expect(expectMerged(readFileSync(distributionProfilePaths[1] ?? '', 'utf8'))).toBeGreaterThan(0);
});
