import { WakesockError } from '../base/errors.ts';
import { siteNameLengthMax } from '../base/limits.ts';
import { siteNamePattern } from '../base/site.ts';

/** What a request asks for. */
export type Route =
  | { readonly call: 'sites' }
  | { readonly call: 'site' | 'wake' | 'sleep' | 'reset-failed'; readonly site: string }
  | { readonly call: 'lease'; readonly site: string };

/** A refusal that HTTP has its own status for. */
export class RouteError extends WakesockError {
  readonly status: number;
  readonly allow: string | undefined;

  constructor(status: number, code: 'ERR_WAKESOCK_USAGE' | 'ERR_WAKESOCK_NOT_SUPPORTED', message: string, allow?: string) {
    super(code, message);
    this.status = status;
    this.allow = allow;
  }
}

const actions = ['wake', 'sleep', 'reset-failed', 'lease'] as const;

/**
 * Method and request target → what is asked for. Paths are taken as they are: no trailing slash, no `..`, no case
 * folding; a query is ignored.
 * @throws RouteError 404, 405
 * @throws WakesockError ERR_WAKESOCK_SITE_NAME, ERR_WAKESOCK_USAGE
 */
export function route(method: string, target: string): Route {
  const [path = ''] = target.split('?', 1);
  const [empty, version, collection, name, action, ...rest] = path.split('/');
  if (path === '/metrics') {
    throw new RouteError(404, 'ERR_WAKESOCK_NOT_SUPPORTED', '/metrics: this version has no metrics yet');
  }
  if (empty !== '' || version !== 'v1' || collection !== 'sites' || rest.length > 0) throw notFound(path);
  if (name === undefined) {
    allowOnly('GET, HEAD', method, path);
    return { call: 'sites' };
  }
  if (action === undefined) {
    const site = siteName(name);
    allowOnly('GET, HEAD', method, path);
    return { call: 'site', site };
  }
  const call = actions.find((known) => known === action);
  if (call === undefined) throw notFound(path);
  const site = siteName(name);
  allowOnly('POST', method, path);
  return { call, site };
}

function allowOnly(methods: string, method: string, path: string): void {
  if (methods.split(', ').includes(method)) return;
  throw new RouteError(405, 'ERR_WAKESOCK_USAGE', `Expected ${path} to be asked with ${methods}, got ${method}`, methods);
}

function notFound(path: string): RouteError {
  return new RouteError(404, 'ERR_WAKESOCK_USAGE',
    `Expected /v1/sites, /v1/sites/SITE or /v1/sites/SITE/(${actions.join('|')}), got ${path}`);
}

function siteName(encoded: string): string {
  let name;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `Expected a percent-encoded site name, got ${encoded}`);
  }
  // TEMPLATE@INSTANCE: each part a name of its own.
  const parts = name.split('@');
  if (name.length <= siteNameLengthMax && parts.length <= 2 && parts.every((part) => siteNamePattern.test(part))) return name;
  throw new WakesockError('ERR_WAKESOCK_SITE_NAME',
    `Expected a site name matching ${siteNamePattern.source} of at most ${siteNameLengthMax} characters, got ${JSON.stringify(name)}`);
}
