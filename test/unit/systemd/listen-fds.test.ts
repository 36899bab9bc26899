import { expect, test } from 'vitest';
import { listenFdNamesBytesMax } from '../../../src/base/limits.ts';
import { inheritedFdsMax, takeListenFds } from '../../../src/systemd/listen-fds.ts';

const pid = 4711;
const take = (env: NodeJS.ProcessEnv) => takeListenFds(env, pid);

test('descriptors begin at 3 and have their names', () => {
  expect(take({ LISTEN_PID: '4711', LISTEN_FDS: '3', LISTEN_FDNAMES: 'control:blog:notify=blog' })).toEqual([
    { fd: 3, name: 'control' }, { fd: 4, name: 'blog' }, { fd: 5, name: 'notify=blog' },
  ]);
});

test('the variables are gone afterwards, whatever they said', () => {
  for (const LISTEN_PID of ['4711', '1', 'x']) {
    const env = { LISTEN_PID, LISTEN_FDS: '1', LISTEN_FDNAMES: 'a', LISTEN_PIDFDID: '7', PATH: '/bin' };
    try {
      take(env);
    } catch {
      expect(LISTEN_PID).toBe('x');
    }
    expect(env).toEqual({ PATH: '/bin' });
  }
});

test.each([
  ['nothing is set', {}],
  ['no LISTEN_PID', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a' }],
  ['no LISTEN_FDS', { LISTEN_PID: '4711', LISTEN_FDNAMES: 'a' }],
  ['they are for another process', { LISTEN_PID: '4712', LISTEN_FDS: '1', LISTEN_FDNAMES: 'a' }],
  ['none are passed', { LISTEN_PID: '4711', LISTEN_FDS: '0', LISTEN_FDNAMES: '' }],
])('none: %s', (_, env) => {
  expect(take(env)).toEqual([]);
});

test('without names all are `unknown`; a name may be empty', () => {
  expect(take({ LISTEN_PID: '4711', LISTEN_FDS: '2' }).map(({ name }) => name)).toEqual(['unknown', 'unknown']);
  expect(take({ LISTEN_PID: '4711', LISTEN_FDS: '1', LISTEN_FDNAMES: '' })).toEqual([{ fd: 3, name: '' }]);
});

test.each([
  ['fewer names', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a' }, /as many names in LISTEN_FDNAMES as LISTEN_FDS says, 2, got 1/],
  ['more names', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a:b' }, /says, 1, got 2/],
  ['names of none', { LISTEN_FDS: '0', LISTEN_FDNAMES: 'a' }, /says, 0, got 1/],
  ['a negative count', { LISTEN_FDS: '-1' }, /LISTEN_FDS to be a number/],
  ['a count that is no number', { LISTEN_FDS: '1 ' }, /LISTEN_FDS to be a number/],
  ['a count beyond the limit', { LISTEN_FDS: String(inheritedFdsMax + 1) }, /from 0 to 524288, got "524289"/],
  ['an empty count', { LISTEN_FDS: '' }, /got ""/],
  ['names beyond the limit', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a'.repeat(listenFdNamesBytesMax + 1) }, /LISTEN_FDNAMES of at most 131056 bytes/],
])('ERR_WAKESOCK_SOCKET: %s', (_, env, message) => {
  expect(() => take({ LISTEN_PID: '4711', ...env })).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SOCKET', message: expect.stringMatching(message) }));
});

test('1,200 sockets at once', () => {
  const names = Array.from({ length: 1200 }, (_, index) => `site-${index}`);
  const fds = take({ LISTEN_PID: '4711', LISTEN_FDS: '1200', LISTEN_FDNAMES: names.join(':') });
  expect(fds).toHaveLength(1200);
  expect(fds.at(-1)).toEqual({ fd: 1202, name: 'site-1199' });
});
