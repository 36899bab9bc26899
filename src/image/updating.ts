/**
 * While `auto-update` tries a new version, its name in podman's storage stands for that already: pulling moves the name, and only then can it be
 * tried. Whoever wakes a site meanwhile keeps to what it is prepared with. `runtimeDir/auto-update` says which names, and a lock on it that somebody is
 * still at it: what a killed one has left says nothing.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Paths } from '../base/paths.ts';
import type { PreparedImage } from '../base/site.ts';
import { isErrno } from '../linux/libc.ts';
import { isLocked, lockFile } from '../linux/file-lock.ts';

const fileOf = ({ runtimeDir }: Paths): string => `${runtimeDir}/auto-update`;

export interface Updates {
  /** Until `act` is done no wake follows this name. */
  during<T>(image: string, act: () => Promise<T>): Promise<T>;
  end(): void;
}

/** Waits for another `auto-update`: two would take each other's new version for the one before. */
export function beginUpdates(paths: Paths): Updates {
  mkdirSync(paths.runtimeDir, { recursive: true });
  const fd = lockFile(fileOf(paths));
  ftruncateSync(fd);
  return {
    during: async (image, act) => {
      writeSync(fd, image);
      try {
        return await act();
      } finally {
        ftruncateSync(fd);
      }
    },
    end: () => closeSync(fd),
  };
}

/** Whether the name of this image is being tried with another version. */
export function isBeingUpdated(paths: Paths, { asked, reference }: PreparedImage): boolean {
  let fd: number;
  try {
    fd = openSync(fileOf(paths), 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    if (!isLocked(fd)) return false;
    const image = readFileSync(fd, 'utf8');
    return image === asked || image === reference;
  } finally {
    closeSync(fd);
  }
}
