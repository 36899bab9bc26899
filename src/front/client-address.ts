import { isIP } from 'node:net';
import { Field } from './fields.ts';
import type { Peers } from './peers.ts';
import { plainAddress } from './proxy-protocol.ts';
import type { RequestHead } from './request-head.ts';

/**
 * Who asks, as trusted proxies on the way say: from the last to the first the one that is not itself trusted. Where the way is not told, or not
 * readably, it ends there. Of both fields `X-Forwarded-For` counts, which proxies write whom nobody has told otherwise.
 *
 * Only directly after the head was parsed.
 *
 * @param peer of the connection, or of its PROXY header
 */
export function clientAddress(bytes: Buffer, { fields }: RequestHead, peer: string, peers: Peers): string {
  if (!peers.isTrusted(peer)) return peer;
  const clients: string[] = [];
  const elements: string[] = [];
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] === Field.forwardedFor) clients.push(fields.value(bytes, i));
    else if (fields.kind[i] === Field.forwardedElements) elements.push(fields.value(bytes, i));
  }
  const way = clients.length > 0 ? clients.join(',').split(',') : elementsOf(elements.join(','));
  let client = peer;
  for (const each of way.toReversed()) {
    const address = addressOf(clients.length > 0 ? each : forOf(each));
    if (address === null) break;
    client = address;
    if (!peers.isTrusted(client)) break;
  }
  return client;
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, each also in quotes (RFC 7239 6). Null: `unknown`, `_hidden`, or no address. */
function addressOf(text: string): string | null {
  const bare = text.trim().replace(/^"(.*)"$/, '$1');
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(bare) ?? [];
  const address = bracketed ?? dotted ?? bare;
  return isIP(address) === 0 ? null : plainAddress(address.toLowerCase());
}

/** Of a list, RFC 7239 4: what a comma in quotes separates is one. Quotes that are not closed end with the list: looked for again from each of them, they would take its length squared. */
export const forwardedElement = /(?:"(?:[^"\\]|\\.?)*(?:"|$)|[^,"])+/g;

function elementsOf(list: string): string[] {
  return list.match(forwardedElement) ?? [];
}

function forOf(element: string): string {
  return /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;\s]*)/i.exec(element.trim())?.[1] ?? '';
}
