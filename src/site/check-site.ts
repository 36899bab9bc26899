import { realpathSync, statSync } from 'node:fs';
import { describeError, WakesockError } from '../base/errors.ts';
import { frontFileBytesMax } from '../base/limits.ts';
import type { Site } from '../base/site.ts';
import { readMountTable } from '../linux/mount-table.ts';
import { pathDefault } from '../runtime/bundle.ts';
import { findDevices } from '../runtime/devices.ts';
import { withMappable } from '../runtime/mappable.ts';
import { networkService } from '../runtime/network.ts';
import { systemUnitDirs } from '../systemd/unit-names.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { loadUnit } from '../unitfile/load.ts';
import type { Place } from '../unitfile/unit-file.ts';
import type { SitePlaces } from './load-site.ts';
import { resolveInRoot } from './resolve-in-root.ts';

/**
 * Checks a site against the machine: its root, its volumes, its program.
 * @param places where its values stand, for the diagnostics; without, they have no file
 */
export function checkSite(site: Site, places?: SitePlaces): Diagnostic[] {
  const found: Diagnostic[] = [];
  const report = (code: string, place: Place | null | undefined, message: string, suggestion: string | null = null): void => {
    found.push({ severity: 'error', code, ...placeOf(place, places), message, suggestion });
  };
  for (const { kind, source, target } of site.mounts) {
    if (kind === 'bind' && source !== null && kindOf(source) === null) report('volume-missing', places?.mounts.get(target), `Expected a file or directory for the volume at ${target}, found nothing at ${source}`);
  }
  found.push(...(places?.frontFiles ?? []).flatMap(({ path, place: { file, line, column, text } }): Diagnostic[] => {
    const problem = frontFileProblem(path);
    return problem === null ? [] : [{ severity: 'warning', code: 'front-file', file, line, column, text, message: `Expected ${problem} at ${path}: the front door will do without`, suggestion: null }];
  }));
  if (site.root.kind === 'none') {
    if (site.unit !== null && !unitExists(site.unit)) report('unit-missing', places?.unit, `Unit=: Expected a unit that systemd finds, found no file of ${site.unit}`);
    return found;
  }
  found.push(...userNamespaceProblems(site, places));
  const attempt = (place: Place | null | undefined, act: () => unknown): void => {
    try {
      act();
    } catch (error) {
      if (!(error instanceof WakesockError)) throw error;
      const { code, message } = describeError(error);
      report(code, place, message);
    }
  };
  attempt(places?.network, () => networkService(site, { runtime: '', input: '', lock: '' }));
  for (const device of site.devices) attempt(places?.devices.get(device.source), () => findDevices([device]));
  // Whether podman has the image, and what is in it, is looked at when the site is prepared.
  if (site.root.kind === 'image') return found;
  const root = site.root.kind === 'host' ? '/' : site.root.path;
  const kind = kindOf(root);
  if (kind !== 'directory') {
    report('ERR_WAKESOCK_ROOTFS', places?.root, `Expected a directory for the root of site ${site.name}, found ${kind === null ? 'nothing' : 'something else'} at ${root}`);
    return found;
  }
  const problem = programProblem(site, root);
  if (problem !== null) report('ERR_WAKESOCK_PROGRAM', places?.exec, problem);
  return found;
}

/** Where systemd looks, generators' directories included: Quadlet's units are there. An instance is its template's. */
function unitExists(unit: string): boolean {
  const { files, masked } = loadUnit(unit, [...systemUnitDirs, '/etc/systemd/system.control', '/run/systemd/transient', '/run/systemd/generator.early', '/run/systemd/generator',
    '/usr/local/lib/systemd/system', '/lib/systemd/system', '/run/systemd/generator.late']);
  return files.length > 0 && !masked;
}

/** The front door runs as a user of its own, so that others must be allowed to read. */
function frontFileProblem(path: string): string | null {
  let stat;
  try {
    stat = statSync(path);
  } catch {
    return 'a file';
  }
  if (!stat.isFile()) return 'a file';
  if (realpathSync(path) !== path) return 'a file that is reached without links';
  if ((stat.mode & 0o004) === 0) return 'a file that everybody may read (mode 0644)';
  return stat.size > frontFileBytesMax ? `a file of at most ${frontFileBytesMax} bytes, found ${stat.size}` : null;
}

/** Only root can try. What is of podman's storage and the state directory is tried when the site is prepared. */
function userNamespaceProblems(site: Site, places: SitePlaces | undefined): Diagnostic[] {
  const { userNs } = site;
  if (userNs === null || process.geteuid?.() !== 0) return [];
  const tried = [
    ...site.root.kind === 'rootfs' ? [{ path: site.root.path, place: places?.root }] : [],
    ...site.mounts.flatMap(({ kind, source, target }) => (kind === 'bind' && source !== null ? [{ path: source, place: places?.mounts.get(target) }] : [])),
  ].filter(({ path }) => kindOf(path) !== null);
  const problems = withMappable(readMountTable(), (mappable) => tried.flatMap(({ path, place }) => {
    const message = mappable(path);
    return message === null ? [] : [{ message, place }];
  }));
  const all = typeof problems === 'string' ? [{ message: problems, place: places?.root }] : problems;
  const found: Diagnostic[] = [];
  for (const { message, place } of all) {
    found.push({
      ...placeOf(place, places), code: 'no-user-namespace', severity: userNs.required ? 'error' : 'warning', suggestion: 'UserNS=host in [Container]',
      message: `Expected files that can be the site's own in a user namespace: ${message}`,
    });
  }
  return found;
}

function placeOf(place: Place | null | undefined, places: SitePlaces | undefined): Place {
  const { file, line, column, text } = place ?? { file: places?.file ?? '', line: 0, column: 0, text: '' };
  return { file, line, column, text };
}

function kindOf(path: string): 'directory' | 'other' | null {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'other';
  } catch {
    return null;
  }
}

/** The program is looked up as execvpe() in the container would. */
function programProblem(site: Site, root: string): string | null {
  const program = site.exec[0];
  if (program === undefined || program === '') return 'Expected a program, found none';
  const workingDir = site.workingDir ?? '/';
  const path = site.environment['PATH'] ?? pathDefault;
  const candidates = program.includes('/') ? [program.startsWith('/') ? program : `${workingDir}/${program}`]
    : path.split(':').map((dir) => (dir.startsWith('/') ? `${dir}/${program}` : `${workingDir}/${dir}/${program}`));
  let reason = `found nothing${program.includes('/') ? '' : ` in ${path}`}`;
  for (const candidate of candidates) {
    // What is in a volume only podman can say, and enable does.
    if (site.mounts.some(({ kind, target }) => kind === 'volume' && candidate.startsWith(`${target}/`))) return null;
    const there = resolveInRoot(root, candidate, site.mounts);
    if (there === null) continue;
    if (!there.stat.isFile()) reason = `found something that is no file at ${candidate}`;
    else if ((there.stat.mode & 0o111) === 0) reason = `found a file that nobody may execute at ${candidate}`;
    else if (site.root.kind === 'host' && !isInHostRoot(there.path, site)) reason = `found it at ${there.path}, which is outside of /usr and of the site's volumes`;
    else return null;
  }
  return `Expected the program ${JSON.stringify(program.slice(0, 200))} in the root of site ${site.name}, ${reason}`;
}

/** Of the host only /usr is in the root of a Root=host site. */
function isInHostRoot(path: string, site: Site): boolean {
  return path.startsWith('/usr/') || site.mounts.some(({ kind, target }) => kind !== 'tmpfs' && ( path === target || path.startsWith(`${target}/`)));
}
