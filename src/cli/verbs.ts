import type { Verb } from './verb.ts';

/**
 * Every verb by name, in the order of `wakesock --help`. Each is loaded when it is called: what `wakesock run`
 * does not need must not be on its way.
 */
export const verbs: Readonly<Record<string, () => Promise<{ readonly verb: Verb }>>> = {
  run: () => import('./run.ts'),
  front: () => import('./front.ts'),
  status: () => import('./status.ts'),
  wake: () => import('./wake.ts'),
  sleep: () => import('./sleep.ts'),
  bench: () => import('./bench.ts'),
  check: () => import('./check.ts'),
  cat: () => import('./cat.ts'),
  prepare: () => import('./prepare.ts'),
  'auto-update': () => import('./auto-update.ts'),
  apply: () => import('./apply.ts'),
  enable: () => import('./enable.ts'),
  disable: () => import('./disable.ts'),
  create: () => import('./create.ts'),
  rm: () => import('./rm.ts'),
  install: () => import('./install.ts'),
  uninstall: () => import('./uninstall.ts'),
};
