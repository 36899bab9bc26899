import { WakesockError } from '../base/errors.ts';
import type { ProgramPort, Site } from '../base/site.ts';
import { parseSignal } from '../unitfile/signal.ts';
import type { ImageConfig } from './config.ts';

/** What images call this machine, GOARCH. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * The site with what its image says where its files say nothing, by podman's rules.
 * @throws WakesockError `ERR_WAKESOCK_IMAGE`
 */
export function applyImage(site: Site, image: ImageConfig, asked: string): Site {
  const { architecture } = image;
  const own = architectures[process.arch];
  if (architecture !== '' && architecture !== own) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: expected an image for ${own}, found one for ${architecture}`);
  return {
    ...site,
    exec: commandOf(site, image, asked), entrypoint: null,
    environment: { ...image.environment, ...site.environment },
    user: site.user ?? image.user,
    // A group of the image's belongs to the image's user.
    group: site.group,
    workingDir: site.workingDir ?? (image.workingDir === null ? null : `/${image.workingDir.replace(/^\/+/, '')}`),
    stopSignal: site.stopSignal ?? signalOf(image, asked),
    ports: site.handoff === 'adopt' && site.ports.length === 0 ? portsOf(site, image, asked) : site.ports,
  };
}

/** makeCommand of podman: the image's command goes with the image's entrypoint only, and gives way to the site's. */
function commandOf(site: Site, image: ImageConfig, asked: string): string[] {
  const entrypoint = site.entrypoint ?? image.entrypoint;
  const command = site.exec.length > 0 || site.entrypoint !== null ? site.exec : image.command;
  const words = [...entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint, ...command];
  if (words.length === 0) throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: expected a program from the image (Entrypoint, Cmd), it names none; give one with Exec=`);
  return words;
}

function signalOf({ stopSignal }: ImageConfig, asked: string): string | null {
  if (stopSignal === null) return null;
  try {
    return parseSignal(stopSignal);
  } catch {
    throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: expected a signal as the image's StopSignal, found ${JSON.stringify(stopSignal)}; give one with StopSignal=`);
  }
}

/** The only port that the image exposes; where it exposes none, that of the only address. */
function portsOf({ listen }: Site, { exposedPorts }: ImageConfig, asked: string): ProgramPort[] {
  const [only] = listen;
  if (only?.family === 'unix') return [{ kind: 'unix', path: only.path }];
  const [port, another] = exposedPorts;
  if (port !== undefined && another === undefined) return [{ kind: 'tcp', port }];
  if (port === undefined && only !== undefined) return [{ kind: 'tcp', port: only.port }];
  throw new WakesockError('ERR_WAKESOCK_IMAGE', `Image=${asked}: expected the image to expose the one port that its program listens on, it exposes ${exposedPorts.length === 0 ? 'none' : exposedPorts.slice(0, 10).join(', ')}; say which with Port=`);
}
