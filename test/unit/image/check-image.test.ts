import { expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { imageChecker, imageProblem } from '../../../src/image/check-image.ts';

const not = (): Promise<boolean> => Promise.resolve(false);

test('an image that is there is none', async () => {
  expect(await imageProblem('nginx', () => Promise.resolve(true))).toBeNull();
});

test('one that was built here and is gone is an error, one of a registry a warning: enable fetches it', async () => {
  expect(await imageProblem('localhost/blog:1', not)).toMatchObject({ severity: 'error', code: 'ERR_WAKESOCK_IMAGE', suggestion: 'podman build -t localhost/blog:1 DIRECTORY' });
  expect(await imageProblem('docker.io/library/nginx:1.27', not)).toMatchObject({ severity: 'warning', code: 'ERR_WAKESOCK_IMAGE', suggestion: 'podman pull docker.io/library/nginx:1.27' });
});

test('what podman imports is looked for where it is', async () => {
  expect(await imageProblem('oci:/usr', not)).toBeNull();
  expect(await imageProblem('oci-archive:/nonexistent.tar', not)).toMatchObject({ severity: 'error', message: 'Expected an image at /nonexistent.tar, found nothing' });
});

test('without podman nobody knows', async () => {
  const problem = await imageProblem('nginx', () => Promise.reject(new WakesockError('ERR_WAKESOCK_PODMAN', 'podman could not be run')));
  expect(problem).toMatchObject({ severity: 'warning', code: 'ERR_WAKESOCK_PODMAN', message: 'Whether nginx is there is not known: podman could not be run' });
});

test('podman is asked once for each image', async () => {
  const asked: string[] = [];
  const images = imageChecker((image) => {
    asked.push(image);
    return not();
  });
  await Promise.all(['a', 'b', 'a'].map((image) => images(image)));
  expect(asked).toEqual(['a', 'b']);
});
