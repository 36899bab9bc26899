/** Readers of `Secret=` (podman-run(1), --secret) and of systemd's credentials (systemd.exec(5)). */
import type { SiteCredential, SiteSecret } from '../base/site.ts';
import { readEscape } from '../unitfile/escape.ts';
import { quote } from '../unitfile/quote.ts';
import { splitWords } from '../unitfile/words.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { parseStoredName } from './mount-values.ts';
import { parseAbsolutePath } from './values.ts';

const idMax = 0xffff_fffe;
/** podman's default. */
const modeDefault = 0o444;

/** `Secret=NAME[,type=mount|env][,target=…][,uid=][,gid=][,mode=]`, several apart by spaces. */
export function parseSecrets(text: string): SiteSecret[] {
  return splitWords(text, 'refuse').map(({ text: word, offset }) => {
    try {
      return parseSecret(word);
    } catch (error) {
      if (error instanceof UnitValueError) throw new UnitValueError(error.message, { offset });
      throw error;
    }
  });
}

function parseSecret(word: string): SiteSecret {
  const fields = word.split(',');
  const options = new Map<string, string>();
  const given = fields[0]?.includes('=') === false ? fields.shift() : undefined;
  for (const field of fields) {
    const equals = field.indexOf('=');
    const key = equals < 0 ? '' : field.slice(0, equals).replace('UID', 'uid').replace('GID', 'gid');
    if (!['source', 'type', 'target', 'uid', 'gid', 'mode'].includes(key)) throw new UnitValueError(`Expected type=, target=, uid=, gid= or mode=, found ${quote(field)}`);
    if (options.has(key)) throw new UnitValueError(`Expected ${key}= once, found it again`);
    options.set(key, field.slice(equals + 1));
  }
  const name = parseStoredName(given ?? options.get('source') ?? '', 'secret');
  const type = options.get('type') ?? 'mount';
  if (type === 'env') {
    const more = ['uid', 'gid', 'mode'].find((key) => options.has(key));
    if (more !== undefined) throw new UnitValueError(`${more}= has no meaning with type=env`);
    const variable = options.get('target') || name;
    if (/[\s=\u0000-\u001f]/.test(variable)) throw new UnitValueError(`Expected the name of a variable as target=, found ${quote(variable)}`);
    return { name, as: { kind: 'env', variable } };
  }
  if (type !== 'mount') throw new UnitValueError(`Expected type=mount or type=env, found ${quote(`type=${type}`)}`);
  const file = options.get('target') || name;
  const target = parseAbsolutePath(file.startsWith('/') ? file : `/run/secrets/${file}`);
  if (target === '/') throw new UnitValueError(`Expected a file as target=, found ${quote(file)}`);
  return {
    name, as: {
      kind: 'file', target,
      uid: number('uid', options.get('uid') ?? '0'), gid: number('gid', options.get('gid') ?? '0'), mode: modeOf(options.get('mode')),
    },
  };
}

function number(key: string, text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > idMax) throw new UnitValueError(`Expected a number as ${key}=, found ${quote(text)}`);
  return Number(text);
}

function modeOf(text: string | undefined): number {
  if (text === undefined) return modeDefault;
  if (!/^[0-7]{1,4}$/.test(text)) throw new UnitValueError(`Expected an access mode in octal as mode=, found ${quote(text)}`);
  return Number.parseInt(text, 8);
}

/** `LoadCredential=ID[:PATH]` and `LoadCredentialEncrypted=` */
export function parseLoadCredential(text: string, encrypted: boolean): Pick<SiteCredential, 'id'> & { readonly load: NonNullable<SiteCredential['load']> } {
  const colon = text.indexOf(':');
  const id = credentialId(colon < 0 ? text : text.slice(0, colon));
  const path = colon < 0 ? id : text.slice(colon + 1);
  return { id, load: { path: path.startsWith('/') ? parseAbsolutePath(path) : credentialId(path), encrypted } };
}

/** `SetCredential=ID:VALUE`, C escapes undone, and `SetCredentialEncrypted=ID:BASE64` */
export function parseSetCredential(text: string, encrypted: boolean): Pick<SiteCredential, 'id'> & { readonly set: NonNullable<SiteCredential['set']> } {
  const colon = text.indexOf(':');
  if (colon < 0) throw new UnitValueError(`Expected ID:${encrypted ? 'BASE64' : 'VALUE'}, found no colon`);
  const id = credentialId(text.slice(0, colon));
  const value = text.slice(colon + 1);
  if (!encrypted) return { id, set: { base64: unescaped(value).toString('base64'), encrypted } };
  const base64 = value.replaceAll(/[ \t\r\n]+/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new UnitValueError('Expected base64, as systemd-creds encrypt prints it');
  return { id, set: { base64, encrypted } };
}

/** credential_name_valid() of systemd: what can be a file's name and a descriptor's. */
function credentialId(text: string): string {
  if (!/^[\u0020-\u007e]{1,255}$/.test(text) || /[/:]/.test(text) || text === '.' || text === '..') throw new UnitValueError(`Expected the name of a credential, found ${quote(text)}`);
  return text;
}

function unescaped(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let i = text.indexOf('\\'); i >= 0; i = text.indexOf('\\', from)) {
    const escape = readEscape(text, i + 1);
    if (escape === null) throw new UnitValueError(`Expected an escape sequence such as \\n, found ${quote(text.slice(i, i + 2))}`, { offset: i, suggestion: '\\\\' });
    parts.push(Buffer.from(text.slice(from, i)), 'byte' in escape ? Buffer.from([escape.byte]) : Buffer.from(escape.text));
    from = i + 1 + escape.length;
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))]);
}
