/** Our filter merged with a distribution's profile, held against that profile as libseccomp compiles it. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { allCapabilities, defaultCapabilities } from '../../src/runtime/capabilities.ts';
import { parseDistributionProfile } from '../../src/runtime/distribution-profile.ts';
import { reviewedMax, seccompFilter } from '../../src/runtime/seccomp-profile.ts';
import { ALLOW, NOTIFY, runFilter } from '../unit/runtime/run-filter.ts';
import { compileProfile } from './libseccomp.ts';

const X86_64 = 0xc000_003e;
const passes = (action: number): boolean => action === ALLOW || action === NOTIFY;
/** Those at which rules look: families, levels, flags, personalities. */
const argument = fc.oneof(fc.constantFrom(0, 1, 2, 6, 8, 9, 10, 16, 17, 25, 0x20000, 0x20008, 0x1000_0000, 0x7e02_0000, 0xffff_ffff), fc.nat()).map(BigInt);

/** Through goes what both let through, in the way that ours says. @returns how many calls the profile refuses that our table alone would not */
export function expectMerged(text: string): number {
  let more = 0;
  for (const capabilities of [defaultCapabilities, [], [...defaultCapabilities, 'CAP_SYS_ADMIN'], [...defaultCapabilities, 'CAP_AUDIT_WRITE', 'CAP_SYS_PTRACE'], allCapabilities].map((names) => new Set(names))) {
    const choice = { architecture: 'x64', capabilities, notifyBind: true, notifyListen: true, notifyShutdown: true } as const;
    const [merged, own, theirs] = [
      Buffer.from(seccompFilter({ ...choice, distribution: parseDistributionProfile(text, 'seccomp.json') }), 'base64'),
      Buffer.from(seccompFilter({ ...choice, distribution: null }), 'base64'), compileProfile(text, capabilities),
    ];
    const check = (number: number, args: readonly bigint[]): void => {
      const call = { architecture: X86_64, number, args };
      const [both, ours] = [runFilter(merged, call), runFilter(own, call)];
      const through = passes(ours) && passes(runFilter(theirs, call));
      if (!through && passes(ours)) more += 1;
      expect(through ? both : passes(both), `call ${number}(${args.join()}) with ${[...capabilities].join() || 'no capability'}`).toBe(through ? ours : false);
    };
    for (let number = 0; number <= reviewedMax + 5; number++) check(number, []);
    fc.assert(fc.property(fc.integer({ min: 0, max: reviewedMax }), fc.array(argument, { minLength: 6, maxLength: 6 }), check), { numRuns: 3_000 });
    // The calls at whose arguments somebody looks.
    for (const number of [41, 53, 54, 56, 135, 49, 50, 48, 435]) fc.assert(fc.property(fc.array(argument, { minLength: 6, maxLength: 6 }), (args) => check(number, args)), { numRuns: 300 });
  }
  return more;
}
