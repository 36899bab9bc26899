/** Whether `Image=` of a site is there, without fetching anything. */
import { existsSync } from 'node:fs';
import { describeError } from '../base/errors.ts';
import { imageExists, isLocal } from './podman.ts';

export interface ImageProblem {
  /** An image that a registry may have is a warning: `enable` fetches it. */
  readonly severity: 'error' | 'warning';
  readonly code: 'ERR_WAKESOCK_IMAGE' | 'ERR_WAKESOCK_PODMAN';
  readonly message: string;
  readonly suggestion: string | null;
}

export type ImageChecker = (asked: string) => Promise<ImageProblem | null>;

/** Asks about each image once, however many sites have it. */
export function imageChecker(exists?: (asked: string) => Promise<boolean>): ImageChecker {
  const asked = new Map<string, Promise<ImageProblem | null>>();
  return (image) => {
    const problem = asked.get(image) ?? imageProblem(image, exists);
    asked.set(image, problem);
    return problem;
  };
}

/** Null: it is there. @param exists asks podman; rejects where that cannot be run */
export async function imageProblem(asked: string, exists: (asked: string) => Promise<boolean> = imageExists): Promise<ImageProblem | null> {
  const [, imported] = /^oci(?:-archive)?:(.*)$/.exec(asked) ?? [];
  if (imported !== undefined) {
    return existsSync(imported) ? null : { severity: 'error', code: 'ERR_WAKESOCK_IMAGE', message: `Expected an image at ${imported}, found nothing`, suggestion: null };
  }
  try {
    if (await exists(asked)) return null;
  } catch (error) {
    return { severity: 'warning', code: 'ERR_WAKESOCK_PODMAN', message: `Whether ${asked} is there is not known: ${describeError(error).message}`, suggestion: null };
  }
  const message = `Expected the image ${asked} in podman's storage, found none of this name`;
  if (isLocal(asked)) return { severity: 'error', code: 'ERR_WAKESOCK_IMAGE', message, suggestion: `podman build -t ${asked} DIRECTORY` };
  return { severity: 'warning', code: 'ERR_WAKESOCK_IMAGE', message: `${message}; \`wakesock enable\` pulls it`, suggestion: `podman pull ${asked}` };
}
