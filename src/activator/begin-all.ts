/** One that is awake takes 2 ms to take over. */
const sitesPerExtension = 100;
/** As TimeoutStartSec= of wakesock.service. */
const extensionMs = 20_000;

export interface Beginning {
  /** Takes over what an earlier activator left of the site. */
  readonly begin: (site: string) => void;
  readonly failed: (site: string, error: unknown) => void;
  /** systemd is asked for so much time from now on. */
  readonly extend: (forMs: number) => void;
}

/**
 * Of all sites of which an earlier activator has left something, before the activator is ready. With thousands awake that may take longer than systemd waits: killed in the midst of it,
 * an activator would be started again and killed again, for ever, and nobody would wake any site.
 */
export function beginAll(sites: Iterable<string>, { begin, failed, extend }: Beginning): void {
  let begun = 0;
  for (const site of sites) {
    try {
      begin(site);
    } catch (error) {
      // One site must not keep the others from being served.
      failed(site, error);
    }
    begun += 1;
    if (begun % sitesPerExtension === 0) extend(extensionMs);
  }
}
