import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How this machine's apt fetches (proxies, clock checks): mmdebstrap starts with none of it. */
export async function aptOptions(): Promise<string[]> {
  const { stdout } = await run('apt-config', ['dump']);
  return stdout.split('\n')
    .filter((line) => /^Acquire::(?:http|https|Check-|Retries|ForceIPv)/.test(line) && !line.endsWith(' "";'));
}
