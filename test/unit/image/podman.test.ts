import { expect, test } from 'vitest';
import { wholeName } from '../../../src/image/podman.ts';

test.each([
  ['localhost/blog:1', ['localhost/blog:1'], 'localhost/blog:1'],
  ['blog:1', ['localhost/blog:1'], 'localhost/blog:1'],
  ['blog', ['localhost/blog:1', 'localhost/blog:latest'], 'localhost/blog:latest'],
  ['nginx', ['docker.io/library/nginx:latest'], 'docker.io/library/nginx:latest'],
  ['nginx', ['quay.io/mine/nginx:latest', 'localhost/nginx:latest'], 'localhost/nginx:latest'],
  ['localhost:5000/a', ['localhost:5000/a:latest'], 'localhost:5000/a:latest'],
  ['docker.io/library/nginx@sha256:0', ['docker.io/library/nginx@sha256:0'], 'docker.io/library/nginx@sha256:0'],
  // By its number: there is no name to follow.
  ['728e260409e4', ['localhost/blog:1'], null],
  ['728e260409e4', [], null],
])('%s, where it is called %j', (asked, names, whole) => {
  expect(wholeName(asked, names)).toBe(whole);
});
