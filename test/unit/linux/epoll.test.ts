import { writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { machine } from '../../../src/linux/constants.ts';
import { epollAdd, epollCreate, EPOLLHUP, EPOLLIN, epollModify, epollRemove, epollWait } from '../../../src/linux/epoll.ts';
import { makePipe } from '../../../src/linux/fd.ts';
import { closeFd } from '../../../src/linux/libc.ts';
import { closedAfterTest } from '../sockets/kit.ts';

const room = Buffer.alloc(machine().epollEventBytes * 4);

test('events carry the token they were added with, of up to 53 bits', async () => {
  const set = closedAfterTest(epollCreate());
  const tokens = [1, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER];
  for (const token of tokens) {
    const { readEnd, writeEnd } = makePipe();
    closedAfterTest(readEnd);
    closedAfterTest(writeEnd);
    writeSync(writeEnd, 'x');
    epollAdd(set, readEnd, EPOLLIN, token);
  }
  expect([...await epollWait(set, room)].toSorted((a, b) => a.token - b.token)).toEqual(tokens.map((token) => ({ token, events: EPOLLIN })));
});

test('modified to nothing it still hangs up; removed it is silent', async () => {
  const set = closedAfterTest(epollCreate());
  const [one, two] = [makePipe(), makePipe()];
  for (const end of [one.readEnd, two.readEnd, two.writeEnd]) closedAfterTest(end);
  epollAdd(set, one.readEnd, EPOLLIN, 1);
  epollAdd(set, two.readEnd, EPOLLIN, 2);
  epollModify(set, one.readEnd, 0, 1);
  epollRemove(set, two.readEnd);
  writeSync(one.writeEnd, 'x');
  writeSync(two.writeEnd, 'x');
  closeFd(one.writeEnd);
  expect(await epollWait(set, room)).toEqual([{ token: 1, events: EPOLLHUP }]);
});
