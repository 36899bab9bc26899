import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NetworkMode, SiteNetwork } from '../../../src/base/site.ts';
import { hostsText } from '../../../src/runtime/hosts-file.ts';
import { resolvConf } from '../../../src/runtime/resolv-conf.ts';
import { makeSite, noNetwork } from './fixtures.ts';
import { anyCharacter } from '../../support/any-character.ts';

const pasta: NetworkMode = { kind: 'pasta', options: [] };
const network = (mode: NetworkMode, dns: Partial<SiteNetwork['dns']> = {}): SiteNetwork => ({ mode, dns: { ...noNetwork.dns, ...dns }, hosts: [] });
const resolved = 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n';

test.each<[string, SiteNetwork, string, string | null]>([
  ['none', network({ kind: 'none' }), 'nameserver 1.1.1.1\n', null],
  ['host: as it is', network({ kind: 'host' }), resolved, 'nameserver 127.0.0.53\noptions edns0 trust-ad\n'],
  ['pasta: without loopback', network(pasta), '# x\ndomain a.example\nsearch b.example c.example\nnameserver 127.0.0.1\nnameserver 1.1.1.1 # y\nnameserver ::1\nnameserver 2001:db8::1\n', 'search b.example c.example\nnameserver 1.1.1.1\nnameserver 2001:db8::1\n'],
  ['pasta: nothing but loopback', network(pasta), resolved, 'nameserver 169.254.1.1\noptions edns0 trust-ad\n'],
  ['pasta: its own forwarder', network({ kind: 'pasta', options: ['--dns-forward', '10.0.0.1'] }), resolved, 'nameserver 10.0.0.1\noptions edns0 trust-ad\n'],
  ['what the site says', network(pasta, { servers: ['9.9.9.9'], search: ['x.example'], options: ['ndots:1'] }), resolved, 'search x.example\nnameserver 9.9.9.9\noptions ndots:1\n'],
  ['no search', network(pasta, { search: ['.'] }), 'search a.example\nnameserver 1.1.1.1\n', 'nameserver 1.1.1.1\n'],
  ['no file at all', network(pasta), '', 'nameserver 169.254.1.1\n'],
])('%s', (_, site, host, expected) => expect(resolvConf(site, (path) => (path === '/etc/resolv.conf' ? host : ''))).toBe(expected));

test('whatever the host\'s says, no line of it leads a site with pasta to a loopback address', () => {
  const line = fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom('nameserver 127.0.0.1', 'nameserver 127.9.9.9', 'nameserver ::1', 'nameserver 1.2.3.4', 'options a b', 'search x', ';nameserver 5.5.5.5'));
  fc.assert(fc.property(fc.array(line), (lines) => {
    const text = resolvConf(network(pasta), (path) => (path === '/etc/resolv.conf' ? lines.join('\n') : '')) ?? '';
    expect(text).not.toMatch(/^nameserver (?:127\.|::1$)/m);
    expect(text).toMatch(/^nameserver /m);
  }));
});

describe('/etc/hosts', () => {
  const hosts = [{ names: ['db', 'db2'], address: '10.0.0.1' }];

  test('what is added comes first, then the site\'s own', () => {
    expect(hostsText(makeSite({ network: { ...noNetwork, hosts } }), () => 'x')).toBe('10.0.0.1 db db2\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 blog\n');
  });

  test('Network=host: and the host\'s', () => {
    expect(hostsText(makeSite({ network: network({ kind: 'host' }) }), () => '10.9.9.9 other\n')).toMatch(/127\.0\.1\.1 blog\n10\.9\.9\.9 other\n$/);
  });
});
