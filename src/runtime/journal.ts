/** The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram an entry. */
import { openDatagramSender } from '../linux/datagram.ts';
import type { LineSink, OutputStream } from './output.ts';

const journalSocket = '/run/systemd/journal/socket';
/** syslog(3): info for stdout, err for stderr, as podman and conmon do. */
const priority: Record<OutputStream, number> = { stdout: 6, stderr: 3 };

/** A sink per site. `pid()` is the container's first process: it makes `journalctl -u SCOPE` find the lines. */
export interface Journal {
  sinkFor(site: string, pid: () => number | null): LineSink;
  close(): void;
}

/** @param onError told once per failure: a line that the journal does not take is lost */
export function openJournal(onError: (error: unknown) => void): Journal {
  const sender = openDatagramSender(journalSocket, { waits: false });
  return {
    sinkFor: (site, pid) => (stream, line) => {
      try {
        sender.send(encodeEntry(site, pid(), stream, line));
      } catch (error) {
        onError(error);
      }
    },
    close: () => sender.close(),
  };
}

export function encodeEntry(site: string, pid: number | null, stream: OutputStream, line: string): Buffer {
  const message = Buffer.from(line);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  const fields = [`SYSLOG_IDENTIFIER=${site}`, `WAKESOCK_SITE=${site}`, `PRIORITY=${priority[stream]}`];
  if (pid !== null) fields.push(`OBJECT_PID=${pid}`, `SYSLOG_PID=${pid}`);
  // The message comes with its length, since it may hold any byte but a newline.
  return Buffer.concat([Buffer.from(`${fields.join('\n')}\nMESSAGE\n`), length, message, Buffer.from('\n')]);
}
