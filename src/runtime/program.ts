/** Is there anything to execute, before a client waits for it? */
import { WakesockError } from '../base/errors.ts';
import type { SiteTree } from './site-tree.ts';

const executable = 0o111;

/**
 * @param path `PATH` of the program's environment
 * @param workingDir what a relative name with a slash starts at
 * @throws WakesockError `ERR_WAKESOCK_PROGRAM`
 */
export function checkProgram(tree: SiteTree, program: string | undefined, path: string, workingDir: string): void {
  if (program === undefined || program === '') throw new WakesockError('ERR_WAKESOCK_PROGRAM', 'Exec=: expected a program, found none');
  const direct = program.includes('/');
  const candidates = direct ? [program] : path.split(':').filter((directory) => directory.startsWith('/')).map((directory) => `${directory}/${program}`);
  const found = candidates.map((candidate) => tree.find(candidate, workingDir)).filter((entry) => entry !== null);
  if (found.some(({ stats }) => stats.isFile() && (stats.mode & executable) !== 0)) return;
  const [first] = found;
  if (first === undefined) throw new WakesockError('ERR_WAKESOCK_PROGRAM', `Exec=${program}: expected this program in the root of the site${direct ? '' : `, in PATH (${path})`}; it is not there`);
  throw new WakesockError('ERR_WAKESOCK_PROGRAM', `Exec=${program}: expected an executable file, ${first.path} is ${first.stats.isFile() ? 'not executable' : 'not a file'}`);
}
