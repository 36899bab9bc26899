import { expect, test } from 'vitest';
import { siteNamesOf } from '../../../src/cli/site-names.ts';

test('each once, in order', () => {
  expect(siteNamesOf(['b', 'a', 'b', 'tmpl@inst', '0.x_y-z', 'blog.socket.example', 'socket'])).toEqual(['b', 'a', 'tmpl@inst', '0.x_y-z', 'blog.socket.example', 'socket']);
});

test('none is wrong usage', () => {
  expect(() => siteNamesOf([])).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_USAGE' }));
});

test.each(['', '.', '..', '../etc', 'a/b', 'A', 'ä', 'a b', '-a', '@', 'a@', '@a', 'a@b@c', 'control', 'front', 'wakesock', 'a'.repeat(129), 'a\n', 'a=b', 'a:b', 'blog.socket', 'blog.service', 'tmpl@blog.socket', 'blog.container'])('%j is no site', (name) => {
  expect(() => siteNamesOf(['ok', name])).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SITE_NAME' }));
});
