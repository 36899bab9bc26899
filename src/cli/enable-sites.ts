import { describeError, WakesockError } from '../base/errors.ts';
import { listenFdNamesBytesMax } from '../base/limits.ts';
import type { Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import { isRecorded, recordEnabled } from '../runtime/enabled.ts';
import type { Manager } from '../systemd/manager.ts';
import { storedKinds } from '../systemd/fd-names.ts';
import { controlFdName, leaseFdName, serviceUnitName, scopePattern, siteOfUnit, socketUnitName, socketUnitPattern } from '../systemd/unit-names.ts';
import { closeSockets, hasSocketUnit, letGo } from './close-sockets.ts';
import { isInstance } from './site-names.ts';
import { serviceInFile, serviceOf, socketUnitText } from './socket-unit.ts';
import { startSockets } from './start-sockets.ts';
import { stopSites } from './stop-sites.ts';
import { syncLinks, writeOurs, type FileChange } from './written-files.ts';

export interface EnableParts {
  readonly paths: Paths;
  /** Where socket units go: /etc/systemd/system. */
  readonly unitDir: string;
  readonly manager: Manager;
  readonly prepare: (name: string) => Promise<PreparedSite>;
  /** Asks the activator to stop a site whose socket is made anew: its program holds the old one. */
  readonly sleep: (name: string) => Promise<unknown>;
}

export interface EnabledSite {
  readonly name: string;
  /** Null: the site has no `ListenStream=`, it is reached through the front door. */
  readonly unit: string | null;
  readonly listen: readonly string[];
  readonly warnings: readonly string[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

interface Enabling {
  readonly name: string;
  site?: PreparedSite['site'];
  warnings: readonly string[];
  unit: string | null;
  change: FileChange;
  /** It has a `ListenStream=` now, and had none when it was enabled last. */
  hadNone: boolean;
  /** Whose the sockets were, where the unit was there before. */
  formerService: string | null;
  error: WakesockError | null;
}

/** Any number of sites with one daemon-reload and one step aside. A site that fails does not hold up the others. */
export async function enableSites(names: readonly string[], parts: EnableParts): Promise<EnabledSite[]> {
  await requireInstalled(parts.manager);
  const sites: Enabling[] = [];
  for (const name of names) sites.push(await prepareOne(name, parts));
  await checkNameBytes(sites, parts.manager);

  // Its file had a ListenStream= once.
  await closeSockets(sites.filter(({ error, unit, name }) => error === null && unit === null && hasSocketUnit(name, parts.unitDir)).map(({ name }) => name), parts);

  // Its program holds a socket of the activator's, where nobody would come any more.
  await stopSites(sites.filter(({ error, hadNone }) => error === null && hadNone).map(({ name }) => name), parts.manager, parts.sleep);

  const units = sites.filter(isGood).flatMap(({ unit }) => unit ?? []);
  if (units.length > 0) {
    const linked = await parts.manager.enableUnitFiles(units);
    if (linked) syncLinks(parts.unitDir);
    if (linked || sites.some(({ change }) => change === 'written')) await parts.manager.reload();
    const down = await notYetUp(sites.filter(isGood), parts);
    for (const service of new Set(sites.flatMap(({ site }) => (site === undefined ? [] : [serviceOf(site)])))) {
      const its = sites.filter(({ site }) => site !== undefined && serviceOf(site) === service);
      const failures = await startSockets(parts.manager, down.filter((unit) => its.some((site) => site.unit === unit)), service);
      for (const site of its) if (site.unit !== null) site.error ??= failures.get(site.unit) ?? null;
    }
  }
  return sites.map(({ name, unit, site, warnings, error }) => ({
    name, unit, warnings, listen: site?.listen.map(({ text }) => text) ?? [], error: error ? describeError(error) : null,
  }));
}

const isGood = ({ error }: Enabling): boolean => error === null;

async function requireInstalled(manager: Manager): Promise<void> {
  const { LoadState: load } = await manager.getUnitProperties(serviceUnitName, 'Unit', ['LoadState']);
  if (load === 'loaded') return;
  throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${serviceUnitName} is not installed (systemd says "${String(load)}"); run \`wakesock install\` first`);
}

async function prepareOne(name: string, { paths, unitDir, prepare, manager }: EnableParts): Promise<Enabling> {
  const enabling: Enabling = { name, warnings: [], unit: null, change: 'unchanged', hadNone: false, formerService: null, error: null };
  try {
    const { site, warnings } = await prepare(name);
    enabling.site = site;
    enabling.warnings = warnings;
    if (site.unit !== null) await requireUnit(name, site.unit, manager);
    const hadNone = isRecorded(paths, name) && !hasSocketUnit(name, unitDir);
    if (isInstance(name) || site.listen.length === 0) recordEnabled(paths, name);
    if (site.listen.length > 0) {
      enabling.hadNone = hadNone;
      enabling.unit = socketUnitName(name);
      enabling.formerService = serviceInFile(`${unitDir}/${enabling.unit}`);
      enabling.change = writeOurs(`${unitDir}/${enabling.unit}`, socketUnitText({ ...site, name }));
    }
  } catch (error) {
    enabling.error = asWakesockError(error);
  }
  return enabling;
}

/** Of a relayed site: what is to be started must be there. */
async function requireUnit(name: string, unit: string, manager: Manager): Promise<void> {
  const { LoadState: load } = await manager.getUnitProperties(unit, 'Unit', ['LoadState']);
  if (load === 'loaded') return;
  throw new WakesockError('ERR_WAKESOCK_SYSTEMD', `${name}: Unit=${unit} cannot be started: systemd says "${String(load)}"`);
}

/** All descriptor names come to the activator in one environment variable: past its limit it could not be started at all. */
async function checkNameBytes(sites: readonly Enabling[], manager: Manager): Promise<void> {
  const before = (await manager.listUnits([socketUnitPattern])).flatMap(({ name }) => siteOfUnit(name) ?? []);
  let bytes = `${controlFdName}:${leaseFdName}:`.length;
  for (const { name } of await manager.listUnits([scopePattern])) {
    for (const kind of storedKinds) bytes += `${kind}=${siteOfUnit(name)}:`.length;
  }
  for (const name of new Set([...before, ...sites.filter(isGood).map(({ name }) => name)])) {
    const site = sites.find((each) => each.name === name)?.site;
    // A relay has its own site's only.
    const sockets = site?.handoff === 'relay' ? 0 : site?.listen.length ?? 1;
    bytes += sockets * (name.length + 1);
  }
  if (bytes <= listenFdNamesBytesMax) return;
  throw new WakesockError('ERR_WAKESOCK_LIMIT',
    `The descriptor names of all sites, ${storedKinds.length} more for each that is awake, would take ${bytes} bytes of LISTEN_FDNAMES, of which there are ${listenFdNamesBytesMax}: choose shorter names, or sites without ListenStream=`);
}

/** Those that are not up, and those that are up as an older file said: they are stopped first, and who was served there. */
async function notYetUp(sites: readonly Enabling[], { manager, sleep }: EnableParts): Promise<string[]> {
  const active = new Set((await manager.listUnits([socketUnitPattern])).filter(({ activeState }) => activeState === 'active').map(({ name }) => name));
  const changed = sites.filter(({ unit, change }) => unit !== null && change === 'written' && active.has(unit));
  await stopSites(changed.map(({ name }) => name), manager, sleep);
  await Promise.all(changed.map(({ name }) => manager.stopUnit(socketUnitName(name))));
  // It still listens there.
  const former = changed.flatMap(({ site, formerService }) => (site && formerService !== null && formerService !== serviceOf(site) ? [formerService] : []));
  await letGo([...new Set(former)], manager);
  return sites.flatMap((site) => (site.unit !== null && (!active.has(site.unit) || changed.includes(site)) ? [site.unit] : []));
}

function asWakesockError(error: unknown): WakesockError {
  if (error instanceof WakesockError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') throw error;
  return new WakesockError('ERR_WAKESOCK_STATE_DIR', message, { cause: error });
}
