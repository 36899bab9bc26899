/** Where things are. One value, made once from the command line, passed down. */
export interface Paths {
  /** Directories of site files, highest precedence first. */
  readonly siteDirs: readonly string[];
  /** Prepared bundles, enabled instances, wake history. Survives a reboot. */
  readonly stateDir: string;
  /** Control socket, runtime state. Does not survive a reboot. */
  readonly runtimeDir: string;
  /** Control socket. */
  readonly controlPath: string;
}

export const systemPaths: Paths = {
  siteDirs: ['/etc/wakesock/sites', '/run/wakesock/sites', '/usr/lib/wakesock/sites'],
  stateDir: '/var/lib/wakesock',
  runtimeDir: '/run/wakesock',
  controlPath: '/run/wakesock/control.sock',
};

/** The socket that can be asked for leases and no more. */
export function leaseSocketPath({ runtimeDir }: Pick<Paths, 'runtimeDir'>): string {
  return `${runtimeDir}/lease.sock`;
}

/** The directory of a prepared site: `config.json` (OCI) and `site.json` (PreparedSite). */
export function preparedDir(paths: Paths, site: string): string {
  return `${paths.stateDir}/sites/${site}`;
}

/** Left by `enable` where no socket unit of the site tells that it is enabled: of an instance of a template, and of a site with `Host=` only. */
export function enabledRecord(paths: Paths, site: string): string {
  return `${paths.stateDir}/instances/${site}`;
}

/** Runtime state of a site that is not dormant. */
export function runtimeSiteDir(paths: Paths, site: string): string {
  return `${paths.runtimeDir}/sites/${site}`;
}
