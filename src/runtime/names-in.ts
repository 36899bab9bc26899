import { readdirSync } from 'node:fs';
import { isErrno } from '../linux/libc.ts';

/** What is in a directory; nothing where there is none. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
