/** bench/subjects/launcher.pl with a command that comes back once its program runs, as podman's do. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineProcess } from '../../../bench/harness/line-process.ts';
import { ask } from '../../../src/bench/ask.ts';

const program = 'open my $listener, "+<&=", 3; while (accept my $client, $listener) { sysread $client, my $request, 99; syswrite $client, "served"; close $client }';
let directory: string;

beforeEach(() => { directory = mkdtempSync(`${tmpdir()}/launcher-`); });
afterEach(() => rmSync(directory, { recursive: true }));

const pid = (): number => Number(readFileSync(`${directory}/pid`, 'utf8'));
const served = (port: number): Promise<number> => ask({ address: { host: '127.0.0.1', port }, request: 'x', problem: (head) => (head === 'served' ? null : head), timeoutMs: 20_000 });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => { server.close(() => resolve()); });
  return port;
}

function launch(port: number): LineProcess {
  return new LineProcess('perl', [
    'bench/subjects/launcher.pl', String(port), '', 'none', '', 'sh', '-c', 'echo started; perl -e "$0" & echo $! > "$1/pid"', program, directory,
    '--', 'sh', '-c', 'kill $(cat "$0/pid"); echo stopped', directory,
  ]);
}

describe('launcher.pl with a stop command', () => {
  it('says that it is dormant and nothing else, and that only when nothing of the program is left', async () => {
    const port = await freePort();
    const launcher = launch(port);
    await launcher.expect('ready');
    for (let round = 0; round < 3; round += 1) {
      await served(port);
      launcher.send('sleep');
      await launcher.expect('dormant');
      expect(() => process.kill(pid(), 0)).toThrow('ESRCH');
    }
    await launcher.end();
  });

  it('does not go on when it is told to end what it has not started', async () => {
    const launcher = launch(await freePort());
    await launcher.expect('ready');
    launcher.send('sleep');
    await expect(launcher.expect('dormant')).rejects.toThrow(/has ended \([^0]/);
  });
});
