import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface DebianMirror {
  readonly uri: string;
  /** Options of a one-line source with a trailing space, or nothing. */
  readonly options: string;
}

/**
 * The Debian mirror that this machine's apt uses: the first source that has the machine's own release with
 * component `main` (sources.list(5)). Never a host of our own choice.
 */
export async function findDebianMirror(etc = '/etc'): Promise<DebianMirror> {
  const osRelease = await readFile(join(etc, 'os-release'), 'utf8');
  const codename = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1];
  const directory = join(etc, 'apt/sources.list.d');
  const files = [join(etc, 'apt/sources.list'), ...(await readdir(directory).catch(() => [])).toSorted().map((name) => join(directory, name))];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const sources = file.endsWith('.sources') ? readStanzas(text) : file.endsWith('.list') ? readLines(text) : [];
    const found = sources.find((source) => source.suites.some((suite) => suite === codename || suite === 'stable') && source.components.includes('main'));
    if (found !== undefined) return { uri: found.uri, options: found.options };
  }
  throw new Error(`Expected a Debian source for ${codename ?? 'this release'} with component main in ${join(etc, 'apt')}, found none`);
}

interface Source extends DebianMirror {
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** The deb822 format: stanzas of `Field: value`, continued by indented lines. */
function readStanzas(text: string): Source[] {
  return text.replaceAll(/^#.*\n?/gm, '').split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string[]>();
    for (const [, name = '', value = ''] of stanza.matchAll(/^([A-Za-z-]+):(.*(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.split(/\s+/).filter(Boolean));
    }
    const uri = fields.get('uris')?.[0];
    if (uri === undefined || !fields.get('types')?.includes('deb') || fields.get('enabled')?.[0] === 'no') return [];
    return [{ uri, options: '', suites: fields.get('suites') ?? [], components: fields.get('components') ?? [] }];
  });
}

/** The one-line format: `deb [options] uri suite component…`. */
function readLines(text: string): Source[] {
  return [...text.matchAll(/^deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/gm)].map(([, options = '', uri = '', suite = '', components = '']) => ({
    uri,
    options: options === '' ? '' : `${options.trim()} `,
    suites: [suite],
    components: components.replace(/#.*/, '').split(/\s+/).filter(Boolean),
  }));
}
