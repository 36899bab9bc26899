import type { LeaseAddress } from './types.ts';

/** Where a listening socket is connected to: one of all addresses by its family's loopback address. */
export function leaseAddressOf(address: { readonly family: 'unix'; readonly path: string } | { readonly family: 'ipv4' | 'ipv6'; readonly address: string; readonly port: number }): LeaseAddress {
  switch (address.family) {
    case 'unix': return { family: 'unix', address: address.path };
    case 'ipv4': return { family: 'ipv4', address: `${address.address === '0.0.0.0' ? '127.0.0.1' : address.address}:${address.port}` };
    case 'ipv6': return { family: 'ipv6', address: `[${address.address === '::' ? '::1' : address.address}]:${address.port}` };
  }
}
