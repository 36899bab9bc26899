/**
 * Loaded before each file of tests: what fast-check generates is the same in every run, so that nobody who waits to land meets what chance brings
 * up. `WAKESOCK_ORACLE_SEED` makes it another, for who looks for what is wrong.
 */
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['WAKESOCK_ORACLE_SEED'] ?? 71_271) });
