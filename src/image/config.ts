/** The configuration of an image, OCI image-spec config.md: what concerns a site. Somebody else wrote it, so nothing of it is trusted. */
import { posix } from 'node:path';
import { WakesockError } from '../base/errors.ts';

export interface ImageConfig {
  /** GOARCH, e.g. `amd64`. Empty: it does not say. */
  readonly architecture: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** `USER[:GROUP]`, by name or number. */
  readonly user: string | null;
  readonly workingDir: string | null;
  readonly stopSignal: string | null;
  /** TCP only. */
  readonly exposedPorts: readonly number[];
  /** Absolute, normalized. */
  readonly volumes: readonly string[];
}

/** @throws WakesockError `ERR_WAKESOCK_IMAGE` */
export function parseImageConfig(text: string): ImageConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unfit('a configuration in JSON');
  }
  const image = object(value, 'a configuration');
  const config = image['config'] === undefined || image['config'] === null ? {} : object(image['config'], 'config');
  return {
    architecture: string(image, 'architecture') ?? '',
    entrypoint: strings(config, 'Entrypoint'),
    command: strings(config, 'Cmd'),
    environment: Object.fromEntries(strings(config, 'Env').map(splitVariable)),
    user: string(config, 'User'),
    workingDir: string(config, 'WorkingDir'),
    stopSignal: string(config, 'StopSignal'),
    exposedPorts: keys(config, 'ExposedPorts').flatMap(parsePort).toSorted((a, b) => a - b),
    volumes: [...new Set(keys(config, 'Volumes').map(parseVolume))],
  };
}

/** podman takes a name without a value for an empty one. */
function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** `PORT`, `PORT/tcp`, or a range of them. */
function parsePort(text: string): number[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(text) ?? [];
  if (first === '' || Number(first) > 65_535 || Number(last) > 65_535) throw unfit('a port such as 80/tcp in ExposedPorts', text);
  if (protocol.toLowerCase() !== 'tcp') return [];
  return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, index) => Number(first) + index);
}

/** What would cover the kernel's own directories is no volume but a trap. */
function parseVolume(text: string): string {
  const path = posix.normalize(`/${text}`).replace(/(.)\/$/, '$1');
  if (path === '/' || /^\/(?:proc|sys|dev)(?:\/|$)/.test(path)) throw unfit('a directory of its own in Volumes', text);
  return path;
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unfit(`an object as ${what}`);
  return value as Record<string, unknown>;
}

function string(from: Record<string, unknown>, key: string): string | null {
  const value = from[key] ?? '';
  if (typeof value !== 'string' || value.includes('\0')) throw unfit(`text as ${key}`, value);
  return value === '' ? null : value;
}

function strings(from: Record<string, unknown>, key: string): string[] {
  const value = from[key] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string' && !one.includes('\0'))) throw unfit(`a list of texts as ${key}`, value);
  return value as string[];
}

function keys(from: Record<string, unknown>, key: string): string[] {
  const found = Object.keys(object(from[key] ?? {}, key));
  if (found.some((one) => one.includes('\0'))) throw unfit(`texts as ${key}`, found);
  return found;
}

function unfit(expected: string, found?: unknown): WakesockError {
  return new WakesockError('ERR_WAKESOCK_IMAGE', `The image's configuration: expected ${expected}${found === undefined ? '' : `, found ${JSON.stringify(found).slice(0, 100)}`}`);
}
