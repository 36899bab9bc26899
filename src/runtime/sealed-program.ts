/**
 * crun against CVE-2019-5736: a container could reach the program that starts it through /proc, and write it. So crun begins by copying
 * itself into sealed memory and executing the copy, each time: it is loaded and linked twice, and a mount is undone on the way. It looks first
 * whether it was executed from such memory already (cloned_binary.c), and then goes on at once. So the copy is made here, once.
 */
import { closeSync, statSync } from 'node:fs';
import { sealedCopy } from '../linux/sealed-file.ts';

export class SealedProgram {
  readonly path: string;
  #copy: { readonly of: string; readonly fd: number } | null = null;
  /** Of a program that could not be copied: it copies itself. */
  #refused: string | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** What to execute: the copy, which is made again when the program was replaced; or the program itself where there can be none. */
  get file(): string {
    const of = this.#identity();
    if (of === null || of === this.#refused) return this.path;
    if (this.#copy?.of !== of && !this.#renew(of)) return this.path;
    return `/proc/self/fd/${this.#copy?.fd}`;
  }

  #renew(of: string): boolean {
    if (this.#copy) closeSync(this.#copy.fd);
    this.#copy = null;
    const fd = this.#copied();
    if (fd === null) this.#refused = of;
    else this.#copy = { of, fd };
    return fd !== null;
  }

  #copied(): number | null {
    try {
      return sealedCopy(this.path);
    } catch {
      // No memory, no descriptors, or vm.memfd_noexec=2.
      return null;
    }
  }

  /** Null: it is not there, and executing it will say so. */
  #identity(): string | null {
    const found = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  }
}
