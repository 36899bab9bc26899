/** Options of pasta(1) that a site may have. What lets others in, or the site into the host, is not among them. */
import { quote } from '../unitfile/quote.ts';
import { suggest } from '../unitfile/suggest.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { NotSupportedError } from './reading.ts';

interface PastaOption {
  readonly names: readonly string[];
  readonly value: RegExp | null;
}

const address = /^[0-9A-Fa-f.:]{2,45}(?:\/\d{1,3})?$/;
const interfaceName = /^[A-Za-z0-9_.-]{1,15}$/;

const options: readonly PastaOption[] = [
  { names: ['-4', '--ipv4-only'], value: null },
  { names: ['-6', '--ipv6-only'], value: null },
  { names: ['-a', '--address'], value: address },
  { names: ['-n', '--netmask'], value: /^[0-9.]{1,15}$/ },
  { names: ['-g', '--gateway'], value: address },
  { names: ['-i', '--interface'], value: interfaceName },
  { names: ['-I', '--ns-ifname'], value: interfaceName },
  { names: ['-o', '--outbound'], value: /^[0-9A-Za-z.:_-]{1,45}$/ },
  { names: ['--outbound-if4'], value: interfaceName },
  { names: ['--outbound-if6'], value: interfaceName },
  { names: ['-m', '--mtu'], value: /^\d{1,5}$/ },
  { names: ['-M', '--mac-addr'], value: /^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/ },
  { names: ['--ns-mac-addr'], value: /^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/ },
  { names: ['--dns-forward'], value: address },
  { names: ['--no-map-gw'], value: null },
];

/** Given anyway, with `none`; any other value is refused with the reason. */
const refused: readonly { readonly names: readonly string[]; readonly reason: string }[] = [
  { names: ['-t', '--tcp-ports', '-u', '--udp-ports'], reason: 'nobody comes in by it: the socket of ListenStream= is what comes in' },
  { names: ['-T', '--tcp-ns', '-U', '--udp-ns', '--map-host-loopback', '--map-gw', '--map-guest-addr', '--host-lo-to-ns-lo'], reason: 'it would lead to services of the host that are meant for the host alone' },
];

/** `OPTION,OPTION`, as podman has it: each word is an argument. @param offset of the text in the value of the key */
export function parsePastaOptions(text: string, offset: number): string[] {
  const found: string[] = [];
  const words = text === '' ? [] : text.split(',');
  for (let i = 0, at = offset; i < words.length; i += 1) {
    const word = words[i] as string;
    const here = at;
    at += word.length + 1;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const takeValue = (): string => {
      if (equals >= 0) return word.slice(equals + 1);
      const next = words[i += 1];
      if (next === undefined) throw new UnitValueError(`Expected a value after ${quote(name)}`, { offset: here });
      at += next.length + 1;
      return next;
    };
    const not = refused.find(({ names }) => names.includes(name));
    if (not !== undefined) {
      if (name !== '--map-gw' && name !== '--host-lo-to-ns-lo' && takeValue() === 'none') continue;
      throw new NotSupportedError(`pasta's option ${quote(name)} is refused: ${not.reason}`, { offset: here });
    }
    const option = options.find(({ names }) => names.includes(name));
    if (option === undefined) {
      const near = suggest(name, options.flatMap(({ names }) => names));
      throw new NotSupportedError(`Expected an option of pasta(1) that a site may have, found ${quote(word)}`, { offset: here, ...(near === null ? {} : { suggestion: near }) });
    }
    if (option.value === null) {
      if (equals >= 0) throw new UnitValueError(`Expected ${name} without a value`, { offset: here });
      found.push(name);
      continue;
    }
    const value = takeValue();
    if (!option.value.test(value)) throw new UnitValueError(`Expected another value of ${quote(name)}, found ${quote(value)}`, { offset: here });
    found.push(name, value);
  }
  return found;
}
