import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import type { Paths } from '../base/paths.ts';
import { siteNameSuffixesRefused, type Site } from '../base/site.ts';
import { imageChecker, type ImageChecker } from '../image/check-image.ts';
import { checkConfiguration, checkControllers, checkSite, checkStorage, listSiteNames, listTemplateNames, loadSite, siteNameProblem, type LoadedSite, type SitePlaces } from '../site/index.ts';
import { controlClient } from '../control/client.ts';
import { bootSite, type Boot } from './boot-sites.ts';
import { formatMs } from './format.ts';
import { formatPhases } from './phases.ts';
import { checkUnit } from '../unitfile/check-unit.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { readUnitFile } from '../unitfile/load.ts';
import { pathOptionRows, pathOptions, pathsOf } from './paths.ts';
import { problemCounts, problemText } from './problems.ts';
import { terminalOf } from './terminal.ts';
import type { Verb } from './verb.ts';

/** Stand for the instance when a template is checked by itself: a name, and numbers, since `%i` may be a port or a size. */
const exampleInstances = ['instance', '1', '8080'];

export const verb: Verb = {
  name: 'check',
  summary: 'Checks site files, or the whole configuration, and says what is wrong, where, and what to write instead.',
  usage: 'wakesock check [OPTION…] [FILE|SITE…]',
  options: [
    ['--boot', 'Then wake each SITE once for real, time it by phase, and put it back to sleep. The activator must know the site (enable).'],
    ['--json', 'Print {"problems":[{"severity","code","file","line","column","text","message","suggestion"}],"errors","warnings"}; with --boot also "boots":[{"name","phasesMs","asleepAgain"}].'],
    ...pathOptionRows,
  ],
  details: `
Without arguments: all sites and templates, and what only shows across files: two sites on one address or host name,
socket units of wakesock.service that name no site or cannot work. A FILE is an argument with a slash, or that ends as
a unit does, such as .container; its directory is then the search path. podman is asked whether images, secrets and volumes are there. Other unit files (.service, .socket, .timer, …) are checked as systemd reads them. Without --boot nothing is started, and nothing is ever written.

--boot is the check to run when a site was deployed: it fails with what a client would have met. A site with errors is not woken.

Exit code 0: no errors (there may be warnings). 1: errors.`,
  parse: { ...pathOptions, json: { type: 'boolean' }, boot: { type: 'boolean' } },
  async run(context, values, names) {
    const paths = pathsOf(values, context.paths);
    const images = imageChecker();
    const problems = unique(names.length === 0 ? await checkAll(paths, images) : (await Promise.all(names.map((name) => checkOne(name, paths, images)))).flat());
    const { errors, warnings, text } = problemCounts(problems);
    if (values['boot'] === true && names.length === 0) throw new WakesockError('ERR_WAKESOCK_USAGE', 'Expected the sites to wake with --boot');
    const boots = values['boot'] === true && errors === 0 ? await bootAll(names, paths.controlPath) : null;
    if (values['json'] === true) {
      context.stdout.write(`${JSON.stringify({ problems, errors, warnings, ...(boots === null ? {} : { boots }) })}\n`);
    } else {
      const terminal = terminalOf(context);
      for (const problem of problems) context.stdout.write(`${problemText(problem, terminal)}\n`);
      if (problems.length > 0) context.stdout.write(`${text}\n`);
      else if (terminal.interactive && boots === null) context.stdout.write('No problems found.\n');
      for (const boot of boots ?? []) context.stdout.write(bootText(boot));
    }
    return errors > 0 ? 1 : 0;
  },
};

/** One after the other: side by side they would slow each other down. */
async function bootAll(names: readonly string[], controlPath: string): Promise<Boot[]> {
  const client = controlClient(controlPath);
  const boots: Boot[] = [];
  for (const name of new Set(names)) boots.push(await bootSite(name, client));
  return boots;
}

function bootText({ name, phasesMs, asleepAgain }: Boot): string {
  return `${name}  listened after ${formatMs(phasesMs.total)} (${formatPhases(phasesMs)})${asleepAgain ? ', sleeps again' : '; it has a client and stays awake'}\n`;
}

async function checkAll(paths: Paths, images: ImageChecker): Promise<Diagnostic[]> {
  const loaded = new Map(listSiteNames(paths).map((name) => [name, loadSite(paths, name)]));
  const templates = listTemplateNames(paths).flatMap((name) => checkTemplate(name, paths));
  const sites = await Promise.all([...loaded.values()].map((site) => problemsOf(site, images)));
  return [...sites.flat(), ...templates, ...checkConfiguration(paths, loaded)];
}

async function checkOne(argument: string, paths: Paths, images: ImageChecker): Promise<Diagnostic[]> {
  if (!argument.includes('/') && !siteNameSuffixesRefused.some((suffix) => argument.endsWith(`.${suffix}`))) return problemsOf(loadSite(paths, argument), images);
  const file = resolve(argument);
  if (!existsSync(file)) throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `Expected a file or the name of a site, found nothing at ${file}`);
  if (!file.endsWith('.container')) return checkUnit(readUnitFile(file), file.slice(file.lastIndexOf('.') + 1));
  const name = basename(file, '.container');
  const isTemplate = name.endsWith('@');
  const problem = siteNameProblem(isTemplate ? name.slice(0, -1) : name);
  if (problem !== null) return [{ severity: 'error', code: 'ERR_WAKESOCK_SITE_NAME', file, line: 0, column: 0, text: '', message: problem, suggestion: null }];
  // In the search path the directories below it still count; elsewhere a file stands for itself.
  const at = paths.siteDirs.indexOf(dirname(file));
  const filePaths = { ...paths, siteDirs: at < 0 ? [dirname(file)] : paths.siteDirs.slice(at) };
  return isTemplate ? checkTemplate(name.slice(0, -1), filePaths) : problemsOf(loadSite(filePaths, name), images);
}

/**
 * What depends on the instance, such as a root directory of its own, cannot be checked without one: only what is wrong with
 * every example is a problem of the template.
 */
function checkTemplate(name: string, paths: Paths): Diagnostic[] {
  const [first = [], ...others] = exampleInstances.map((instance) => loadSite(paths, `${name}@${instance}`).diagnostics);
  const sorts = others.map((problems) => new Set(problems.map(sortOf)));
  return first.filter((problem) => sorts.every((sort) => sort.has(sortOf(problem))));
}

/** Columns and messages may have the instance in them. */
function sortOf({ code, file, line, severity }: Diagnostic): string {
  return JSON.stringify([code, file, line, severity]);
}

async function problemsOf({ diagnostics, site, places }: LoadedSite, images: ImageChecker): Promise<Diagnostic[]> {
  if (site === null) return [...diagnostics];
  return [...diagnostics, ...checkSite(site, places), ...checkControllers(site, places.file), ...await imageProblemsOf(site, places, images), ...await checkStorage(site, places)];
}

async function imageProblemsOf({ root }: Site, { root: place }: SitePlaces, images: ImageChecker): Promise<Diagnostic[]> {
  const problem = root.kind === 'image' ? await images(root.image) : null;
  return problem === null ? [] : [{ file: '', line: 0, column: 0, text: '', ...place, ...problem }];
}

/** Instances share their template's problems. */
function unique(problems: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
