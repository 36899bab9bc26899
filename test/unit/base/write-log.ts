/** Writes log lines to standard error as its argument says: which lines come before, and whether the log is opened. */
import { createLog } from '../../../src/base/log.ts';

const log = createLog({ level: 'info', interactive: process.argv[3] === 'terminal' });
log.info('asleep', { site: 'blog' });
log.debug('not asked for');
log.error('A handler failed', { site: 'blog', code: 'ERR_WAKESOCK_BUS', message: 'gone\u001B[2J\nnow' });
if (process.argv[2] === 'open') {
  void log.open().then(async () => {
    log.warn('blog: slow', { site: 'blog', ms: 812.5, why: undefined });
    if (process.argv[3] !== 'leave') await log.close();
    process.exit();
  });
}
if (process.argv[2] === 'close') void log.close().then(() => log.info('after the end'));
