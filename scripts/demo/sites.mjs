// The sites of the demo: examples/NAME.container, what they serve, and the real clients that ask them.

/** One curl, which times itself: from its start to the first byte of the answer. */
function curl(port) {
  return ['curl', '--silent', '--show-error', '--fail', '--max-time', '20', '--write-out', String.raw`\n%{time_starttransfer} %{time_total}`, `http://127.0.0.1:${port}/`];
}

const redisCli = (...words) => ['redis-cli', ...words];
export const keptValue = 'still here';

/** `setup` runs in the box as root, in the directory of the examples. `asks`: the first wakes the site. */
export const sites = [
  { name: 'node', setup: 'mkdir -p /srv/node && cp node/server.mjs /srv/node', asks: [curl(8001), curl(8001)], expects: ['Hello from Node', 'Hello from Node'] },
  { name: 'python', setup: 'mkdir -p /srv/python && echo Hello from Python >/srv/python/index.html', asks: [curl(8002), curl(8002)], expects: ['Hello from Python', 'Hello from Python'] },
  { name: 'httpd', setup: 'mkdir -p /srv/httpd && echo Hello from busybox >/srv/httpd/index.html', asks: [curl(8003), curl(8003)], expects: ['Hello from busybox', 'Hello from busybox'] },
  {
    name: 'redis', setup: 'mkdir -p /srv/redis && chown redis:redis /srv/redis',
    asks: [redisCli('SET', 'greeting', keptValue), redisCli('GET', 'greeting')], expects: ['OK', keptValue],
    /** Asked once more when all have fallen asleep: its data have survived. */
    askAgain: redisCli('GET', 'greeting'), expectAgain: keptValue,
  },
];

/** The wall clock around the client, in seconds, on the last line. */
const timed = 'start=$EPOCHREALTIME; "$@" || exit; printf "\\n%s %s" "$start" "$EPOCHREALTIME"';

/**
 * Runs a client in the box. curl's own clock counts where there is one; redis-cli has none, so its whole run does.
 * @returns {Promise<{ ms: number, startedAtMs: number }>}
 */
export async function ask(box, client, expected) {
  const question = `${client[0]} ${client[0] === 'curl' ? client.at(-1) : client.slice(1).join(' ')}`;
  const { code, stdout, stderr } = await box.exec(['bash', '-c', timed, 'timed', ...client], { timeoutMs: 30_000 });
  if (code !== 0) throw new Error(`Expected ${question} to be answered, it exited with ${code}: ${stderr.trim()}`);
  const lines = stdout.trimEnd().split('\n');
  const [start, end] = numbersOf(lines.pop());
  const own = client[0] === 'curl' ? numbersOf(lines.pop()) : undefined;
  const answer = lines.join('\n').trim();
  if (!answer.includes(expected)) throw new Error(`Expected ${question} to answer "${expected}", got "${answer}"`);
  if (own === undefined) return { ms: (end - start) * 1000, startedAtMs: start * 1000 };
  const [firstByte, total] = own;
  return { ms: firstByte * 1000, startedAtMs: (end - total) * 1000 };
}

export const timedBy = ([client]) => client === 'curl' ? 'curl' : `the whole run of ${client}`;

const numbersOf = (line = '') => line.split(' ').map(Number);
