/** Which site a host name belongs to: exact names, `*.example.com` for every name below, `*` for all others. */
export class RouteTable {
  readonly #exact = new Map<string, string>();
  /** By what follows the `*.`. */
  readonly #below = new Map<string, string>();
  #other: string | null = null;
  /** Names that a second site claims; the first keeps them. */
  readonly claimedTwice: { readonly host: string; readonly site: string; readonly other: string }[] = [];

  add(site: string, hosts: readonly string[]): void {
    for (const host of hosts) this.#add(host, site);
  }

  get size(): number {
    return this.#exact.size + this.#below.size + (this.#other === null ? 0 : 1);
  }

  /** The site's name, or null. Of several patterns the longest wins. @param host in lower case, without port and last dot */
  find(host: string): string | null {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    if (this.#below.size > 0) {
      for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
        const below = this.#below.get(host.slice(dot + 1));
        if (below !== undefined) return below;
      }
    }
    return this.#other;
  }

  #add(host: string, site: string): void {
    if (host === '*') {
      if (this.#other === null) this.#other = site;
      else if (this.#other !== site) this.claimedTwice.push({ host, site: this.#other, other: site });
      return;
    }
    const [map, key] = host.startsWith('*.') ? [this.#below, host.slice(2)] : [this.#exact, host];
    const first = map.get(key);
    if (first === undefined) map.set(key, site);
    else if (first !== site) this.claimedTwice.push({ host, site: first, other: site });
  }
}
