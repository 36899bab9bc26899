import { closeSync, readSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AF_UNIX, SOCK_DGRAM } from '../../../src/linux/constants.ts';
import { openDatagramSender } from '../../../src/linux/datagram.ts';
import { makePipe } from '../../../src/linux/fd.ts';
import { passedFdsMax, receiveMessage } from '../../../src/linux/message.ts';
import { bindSocket, openSocket } from '../../../src/linux/socket.ts';
import { closedAfterTest, temporaryDirectory } from '../sockets/kit.ts';
import { onTestFinished } from 'vitest';

function receiver(): { fd: number; path: string } {
  const path = `${temporaryDirectory()}/datagrams`;
  const fd = closedAfterTest(openSocket(AF_UNIX, SOCK_DGRAM));
  bindSocket(fd, { family: 'unix', path });
  return { fd, path };
}

function sender(path: string, options?: { waits: boolean }): ReturnType<typeof openDatagramSender> {
  const made = openDatagramSender(path, options);
  onTestFinished(() => made.close());
  return made;
}

test('bytes arrive whole', () => {
  const { fd, path } = receiver();
  const data = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
  sender(path).send(data);
  expect(receiveMessage(fd, 8192)).toEqual({ data, fds: [] });
});

test('a descriptor arrives as another number of the same file', () => {
  const { fd, path } = receiver();
  const { readEnd, writeEnd } = makePipe();
  sender(path).send(Buffer.from('pipe'), [writeEnd]);
  closeSync(writeEnd);
  const [copy = -1] = receiveMessage(fd, 16).fds;
  writeSync(copy, 'through the copy');
  closeSync(copy);
  const buffer = Buffer.alloc(64);
  expect(buffer.toString('utf8', 0, readSync(readEnd, buffer))).toBe('through the copy');
  closedAfterTest(readEnd);
});

test.each([1, 2, passedFdsMax - 1, passedFdsMax])('%i descriptors in one message', (count) => {
  const { fd, path } = receiver();
  const { fd: passed } = receiver();
  sender(path).send(Buffer.from('x'), Array.from({ length: count }, () => passed));
  const { fds } = receiveMessage(fd, 1);
  for (const copy of fds) closeSync(copy);
  expect(fds).toHaveLength(count);
});

test('nothing is there: no waiting', () => {
  expect(() => receiveMessage(receiver().fd, 1)).toThrow(expect.objectContaining({ errnoName: 'EAGAIN' }));
});

test('nobody receives', () => {
  expect(() => sender(`${temporaryDirectory()}/nobody`).send(Buffer.from('x'))).toThrow(expect.objectContaining({ errnoName: 'ENOENT' }));
});

test('a receiver that does not read holds nobody up who may not wait', () => {
  const { path } = receiver();
  const impatient = sender(path, { waits: false });
  expect(() => {
    for (let sent = 0; sent < 100_000; sent += 1) impatient.send(Buffer.alloc(100));
  }).toThrow(expect.objectContaining({ errnoName: 'EAGAIN' }));
});
