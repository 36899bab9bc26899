import { defineConfig } from 'vitest/config';

/** Kinds of tests; scripts/test.mjs says which run and on which target. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/*.test.ts', 'test/box/**/*.test.ts'],
          setupFiles: ['test/support/seed.ts'],
          // None takes a tenth of it: that is for what hangs, on a machine that has better to do.
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          // A box for each worker, where files run one after another. They wait more than they work.
          globalSetup: ['test/system/global-setup.ts'],
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'images',
          include: ['test/images/**/*.test.ts'],
          globalSetup: ['test/images/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 10 * 60_000,
        },
      },
      {
        test: {
          name: 'clients',
          // Programs of others, of which the machine's own target has them.
          include: ['test/clients/**/*.test.ts'],
          globalSetup: ['test/system/global-setup.ts'],
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 2 * 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          globalSetup: ['test/vm/global-setup.ts'],
          fileParallelism: false,
          // Everything takes ten times as long there.
          testTimeout: 10 * 60_000,
          hookTimeout: 10 * 60_000,
        },
      },
      {
        test: {
          name: 'campaign',
          include: ['test/campaign/*.test.ts'],
          globalSetup: ['test/system/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 40 * 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'oracle',
          // Generated input, in as many rounds as scripts/test.mjs says, and texts of 10 MB.
          include: ['test/system/unitfile/*.test.ts', 'test/unit/unitfile/fuzz.test.ts', 'test/oracle/*.test.ts'],
          globalSetup: ['test/system/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 40 * 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
