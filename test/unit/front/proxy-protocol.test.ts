import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProxyHeader, plainAddress } from '../../../src/front/proxy-protocol.ts';
import { Refusal } from '../../../src/front/refusal.ts';

const signature = Buffer.from([0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]);

/** As proxy-protocol.txt 2.2 draws it. */
export function proxyHeader(command: number, family: number, rest: Uint8Array): Buffer {
  const head = Buffer.from([...signature, command, family, rest.length >> 8, rest.length & 0xFF]);
  return Buffer.concat([head, rest]);
}

const tcp4 = (address: number[], tlvs: Uint8Array = new Uint8Array()) => proxyHeader(0x21, 0x11, Buffer.from([...address, 9, 9, 9, 9, 0x30, 0x39, 0, 80, ...tlvs]));

describe('a header', () => {
  test('of IPv4, IPv6, UNIX, an unknown family, and of the proxy itself', () => {
    expect(parseProxyHeader(tcp4([192, 0, 2, 1]))).toEqual({ end: 28, address: '192.0.2.1' });
    const v6 = Buffer.alloc(36);
    Buffer.from('20010db8000000000000000000000001', 'hex').copy(v6);
    expect(parseProxyHeader(proxyHeader(0x21, 0x21, v6))).toEqual({ end: 52, address: '2001:db8::1' });
    const mapped = Buffer.alloc(36);
    Buffer.from('00000000000000000000ffffc0000201', 'hex').copy(mapped);
    expect(parseProxyHeader(proxyHeader(0x21, 0x21, mapped))).toEqual({ end: 52, address: '192.0.2.1' });
    expect(parseProxyHeader(proxyHeader(0x21, 0x31, Buffer.alloc(216, 'x')))).toEqual({ end: 232, address: null });
    expect(parseProxyHeader(proxyHeader(0x21, 0x00, Buffer.alloc(3)))).toEqual({ end: 19, address: null });
    expect(parseProxyHeader(proxyHeader(0x20, 0x11, Buffer.alloc(12, 1)))).toEqual({ end: 28, address: null });
    expect(parseProxyHeader(proxyHeader(0x20, 0x00, Buffer.alloc(0)))).toEqual({ end: 16, address: null });
  });

  test.each([
    ['of version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['of version 3', Buffer.concat([signature, Buffer.from([0x31, 0x11, 0, 12]), Buffer.alloc(12)])],
    ['with another command', Buffer.concat([signature, Buffer.from([0x22])])],
    ['of datagrams', proxyHeader(0x21, 0x12, Buffer.alloc(12))],
    ['without a transport', proxyHeader(0x21, 0x10, Buffer.alloc(12))],
    ['of another family', proxyHeader(0x21, 0x41, Buffer.alloc(216))],
    ['with fewer bytes than addresses', proxyHeader(0x21, 0x11, Buffer.alloc(11))],
    ['with fewer bytes than IPv6 addresses', proxyHeader(0x21, 0x21, Buffer.alloc(35))],
    ['that is too long', Buffer.concat([signature, Buffer.from([0x21, 0x11, 0xFF, 0xFF])])],
    ['that is a request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['that is a request behind an empty line', Buffer.from('\r\nGET / HTTP/1.1\r\n')],
  ])('%s is refused', (_, bytes) => {
    expect(() => parseProxyHeader(bytes)).toThrow(Refusal);
  });
});

const address4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
const tlvs = fc.uint8Array({ maxLength: 300 });

test('cut anywhere it is not complete yet, and what follows it is not looked at', () => {
  fc.assert(fc.property(address4, tlvs, fc.uint8Array({ maxLength: 20 }), (address, extra, behind) => {
    const header = tcp4(address, extra);
    for (let cut = 0; cut < header.length; cut++) expect(parseProxyHeader(header.subarray(0, cut))).toBeNull();
    expect(parseProxyHeader(Buffer.concat([header, behind]))).toEqual({ end: header.length, address: address.join('.') });
  }), { numRuns: 50 });
});

test('a wrong byte in the signature shows at that byte', () => {
  fc.assert(fc.property(fc.nat(11), fc.nat(255), (at, byte) => {
    fc.pre(signature[at] !== byte);
    const bytes = Buffer.from(signature);
    bytes[at] = byte;
    expect(parseProxyHeader(bytes.subarray(0, at))).toBeNull();
    expect(() => parseProxyHeader(bytes.subarray(0, at + 1))).toThrow(Refusal);
  }));
});

test('whatever comes, it is an address, nothing, or refused, and no more is asked for than there may be', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4200 }), (rest) => {
    try {
      const found = parseProxyHeader(Buffer.concat([signature, rest]));
      if (found === null) {
        expect(rest.length).toBeLessThan(4 + 4096);
        return;
      }
      expect(found.end).toBeLessThanOrEqual(signature.length + rest.length);
      expect(found.address === null || isIPv4(found.address) || isIPv6(found.address)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
  }));
});

test('any IPv6 address is read as the system writes it', () => {
  fc.assert(fc.property(fc.ipV6(), (text) => {
    const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
    const groups = expand(canonical);
    const bytes = Buffer.alloc(36);
    groups.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i));
    expect(parseProxyHeader(proxyHeader(0x21, 0x21, bytes))?.address).toBe(plainAddress(canonical));
  }));
});

function expand(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}
