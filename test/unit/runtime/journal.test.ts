import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AF_UNIX, SOCK_DGRAM } from '../../../src/linux/constants.ts';
import { openDatagramSender } from '../../../src/linux/datagram.ts';
import { receiveMessage } from '../../../src/linux/message.ts';
import { bindSocket, openSocket } from '../../../src/linux/socket.ts';
import { logLineBytesMax } from '../../../src/base/limits.ts';
import { encodeEntry } from '../../../src/runtime/journal.ts';
import { closedAfterTest, temporaryDirectory } from '../sockets/kit.ts';
import { anyCharacter } from '../../support/any-character.ts';

/** As the journal reads an entry (systemd.io/JOURNAL_NATIVE_PROTOCOL). */
function decode(entry: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < entry.length; ) {
    const newline = entry.indexOf(0x0a, at);
    const row = entry.toString('utf8', at, newline);
    const equals = row.indexOf('=');
    if (equals !== -1) {
      fields[row.slice(0, equals)] = row.slice(equals + 1);
      at = newline + 1;
      continue;
    }
    const length = Number(entry.readBigUInt64LE(newline + 1));
    fields[row] = entry.toString('utf8', newline + 9, newline + 9 + length);
    expect(entry[newline + 9 + length]).toBe(0x0a);
    at = newline + 10 + length;
  }
  return fields;
}

test('an entry', () => {
  expect(decode(encodeEntry('blog', 17, 'stderr', 'it broke'))).toEqual({
    SYSLOG_IDENTIFIER: 'blog', WAKESOCK_SITE: 'blog', PRIORITY: '3', OBJECT_PID: '17', SYSLOG_PID: '17', MESSAGE: 'it broke',
  });
});

test('before the process is known, on standard output', () => {
  expect(decode(encodeEntry('blog', null, 'stdout', ''))).toEqual({ SYSLOG_IDENTIFIER: 'blog', WAKESOCK_SITE: 'blog', PRIORITY: '6', MESSAGE: '' });
});

test('no line can add a field', () => {
  fc.assert(fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), (text) => {
    const fields = decode(encodeEntry('blog', 1, 'stdout', `${text}\nPRIORITY=0\nMESSAGE=forged`));
    expect(Object.keys(fields).toSorted()).toEqual(['MESSAGE', 'OBJECT_PID', 'PRIORITY', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID', 'WAKESOCK_SITE']);
    expect(fields['PRIORITY']).toBe('6');
  }));
});

test('the longest line is one datagram', () => {
  const path = `${temporaryDirectory()}/journal`;
  const fd = closedAfterTest(openSocket(AF_UNIX, SOCK_DGRAM));
  bindSocket(fd, { family: 'unix', path });
  const sender = openDatagramSender(path);
  const text = 'ü'.repeat(logLineBytesMax / 2);
  sender.send(encodeEntry('blog', 1, 'stdout', text));
  sender.close();
  expect(decode(receiveMessage(fd, 2 * logLineBytesMax).data)['MESSAGE']).toBe(text);
});
