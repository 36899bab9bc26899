/** The files of a site that `create` makes, and `rm` takes away again. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { WakesockError } from '../base/errors.ts';
import { enabledRecord, preparedDir, type Paths } from '../base/paths.ts';
import { parseListenAddress } from '../site/listen-address.ts';
import { assertSiteName } from '../site/site-name.ts';
import { parseHosts, parseImage, parseProgramPort } from '../site/values.ts';
import { listTemplateNames } from '../site/list-sites.ts';
import { NotSupportedError } from '../site/reading.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { removeIfEmpty } from './remove-prepared.ts';
import { isOurs, removeOurs } from './written-files.ts';

export interface NewSite {
  /** `SITE`, or `TEMPLATE@INSTANCE`. */
  readonly name: string;
  /** What is to be written; null: nothing, its template says all. */
  readonly file: { readonly path: string; readonly text: string } | null;
}

export interface NewSiteRequest {
  readonly name: string;
  /** `SITE@` */
  readonly from: string | null;
  readonly image: string | null;
  readonly hosts: readonly string[];
  readonly listen: readonly string[];
  readonly ports: readonly string[];
}

/** @throws WakesockError `ERR_WAKESOCK_USAGE`, `ERR_WAKESOCK_SITE_NAME`, `ERR_WAKESOCK_SITE_NOT_FOUND`, `ERR_WAKESOCK_SITE_EXISTS` */
export function newSite(paths: Paths, request: NewSiteRequest): NewSite {
  const { name, from, image, hosts, listen, ports } = request;
  if ((from === null) === (image === null)) throw usage('Expected one of --from=SITE@ and --image=IMAGE');
  if (from !== null && !/^[^@]+@$/.test(from)) throw usage(`Expected a template such as shop@ as --from=, found ${JSON.stringify(from)}`);
  if (image !== null && name.includes('@')) throw usage(`Expected a name without @, which is for instances of templates, found ${JSON.stringify(name)}`);
  const site = `${from ?? ''}${name}`;
  assertSiteName(site);
  if (from !== null && !listTemplateNames(paths).includes(from.slice(0, -1))) throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `Expected a template ${from}.container in ${paths.siteDirs.join(', ')}, found none`);
  if (image !== null && listen.length + hosts.length === 0) throw usage('Expected --listen=ADDRESS or --host=NAME: where its clients come from');
  const found = whatIsThere(paths, site);
  if (found !== null) throw new WakesockError('ERR_WAKESOCK_SITE_EXISTS', `${site}: expected a site that is new, found ${found}`);

  const wakesock = [
    ...listen.map((text) => `ListenStream=${checked('--listen', text, parseListenAddress)}`),
    ...hosts.map((text) => `Host=${checked('--host', text, parseHosts)}`),
    ...ports.map((text) => `Port=${checked('--port', text, parseProgramPort)}`),
  ];
  const sections = [
    ...image === null ? [] : ['[Container]', `Image=${checked('--image', image, parseImage)}`, ''],
    ...wakesock.length === 0 ? [] : ['[X-Wakesock]', ...wakesock],
  ];
  const text = `# Written by \`wakesock create\`; \`wakesock rm ${site}\` removes it. It is yours to change.\n\n${sections.join('\n')}\n`;
  return { name: site, file: sections.length === 0 ? null : { path: from === null ? siteFilePath(paths, site) : dropInPath(paths, site), text } };
}

/**
 * A file that somebody else wrote would make it a site again.
 * @throws WakesockError `ERR_WAKESOCK_NOT_OURS`, `ERR_WAKESOCK_SITE_NOT_FOUND`
 */
export function assertRemovable(paths: Paths, name: string): void {
  const file = siteFiles(paths, name).find((path) => existsSync(path) && !isOurs(path));
  if (file !== undefined) {
    throw new WakesockError('ERR_WAKESOCK_NOT_OURS', `${name}: ${file} was not written by \`wakesock create\`, so it is yours to remove: wakesock disable ${name}, then rm ${file}`);
  }
  if (whatIsThere(paths, name) === null && !existsSync(preparedDir(paths, name))) {
    throw new WakesockError('ERR_WAKESOCK_SITE_NOT_FOUND', `Expected a site ${name}, found neither a file nor anything that its program wrote`);
  }
}

export function removeSiteFiles(paths: Paths, name: string): void {
  removeOurs(siteFilePath(paths, name));
  const dropIn = dropInPath(paths, name);
  if (removeOurs(dropIn)) removeIfEmpty(dirname(dropIn));
}

/** Files of a program without a site do not count: `rm --keep-data` left them for one of that name. */
function whatIsThere(paths: Paths, name: string): string | null {
  const candidates = [...siteFiles(paths, name), dropInPath(paths, name), enabledRecord(paths, name), `${preparedDir(paths, name)}/site.json`];
  return candidates.find((path) => existsSync(path)) ?? null;
}

const siteFiles = ({ siteDirs }: Paths, name: string): string[] => siteDirs.map((directory) => `${directory}/${name}.container`);
const siteFilePath = ({ siteDirs }: Paths, name: string): string => `${siteDirs[0]}/${name}.container`;
const dropInPath = ({ siteDirs }: Paths, name: string): string => `${siteDirs[0]}/${name}.container.d/50-create.conf`;

/** As it stands in a file, where `%` would be a specifier. */
function checked(option: string, text: string, parse: (text: string) => unknown): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof UnitValueError || error instanceof NotSupportedError) throw usage(`${option}: ${error.message}`);
    throw error;
  }
  if (/[\0-\x1f\x7f\\]|^\s|\s$/.test(text)) throw usage(`${option}: expected plain text in one line, found ${JSON.stringify(text)}`);
  return text.replaceAll('%', '%%');
}

function usage(message: string): WakesockError {
  return new WakesockError('ERR_WAKESOCK_USAGE', message);
}
