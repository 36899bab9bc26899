/** What no wakesock can be faster than: crun and the program alone, and the leanest launcher (design section 4). */
import { launcherSubject } from './launcher.ts';

export const floor = launcherSubject('floor', { cgroup: 'none', register: 'never' });
export const floorUnfiltered = launcherSubject('floor, no seccomp', { cgroup: 'none', register: 'never', unfiltered: true });
