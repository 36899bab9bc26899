/** Inherits like the activator, and prints what it made of it. Its arguments are sites whose stored descriptors are asked for. */
import { readlinkSync } from 'node:fs';
import { inherit } from '../../../src/activator/inheritance.ts';
import type { Log } from '../../../src/base/log.ts';

const said: string[] = [];
const say = (level: string) => (message: string, fields?: Record<string, unknown>): void => {
  said.push(`${level} ${String(fields?.['name'] ?? fields?.['site'] ?? '')}: ${message}`);
};
const log = { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug') } as unknown as Log;
const sites = process.argv.slice(2);

const fds = Array.from({ length: Number(process.env['LISTEN_FDS']) }, (_, index) => index + 3);
const linkOf = (fd: number): string | null => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
};
// A number that was closed may be another's by the end.
const links = new Map(fds.map((fd) => [fd, linkOf(fd)]));

const { control, sites: found, listeners, everyFd, loopback, storedSites, stored, closeUnclaimed } = inherit({ ...process.env, LISTEN_PID: `${process.pid}` }, log);
const unlooked = { everyFd: [...everyFd], sites: Object.fromEntries(found) };
const usable = [...found.keys()].map((name) => [name, listeners(name).map(({ fd, family }) => `${fd} ${family}`)] as const).filter(([, each]) => each.length > 0);
const storedAtFirst = [...storedSites];
const kept = Object.fromEntries(sites.map((site) => {
  const { notify, stdout, stderr, spares } = stored(site);
  return [site, { notify, stdout, stderr, spares: [...spares] }];
}));
const dropped: string[] = [];
closeUnclaimed((site) => sites.includes(site), (name) => dropped.push(name));
const open = fds.filter((fd) => linkOf(fd) === links.get(fd));
process.stdout.write(JSON.stringify({
  control: Object.fromEntries(control), everyFd, said, kept, open, dropped,
  unlooked, loopback, storedSites: storedAtFirst, sites: Object.fromEntries(usable),
}));
