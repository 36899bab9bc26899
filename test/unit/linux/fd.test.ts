import { constants, openSync, statSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { O_NONBLOCK } from '../../../src/linux/constants.ts';
import { duplicateFd, eventsNow, getStatusFlags, makeFifo, makePipe, POLLHUP, POLLRDHUP, readableNow, readAvailable, setPipeSize, setStatusFlags } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { closedAfterTest, connected, listening, pythonDone, temporaryDirectory } from '../sockets/kit.ts';

function pipe(): { readEnd: number; writeEnd: number } {
  const made = makePipe();
  closedAfterTest(made.readEnd);
  closedAfterTest(made.writeEnd);
  return made;
}

test('a pipe has nothing, then something, then its end', () => {
  const { readEnd, writeEnd } = pipe();
  const buffer = Buffer.alloc(16);
  expect(readAvailable(readEnd, buffer)).toBeNull();
  writeSync(writeEnd, 'line\n');
  expect(readAvailable(readEnd, buffer)?.toString()).toBe('line\n');
  closeFd(writeEnd);
  expect(readAvailable(readEnd, buffer)?.length).toBe(0);
});

test('a program gets a blocking end', () => {
  const { readEnd, writeEnd } = pipe();
  expect([getStatusFlags(readEnd) & O_NONBLOCK, getStatusFlags(writeEnd) & O_NONBLOCK]).toEqual([O_NONBLOCK, 0]);
});

test('a duplicate shares the status flags', () => {
  const { writeEnd } = pipe();
  const copy = closedAfterTest(duplicateFd(writeEnd));
  setStatusFlags(copy, O_NONBLOCK);
  expect(getStatusFlags(writeEnd) & O_NONBLOCK).toBe(O_NONBLOCK);
});

test('a pipe holds as much as it was made for', () => {
  const { readEnd, writeEnd } = pipe();
  setPipeSize(writeEnd, 1024 * 1024);
  setStatusFlags(writeEnd, O_NONBLOCK);
  expect(writeSync(writeEnd, Buffer.alloc(1024 * 1024))).toBe(1024 * 1024);
  expect(readAvailable(readEnd, Buffer.alloc(2 * 1024 * 1024))?.length).toBe(1024 * 1024);
});

test('a FIFO', () => {
  const path = `${temporaryDirectory()}/fifo`;
  makeFifo(path, 0o600);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  closedAfterTest(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
});

describe('readable at this moment', () => {
  test('none of none', () => {
    expect(readableNow([])).toEqual([]);
  });

  test('those with something to read, or at their end', () => {
    const [quiet, full, ended] = [pipe(), pipe(), pipe()];
    writeSync(full.writeEnd, 'x');
    closeFd(ended.writeEnd);
    expect(readableNow([quiet.readEnd, full.readEnd, ended.readEnd])).toEqual([full.readEnd, ended.readEnd]);
  });

  test('a listening socket with a client', async () => {
    const [quiet, asked] = [listening(), listening()];
    await connected(asked);
    expect(readableNow([quiet.fd, asked.fd])).toEqual([asked.fd]);
  });
});

test.each([['SHUT_RD', POLLRDHUP], ['SHUT_RDWR', POLLRDHUP | POLLHUP]])('%s of a UNIX listener is seen', async (how, events) => {
  const listener = listening('unix');
  expect(eventsNow(listener.fd, POLLRDHUP)).toBe(0);
  await pythonDone(`import socket; socket.socket(fileno=3).shutdown(socket.${how})`, [listener.fd]);
  expect(eventsNow(listener.fd, POLLRDHUP)).toBe(events);
});
