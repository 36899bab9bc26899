/**
 * browser.mjs URL GATE: headless Chromium opens a page. The first answer that is not 200 opens the gate (makes the file), as somebody who makes a slow site
 * ready. Ends when the page has said its outcome on the console; prints that and the pages that were shown.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [url, gate] = process.argv.slice(2);
const home = mkdtempSync(join(tmpdir(), 'browser-'));
// By pipes (`--remote-debugging-pipe`): no port, no client of WebSockets.
const chromium = spawn('/usr/bin/chromium', [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints', `--user-data-dir=${home}`, '--host-resolver-rules=MAP *.example 127.0.0.1', '--remote-debugging-pipe', 'about:blank',
], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: { ...process.env, HOME: home } });
let said = '';
chromium.stderr.on('data', (chunk) => { said = (said + chunk).slice(-4_000); });
const exited = new Promise((resolve) => { chromium.once('exit', resolve); });

const answers = new Map();
const pages = [];
let next = 0;
let tell;
const outcome = new Promise((resolve) => { tell = resolve; });

function send(method, params = {}, sessionId = undefined) {
  const id = ++next;
  chromium.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => { answers.set(id, { resolve, reject }); });
}

function onMessage({ id, result, error, method, params }) {
  if (id !== undefined) {
    if (error === undefined) answers.get(id)?.resolve(result);
    else answers.get(id)?.reject(new Error(error.message));
  } else if (method === 'Network.responseReceived' && params.type === 'Document') {
    pages.push({ status: params.response.status, cacheControl: params.response.headers['Cache-Control'] ?? null });
    if (params.response.status !== 200) writeFileSync(gate, '');
  } else if (method === 'Runtime.consoleAPICalled') {
    const text = String(params.args[0]?.value);
    if (text.startsWith('outcome ')) tell(JSON.parse(text.slice('outcome '.length)));
  } else if (method === 'Log.entryAdded' && params.entry.level === 'error' && params.entry.source !== 'network') {
    pages.push({ complaint: params.entry.text });
  }
}

let rest = '';
chromium.stdio[4].setEncoding('utf8').on('data', (chunk) => {
  const messages = (rest + chunk).split('\0');
  rest = messages.pop();
  for (const message of messages) onMessage(JSON.parse(message));
});

const ended = exited.then((code) => { throw new Error(`Chromium ended with ${code}: ${said}`); });
ended.catch(() => {});
try {
  const { targetId } = await Promise.race([send('Target.createTarget', { url: 'about:blank' }), ended]);
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  for (const domain of ['Network', 'Runtime', 'Page', 'Log']) await send(`${domain}.enable`, {}, sessionId);
  await send('Page.navigate', { url }, sessionId);
  console.log(JSON.stringify({ pages, outcome: await Promise.race([outcome, ended]) }));
} finally {
  chromium.kill('SIGKILL');
  await exited;
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
