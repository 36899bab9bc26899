/** What is mounted before crun starts, in a mount namespace that only crun and the container are in. */
import type { RootMount } from '../base/site.ts';
import { inPrivateMounts } from '../linux/mount-namespace.ts';
import { mountRoot } from './root-mount.ts';
import { mountSecrets, type SecretFiles } from './secret-mount.ts';

export interface PrivateMounts {
  readonly root: RootMount | null;
  readonly secrets: SecretFiles | null;
}

/** @throws WakesockError `ERR_WAKESOCK_RUNTIME`, `ERR_WAKESOCK_SECRET` */
export function withPrivateMounts<T>({ root, secrets }: PrivateMounts, act: () => T): T {
  if (root === null && secrets === null) return act();
  return inPrivateMounts(() => {
    if (root !== null) mountRoot(root);
    if (secrets !== null) mountSecrets(secrets);
    return act();
  });
}
