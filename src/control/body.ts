import type { IncomingMessage } from 'node:http';
import { WakesockError } from '../base/errors.ts';
import { controlBodyBytesMax } from '../base/limits.ts';

/**
 * The JSON object of a request's body; an empty body is `{}`.
 * @throws WakesockError ERR_WAKESOCK_LIMIT over 16 KiB, ERR_WAKESOCK_USAGE not a JSON object
 */
export async function readJsonBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > controlBodyBytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`: leaving its loop would destroy the connection before the refusal is sent.
  await new Promise<void>((done, fail) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > controlBodyBytesMax) {
        request.pause();
        fail(tooLarge());
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', done);
    request.once('error', fail);
    request.once('close', () => fail(new WakesockError('ERR_WAKESOCK_USAGE', 'The connection closed within the body')));
  });
  return length === 0 ? {} : parseObject(Buffer.concat(chunks).toString('utf8'));
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected a body of JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected a body that is a JSON object, got ${JSON.stringify(value).slice(0, 100)}`);
}

function tooLarge(): WakesockError {
  return new WakesockError('ERR_WAKESOCK_LIMIT', `Expected a body of at most ${controlBodyBytesMax} bytes`);
}
