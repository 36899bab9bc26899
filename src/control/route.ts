import { WakesockError } from '../base/errors.ts';
import { siteNameLengthMax } from '../base/limits.ts';
import { siteNamePattern } from '../base/site.ts';

/**
 * The sockets that the activator answers at: `control` is an administrator's, `lease` the front door's, which reads what anybody sends and may be anybody's by
 * now. It is the socket that counts, since who may connect to it is the kernel's to say, not what a request says of itself.
 */
export type ControlSocket = 'control' | 'lease';

/** Behind a site's path: what is asked of it. */
const actions = ['state', 'wake', 'sleep', 'reset-failed', 'lease'] as const;

type Call = 'sites' | 'site' | (typeof actions)[number];

/** All that can be asked, how, and at which sockets. What is not listed for a socket is refused there (403). */
const requests: Readonly<Record<Call, { readonly methods: string; readonly at: readonly ControlSocket[] }>> = {
  sites: { methods: 'GET, HEAD', at: ['control'] },
  site: { methods: 'GET, HEAD', at: ['control'] },
  state: { methods: 'GET, HEAD', at: ['control', 'lease'] },
  wake: { methods: 'POST', at: ['control'] },
  sleep: { methods: 'POST', at: ['control'] },
  'reset-failed': { methods: 'POST', at: ['control'] },
  lease: { methods: 'POST', at: ['control', 'lease'] },
};

/** What a request asks for. */
export type Route =
  | { readonly call: 'sites' }
  | { readonly call: Exclude<Call, 'sites' | 'lease'>; readonly site: string }
  | { readonly call: 'lease'; readonly site: string };

/** A refusal that HTTP has its own status for. */
export class RouteError extends WakesockError {
  readonly status: number;
  readonly allow: string | undefined;

  constructor(status: number, code: 'ERR_WAKESOCK_USAGE' | 'ERR_WAKESOCK_NOT_SUPPORTED' | 'ERR_WAKESOCK_FORBIDDEN', message: string, allow?: string) {
    super(code, message);
    this.status = status;
    this.allow = allow;
  }
}

/**
 * Method and request target → what is asked for. Paths are taken as they are: no trailing slash, no `..`, no case
 * folding; a query is ignored.
 * @param at the socket that it came by
 * @throws RouteError 403, 404, 405
 * @throws WakesockError ERR_WAKESOCK_SITE_NAME, ERR_WAKESOCK_USAGE
 */
export function route(method: string, target: string, at: ControlSocket): Route {
  const [path = ''] = target.split('?', 1);
  const [empty, version, collection, name, action, ...rest] = path.split('/');
  if (path === '/metrics') {
    throw new RouteError(404, 'ERR_WAKESOCK_NOT_SUPPORTED', '/metrics: this version has no metrics yet');
  }
  if (empty !== '' || version !== 'v1' || collection !== 'sites' || rest.length > 0) throw notFound(path);
  const call = name === undefined ? 'sites' : action === undefined ? 'site' : actions.find((known) => known === action);
  if (call === undefined) throw notFound(path);
  const { methods, at: sockets } = requests[call];
  if (!sockets.includes(at)) throw forbidden(path, at, sockets);
  const site = name === undefined ? '' : siteName(name);
  allowOnly(methods, method, path);
  if (call === 'sites') return { call };
  // Not in one: the two are apart in Route.
  return call === 'lease' ? { call, site } : { call, site };
}

function allowOnly(methods: string, method: string, path: string): void {
  if (methods.split(', ').includes(method)) return;
  throw new RouteError(405, 'ERR_WAKESOCK_USAGE', `Expected ${path} to be asked with ${methods}, got ${method}`, methods);
}

function notFound(path: string): RouteError {
  return new RouteError(404, 'ERR_WAKESOCK_USAGE',
    `Expected /v1/sites, /v1/sites/SITE or /v1/sites/SITE/(${actions.join('|')}), got ${path}`);
}

function forbidden(path: string, at: ControlSocket, sockets: readonly ControlSocket[]): RouteError {
  const here = actions.filter((action) => requests[action].at.includes(at));
  return new RouteError(403, 'ERR_WAKESOCK_FORBIDDEN',
    `${path} may be asked at the ${sockets.join(' or ')} socket only; the ${at} socket answers /v1/sites/SITE/(${here.join('|')})`);
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
