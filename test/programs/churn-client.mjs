// churn-client.mjs PLAN: clients that open a new connection for each request, one worker a site, and tell what became of
// each request, a line of JSON each. PLAN: { idleMs, seed, timeoutMs, sites: [{ site, connect, requests, burstMax }] }.
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const bodyBytesMax = 256 * 1024;
/** Longest a client that has connected keeps silent, as a part of the idle time: beyond it, it would be nobody. */
const silencePart = 0.3;
const pattern = Buffer.alloc(bodyBytesMax + 256, Uint8Array.from({ length: 256 }, (_, index) => index));
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** mulberry32: the same seed makes the same requests. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Many small, some large, at times nothing at all. */
const sizeFrom = (random) => (random() < 0.1 ? 0 : Math.floor(2 ** (random() * Math.log2(bodyBytesMax))));

function makeRequest(random, idleMs) {
  const size = sizeFrom(random);
  const pauses = Array.from({ length: 3 }, () => (random() < 0.4 ? random() * silencePart * idleMs : 0));
  if (random() < 0.5) {
    const seed = Math.floor(random() * 256);
    return { method: 'GET', size, pauses, parts: [Buffer.from(`GET /bytes/${size}/${seed} HTTP/1.1\r\nHost: churn\r\n\r\n`)], expected: pattern.subarray(seed, seed + size) };
  }
  const body = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1) body[at] = random() * 256;
  const cut = Math.floor(random() * size);
  return {
    method: 'POST', size, pauses,
    parts: [Buffer.from(`POST / HTTP/1.1\r\nHost: churn\r\nContent-Length: ${size}\r\n\r\n`), body.subarray(0, cut), body.subarray(cut)],
    expected: Buffer.from(createHash('sha256').update(body).digest('hex')),
  };
}

/** What is wrong with an answer, or null. */
function judge(answer, expected) {
  const end = answer.indexOf('\r\n\r\n');
  if (answer.length === 0) return 'closed without an answer';
  if (end === -1 || !answer.subarray(0, end).toString().startsWith('HTTP/1.1 200 ')) return `answered ${JSON.stringify(answer.subarray(0, 60).toString())}`;
  const body = answer.subarray(end + 4);
  if (body.length !== expected.length) return `a body of ${body.length} bytes, expected ${expected.length}`;
  return body.equals(expected) ? null : 'another body';
}

function ask(target, request, timeoutMs) {
  const startMs = Date.now();
  const result = { site: target.site, method: request.method, bytes: request.size, startMs, connectedMs: null, silentMs: 0, endMs: 0, local: null, error: null };
  return new Promise((resolve) => {
    const socket = connect(target.connect);
    const chunks = [];
    let failure = null;
    let heardMs = 0;
    const timer = setTimeout(() => {
      failure = `no answer within ${timeoutMs} ms`;
      socket.destroy();
    }, timeoutMs);
    const say = async () => {
      for (const [index, part] of request.parts.entries()) {
        await wait(request.pauses[index]);
        if (socket.destroyed) return;
        // The longest time for which the other side could not have known us.
        result.silentMs = Math.max(result.silentMs, Date.now() - heardMs);
        if (part.length > 0) socket.write(part, () => { heardMs = Date.now(); });
      }
    };
    socket.on('connect', () => {
      heardMs = Date.now();
      result.connectedMs = heardMs;
      result.local = socket.localPort ?? null;
      void say();
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => { failure = error.code ?? error.message; });
    socket.on('close', () => {
      clearTimeout(timer);
      result.endMs = Date.now();
      // An answer that came whole counts, however the connection ended.
      const verdict = judge(Buffer.concat(chunks), request.expected);
      result.error = verdict === null ? null : (failure ?? verdict);
      resolve(result);
    });
  });
}

/**
 * Bursts with gaps about the idle time, counted from the last answer, so that requests meet every phase of a stop and of a wake.
 * Who is not answered does not keep the others from coming.
 */
async function work({ target, idleMs, seed, timeoutMs }) {
  const random = randomFrom(seed);
  const all = [];
  for (let asked = 0; asked < target.requests;) {
    const size = Math.min(target.requests - asked, 1 + Math.floor(random() * target.burstMax));
    const burst = Array.from({ length: size }, async (_, index) => {
      if (index > 0) await wait(random() * 80);
      const result = await ask(target, makeRequest(random, idleMs), timeoutMs);
      process.stdout.write(`${JSON.stringify(result)}\n`);
    });
    asked += size;
    all.push(...burst);
    if (random() < 0.8) await Promise.race([Promise.all(burst), wait(1_500)]);
    await wait(idleMs * (0.4 + random() * 1.4));
  }
  await Promise.all(all);
}

if (isMainThread) {
  const { sites, ...plan } = JSON.parse(process.argv[2]);
  sites.forEach((target, index) => {
    new Worker(new URL(import.meta.url), { workerData: { ...plan, target, seed: plan.seed + index } })
      .on('error', (error) => { throw error; });
  });
} else await work(workerData);
