import { parseIpv4, parseIpv6 } from './ip-address.ts';
import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** A network: an address whose last bits are all 0, and how many first bits count. */
export interface IpPrefix {
  readonly family: 'ipv4' | 'ipv6';
  /** Canonical, bits beyond the length cleared. */
  readonly address: string;
  readonly length: number;
}

const named: Readonly<Record<string, readonly string[]>> = {
  any: ['0.0.0.0/0', '::/0'], localhost: ['127.0.0.0/8', '::1/128'], 'link-local': ['169.254.0.0/16', 'fe80::/64'], multicast: ['224.0.0.0/4', 'ff00::/8'],
};

/**
 * Reads an IP prefix such as `10.0.0.0/8`, `::1` or `2001:db8::/32`; without a length it is one address.
 * @throws UnitValueError
 */
export function parseIpPrefix(text: string): IpPrefix {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseIpv4(host);
  const v6 = v4 === null ? parseIpv6(host) : null;
  if (v4 === null && v6 === null) throw new UnitValueError(`Expected an IP address or prefix such as 10.0.0.0/8, found ${quote(text)}`);
  const bits = v4 === null ? 128 : 32;
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  if (!(length <= bits)) throw new UnitValueError(`Expected a prefix length from 0 to ${bits}, found ${quote(lengthText)}`, { offset: slash + 1 });
  return v4 !== null ? { family: 'ipv4', address: maskV4(v4, length), length } : { family: 'ipv6', address: maskV6(v6 as string, length), length };
}

/**
 * Reads `IPAddressAllow=` and `IPAddressDeny=`: prefixes separated by spaces, and `any`, `localhost`, `link-local`, `multicast`
 * (`man systemd.resource-control`). @throws UnitValueError
 */
export function parseIpPrefixes(text: string): IpPrefix[] {
  return [...text.matchAll(/[^ \t\n\r]+/g)].flatMap(({ 0: word, index }) => {
    if (Object.hasOwn(named, word)) return (named[word] as readonly string[]).map(parseIpPrefix);
    try {
      return [parseIpPrefix(word)];
    } catch (error) {
      if (!(error instanceof UnitValueError)) throw error;
      throw new UnitValueError(error.message, { offset: index + error.offset });
    }
  });
}

function maskV4(address: string, length: number): string {
  const parts = address.split('.').map(Number);
  return parts.map((part, i) => part & maskOf(length - i * 8, 8)).join('.');
}

function maskV6(address: string, length: number): string {
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups = right === undefined ? head : [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  const masked = groups.map((group, i) => (Number.parseInt(group, 16) & maskOf(length - i * 16, 16)).toString(16));
  return parseIpv6(masked.join(':')) as string;
}

const maskOf = (bits: number, width: number): number => (bits <= 0 ? 0 : bits >= width ? 2 ** width - 1 : 2 ** width - 2 ** (width - bits));
