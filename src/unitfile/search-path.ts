/** Where systemd and Quadlet look for files, highest precedence first (`man systemd.unit`, Unit File Load Path). */

export interface SearchPathSources {
  /** Default `system`. */
  readonly manager?: 'system' | 'user';
  /** For `user`: `$HOME`, and `$XDG_…` where they are set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Directories that the manager's generators write to, and what is only attached for a while. Default true. */
  readonly transient?: boolean;
}

/**
 * As `systemd-analyze unit-paths`, whether the directories exist or not.
 * @example
 * unitSearchPath({ transient: false }) // ['/etc/systemd/system', '/run/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system']
 */
export function unitSearchPath(sources: SearchPathSources = {}): string[] {
  const { manager = 'system', environment = {}, transient = true } = sources;
  const some = (dirs: readonly string[]): readonly string[] => (transient ? dirs : []);
  if (manager === 'system') {
    return [
      ...some(['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient', '/run/systemd/generator.early']), '/etc/systemd/system',
      ...some(['/etc/systemd/system.attached']), '/run/systemd/system', ...some(['/run/systemd/system.attached', '/run/systemd/generator']),
      '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', ...some(['/run/systemd/generator.late']),
    ];
  }
  const home = environment['HOME'] ?? '/';
  const config = environment['XDG_CONFIG_HOME'] ?? `${home}/.config`;
  const runtime = environment['XDG_RUNTIME_DIR'];
  const inRuntime = (names: readonly string[]): readonly string[] => (runtime === undefined ? [] : names.map((name) => `${runtime}/systemd/${name}`));
  const listed = (key: string, otherwise: string): string[] => (environment[key] ?? otherwise).split(':').filter((dir) => dir.startsWith('/')).map((dir) => `${dir.replace(/(?<!\/)\/+$/, '')}/systemd/user`);
  const all = [
    ...some([`${config}/systemd/user.control`, ...inRuntime(['user.control', 'transient', 'generator.early'])]), `${config}/systemd/user`,
    ...(environment['XDG_CONFIG_DIRS'] === undefined ? [] : listed('XDG_CONFIG_DIRS', '')), '/etc/systemd/user', ...inRuntime(['user']), '/run/systemd/user', ...some(inRuntime(['generator'])),
    `${environment['XDG_DATA_HOME'] ?? `${home}/.local/share`}/systemd/user`, ...listed('XDG_DATA_DIRS', '/usr/local/share:/usr/share'),
    '/usr/local/lib/systemd/user', '/usr/lib/systemd/user', ...some(inRuntime(['generator.late'])),
  ];
  return [...new Set(all)];
}

/** Where Quadlet looks as root, and for a user (`man podman-systemd.unit`). `home` or `$XDG_CONFIG_HOME` and `$XDG_RUNTIME_DIR` for a user. */
export function quadletSearchPath(sources: Pick<SearchPathSources, 'manager' | 'environment'> & { readonly uid?: number } = {}): string[] {
  const { manager = 'system', environment = {}, uid } = sources;
  if (manager === 'system') return ['/run/containers/systemd', '/etc/containers/systemd', '/usr/share/containers/systemd'];
  const runtime = environment['XDG_RUNTIME_DIR'];
  return [
    ...(runtime === undefined ? [] : [`${runtime}/containers/systemd`]), `${environment['XDG_CONFIG_HOME'] ?? `${environment['HOME'] ?? ''}/.config`}/containers/systemd`,
    ...(uid === undefined ? [] : [`/etc/containers/systemd/users/${uid}`]), '/etc/containers/systemd/users',
  ];
}
