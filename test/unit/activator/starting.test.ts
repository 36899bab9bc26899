import { expect, test, vi } from 'vitest';
import type { Container } from '../../../src/activator/container.ts';
import type { RunnerParts } from '../../../src/activator/parts.ts';
import { startContainer, whyNotStarted } from '../../../src/activator/starting.ts';
import { WakesockError } from '../../../src/base/errors.ts';
import type { PreparedSite } from '../../../src/base/site.ts';

function ended({ lines = [], oomKilled = false, process = null }: { lines?: string[]; oomKilled?: boolean; process?: Container['process'] } = {}) {
  const calls: string[] = [];
  const container = {
    process, oomKilled, kill: () => void calls.push('kill'),
    output: { lastLines: lines, ended: async () => void calls.push('read') },
  } as unknown as Container;
  return { calls, container };
}
const parts = (calls: string[], whyNot: WakesockError | null = null) => ({
  crun: { delete: async () => void calls.push('crun delete') } as unknown as RunnerParts['crun'],
  whyNot: async () => whyNot,
});
const exited = new WakesockError('ERR_WAKESOCK_EXITED', 'The program ended before it listened');

test('what a program said last is the reason, once all that is left of it has ended and been read', async () => {
  const { calls, container } = ended({ lines: ['Error: no database', '    at main'] });
  expect(await whyNotStarted('blog', container, exited, parts(calls))).toEqual({
    code: 'ERR_WAKESOCK_EXITED', message: 'The program ended before it listened; its last lines: Error: no database |     at main',
  });
  expect(calls).toEqual(['kill', 'crun delete', 'read']);
});

test('crun is asked to delete only what nobody knows the process of', async () => {
  const { calls, container } = ended({ process: { pid: 1, pidfd: 3 } });
  await whyNotStarted('blog', container, exited, parts(calls));
  expect(calls).toEqual(['kill', 'read']);
});

test('that it was killed for want of memory is said', async () => {
  const { calls, container } = ended({ oomKilled: true });
  expect((await whyNotStarted('blog', container, exited, parts(calls))).message).toContain('for want of memory');
});

test('what is wrong with the site itself is a better reason than crun\'s', async () => {
  const { calls, container } = ended({ lines: ['crun: open: No such file'] });
  const rootless = new WakesockError('ERR_WAKESOCK_ROOTFS', '/srv/blog is not there');
  expect(await whyNotStarted('blog', container, new WakesockError('ERR_WAKESOCK_RUNTIME', 'crun ended with status 1'), parts(calls, rootless)))
    .toEqual({ code: 'ERR_WAKESOCK_ROOTFS', message: '/srv/blog is not there' });
});

test('any other reason stands for itself, and nothing is ended for it', async () => {
  const { calls, container } = ended({ lines: ['hello'] });
  expect(await whyNotStarted('blog', container, new WakesockError('ERR_WAKESOCK_SCOPE', 'refused'), parts(calls))).toEqual({ code: 'ERR_WAKESOCK_SCOPE', message: 'refused' });
  expect(calls).toEqual([]);
});

test('a start that was given up while its site was prepared has not begun', async () => {
  const given = new AbortController();
  const steps = { prepared: vi.fn(), reached: vi.fn(), hindered: vi.fn() };
  const start = startContainer('blog', ended().container, () => [], given.signal, {
    prepared: async () => {
      given.abort(exited);
      return {} as PreparedSite;
    },
  } as unknown as RunnerParts, steps);
  await expect(start).rejects.toBe(exited);
  expect(steps.prepared).not.toHaveBeenCalled();
});
