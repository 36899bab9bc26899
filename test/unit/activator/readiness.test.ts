import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Readiness } from '../../../src/activator/readiness.ts';
import type { PreparedSite, Site } from '../../../src/base/site.ts';
import type { SiteError } from '../../../src/lifecycle/lifecycle.ts';
import type { Listener } from '../../../src/sockets/listener.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const socket = (inode: number, text: string): Listener => ({ inode, text }) as Listener;

function stage({ handoff = 'adopt', listeners = [socket(1, '0.0.0.0:81'), socket(2, '0.0.0.0:80')] }: { handoff?: Site['handoff']; listeners?: Listener[] } = {}) {
  const late: SiteError[] = [];
  let serves = false;
  const site = { handoff, listen: [{ text: '0.0.0.0:80' }, { text: '0.0.0.0:81' }], ports: [{ kind: 'tcp', port: 3000 }, { kind: 'unix', path: '/run/two.sock' }] } as unknown as Site;
  const readiness = new Readiness({ prepared: () => ({ site }) as PreparedSite, listeners: () => listeners, serves: () => serves, late: (error) => void late.push(error) });
  return { readiness, late, nowServes: () => void (serves = true) };
}

test('each port gets the socket of its address, whatever order systemd passed them in', () => {
  const { readiness } = stage();
  expect(readiness.pairings.map(({ port, listener }) => [port, listener.inode])).toEqual([[{ kind: 'tcp', port: 3000 }, 2], [{ kind: 'unix', path: '/run/two.sock' }, 1]]);
});

test('of addresses that are not known again, in order', () => {
  const { readiness } = stage({ listeners: [socket(7, '127.0.0.1:8080'), socket(8, '127.0.0.1:8081')] });
  expect(readiness.pairings.map(({ listener }) => listener.inode)).toEqual([7, 8]);
});

test('complete with the last of its sockets, and not for the next program', () => {
  const { readiness } = stage();
  readiness.listensOn(1);
  expect(readiness.complete).toBe(false);
  readiness.listensOn(2);
  expect(readiness.complete).toBe(true);
  expect(readiness.listening).toEqual([1, 2]);
  readiness.begins();
  expect(readiness.complete).toBe(false);
});

test('too late: what it did not listen on, or what else held it up', () => {
  const { readiness, late } = stage();
  readiness.setDeadline(500);
  readiness.listensOn(2);
  vi.advanceTimersByTime(500);
  readiness.hindrance = { code: 'ERR_WAKESOCK_BUS', message: 'no bus' };
  readiness.setDeadline(500);
  vi.advanceTimersByTime(500);
  expect(late).toEqual([
    { code: 'ERR_WAKESOCK_START_TIMEOUT', message: 'The program did not listen on /run/two.sock within 500 ms (TimeoutStartSec=)' },
    { code: 'ERR_WAKESOCK_BUS', message: 'no bus' },
  ]);
});

test('the deadline ends with the announcement of a program that makes one', () => {
  const { readiness, late } = stage();
  readiness.setDeadline(500);
  readiness.announced();
  vi.advanceTimersByTime(500);
  expect(late).toEqual([]);
});

test('a program that was handed its sockets makes none: at the deadline it is looked at', () => {
  const { readiness, late, nowServes } = stage({ handoff: 'listen-fds' });
  readiness.listensOn(1, 2);
  expect(readiness.complete).toBe(false);
  readiness.setDeadline(500);
  readiness.announced();
  vi.advanceTimersByTime(500);
  expect(late.map(({ message }) => message)).toEqual(['The program accepted nobody within 500 ms (TimeoutStartSec=)']);
  nowServes();
  readiness.setDeadline(500);
  vi.advanceTimersByTime(500);
  expect(late).toHaveLength(1);
});
