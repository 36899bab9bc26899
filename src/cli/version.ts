import pkg from '../../package.json' with { type: 'json' };

/** The bundler puts it in, so the installed program reads no file for it. */
export const version: string = pkg.version;
