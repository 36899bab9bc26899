/**
 * The floor with a cgroup of the container's own, made in each way there is. Not the product: these say what the ways cost.
 *
 * Moving a process between cgroups takes cgroup_threadgroup_rwsem for writing, which waits for an RCU grace period; being
 * born in one (CLONE_INTO_CGROUP) takes it for reading.
 */
import type { Subject } from '../types.ts';
import { launcherSubject } from './launcher.ts';

export const bornSubjects: readonly Subject[] = [
  launcherSubject('cgroup-moved', { cgroup: 'move', register: 'never' }),
  launcherSubject('born-by-clone', { cgroup: 'into', register: 'never' }),
  launcherSubject('born-by-crun', { cgroup: 'crun', register: 'never' }),
  launcherSubject('born-by-clone-scope-late', { cgroup: 'into', register: 'late' }),
  launcherSubject('born-by-clone-scope-early', { cgroup: 'into', register: 'early' }),
  launcherSubject('born-by-crun-scope-late', { cgroup: 'crun', register: 'late' }),
];
