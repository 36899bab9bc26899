/** Prepared sites, rendered again when their files have changed. The parser is loaded only then. */
import { WakesockError, describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Paths } from '../base/paths.ts';
import type { PreparedSite } from '../base/site.ts';
import { readPrepared } from '../runtime/prepared.ts';
import { sourcesUnchanged } from '../base/sources.ts';
import type { RunnerParts } from './parts.ts';

export function preparing(paths: Paths, log: Log): Pick<RunnerParts, 'prepared' | 'preparedNow' | 'prepareAgain' | 'whyNot'> {
  const again = async (name: string): Promise<PreparedSite> => {
    const { prepareSite } = await import('../site/prepare.ts');
    return prepareSite(paths, name);
  };
  return {
    prepared: async (name) => {
      const prepared = readPrepared(paths, name);
      return sourcesUnchanged(prepared.sources) ? prepared : again(name);
    },
    preparedNow: (name) => readPrepared(paths, name),
    whyNot: async (name) => {
      try {
        await again(name);
        return null;
      } catch (error) {
        return error instanceof WakesockError ? error : null;
      }
    },
    prepareAgain: (name) => {
      again(name).catch((error: unknown) => log.error('A site could not be prepared again', { site: name, ...describeError(error) }));
    },
  };
}
