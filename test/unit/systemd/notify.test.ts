import { expect, test } from 'vitest';
import { makeNotifier, notificationText, takeNotifyAddress } from '../../../src/systemd/notify.ts';

function recorded(): { notifier: ReturnType<typeof makeNotifier>; sent: [string, readonly number[]][] } {
  const sent: [string, readonly number[]][] = [];
  return { sent, notifier: makeNotifier((message, fds) => { sent.push([message.toString(), fds]); }) };
}

test.each([
  [{ ready: true }, 'READY=1\n'],
  [{ stopping: true }, 'STOPPING=1\n'],
  [{ watchdog: 'ping' }, 'WATCHDOG=1\n'],
  [{ watchdog: 'trigger' }, 'WATCHDOG=trigger\n'],
  [{ status: '3 sites awake' }, 'STATUS=3 sites awake\n'],
  [{ status: 'two\nlines\0FDSTORE=1' }, 'STATUS=two lines FDSTORE=1\n'],
  [{ extendTimeoutMs: 1500.5 }, 'EXTEND_TIMEOUT_USEC=1500500\n'],
  [{ mainPid: 17 }, 'MAINPID=17\n'],
  [{ ready: true, status: 'up', mainPid: 17 }, 'READY=1\nSTATUS=up\nMAINPID=17\n'],
] as const)('%j', (notification, text) => {
  expect(notificationText(notification).toString()).toBe(text);
});

test('descriptors are stored and removed by name', () => {
  const { notifier, sent } = recorded();
  notifier.storeFds('notify=blog', [7, 8]);
  notifier.removeFds('notify=blog');
  notifier.send({ ready: true });
  expect(sent).toEqual([
    ['FDSTORE=1\nFDNAME=notify=blog\n', [7, 8]],
    ['FDSTOREREMOVE=1\nFDNAME=notify=blog\n', []],
    ['READY=1\n', []],
  ]);
});

test.each(['', 'a:b', 'a\nb', 'ä', 'a'.repeat(256)])('%j is no descriptor name', (name) => {
  expect(() => recorded().notifier.removeFds(name)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_LIMIT' }));
});

test('one message takes 1 to 253 descriptors', () => {
  const { notifier } = recorded();
  expect(() => notifier.storeFds('a', [])).toThrow(RangeError);
  expect(() => notifier.storeFds('a', Array.from({ length: 254 }, (_, fd) => fd))).toThrow(RangeError);
});

test.each(['/run/systemd/notify', '@abstract', `/${'a'.repeat(106)}`])('%s is an address, and is taken out', (address) => {
  const env = { NOTIFY_SOCKET: address };
  expect(takeNotifyAddress(env)).toBe(address);
  expect(env).toEqual({});
});

test('nobody listens', () => {
  expect(takeNotifyAddress({})).toBeNull();
  expect(takeNotifyAddress({ NOTIFY_SOCKET: '' })).toBeNull();
});

test.each(['relative', '@', '/', `/${'a'.repeat(107)}`, 'vsock:2:1234'])('%s is no address', (address) => {
  expect(() => takeNotifyAddress({ NOTIFY_SOCKET: address })).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_SYSTEMD' }));
});
