import { describeError, WakesockError } from '../base/errors.ts';
import { requireRoot } from './system.ts';
import { printable } from './terminal.ts';
import type { Verb, VerbValues } from './verb.ts';

export const verb: Verb = {
  name: 'create',
  summary: 'Makes a new site of a template or an image, and enables it. No file of either is copied.',
  usage: 'wakesock create [OPTION…] NAME (--from=SITE@ | --image=IMAGE)',
  options: [
    ['--from=SITE@', 'Of this template: the site is SITE@NAME.'],
    ['--image=IMAGE', 'Of this image, pulled if it is missing: the site is NAME.'],
    ['--listen=ADDRESS', 'Where clients connect, as ListenStream=. More than one may be given.'],
    ['--host=NAME', 'A host name that the front door serves from it, as Host=. More than one may be given.'],
    ['--port=PORT', 'What its program binds, as Port=, where the image exposes several ports or none.'],
    ['--json', 'Print {"site":{"name","unit","listen","warnings","error"}}.'],
  ],
  details: `
What is written is one file: /etc/wakesock/sites/NAME.container, or, of a template, a drop-in of SITE@NAME that says its
address and host names. It is yours to change. If the site cannot be enabled, nothing is left.
\`rm\` takes it away again.`,
  parse: {
    json: { type: 'boolean' }, from: { type: 'string' }, image: { type: 'string' },
    host: { type: 'string', multiple: true }, listen: { type: 'string', multiple: true }, port: { type: 'string', multiple: true },
  },
  async run(context, values, positionals) {
    const [name, ...others] = positionals;
    if (name === undefined || others.length > 0) throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected one name, found ${positionals.length}`);
    requireRoot('create');
    const [{ newSite, removeSiteFiles }, { writeOurs }, { enableNamed, disableNamed }] = await Promise.all([
      import('./new-site.ts'), import('./written-files.ts'), import('./with-systemd.ts'),
    ]);
    const { name: site, file } = newSite(context.paths, {
      name, from: one(values, 'from'), image: one(values, 'image'), hosts: all(values, 'host'), listen: all(values, 'listen'), ports: all(values, 'port'),
    });
    if (file !== null) writeOurs(file.path, file.text);
    const [enabled] = await enableNamed(context, [site]).catch((error: unknown) => [{ name: site, unit: null, listen: [], warnings: [], error: describeError(error) }]);
    if (!enabled) throw new Error(`Expected ${site} to have been enabled or not`);
    if (enabled.error) {
      // What was written before it failed: a socket unit, a bundle.
      await disableNamed(context, [site], () => {}).catch(() => {});
      removeSiteFiles(context.paths, site);
    }
    if (values['json'] === true) context.stdout.write(`${JSON.stringify({ site: enabled })}\n`);
    for (const warning of enabled.warnings) context.stderr.write(`wakesock: ${site}: warning: ${printable(warning)}\n`);
    if (enabled.error) context.stderr.write(`wakesock: ${printable(enabled.error.message)} (${enabled.error.code})\n`);
    else if (values['json'] !== true) context.stdout.write(`${site}  ${enabled.listen.length > 0 ? `sleeps at ${enabled.listen.join(', ')}` : 'sleeps; the front door wakes it'}\n`);
    return enabled.error ? 1 : 0;
  },
};

function one(values: VerbValues, name: string): string | null {
  const value = values[name];
  return typeof value === 'string' ? value : null;
}

function all(values: VerbValues, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value : [];
}
