import type { VerbContext } from './verb.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'blue' | 'dim' | 'bold';

const escapes: Readonly<Record<Colour, string>> = { green: '32', yellow: '33', red: '31', blue: '34', dim: '2', bold: '1' };

/** How to print on what standard output is connected to. */
export interface Terminal {
  /** Columns to fit into; Infinity where nobody looks at a screen. */
  readonly width: number;
  readonly interactive: boolean;
  /** Symbols beyond ASCII can be shown. */
  readonly unicode: boolean;
  paint(colour: Colour, text: string): string;
}

/** Colour on a terminal unless `NO_COLOR` is set (no-color.org) or `TERM=dumb`; symbols where the locale is UTF-8. */
export function terminalOf({ stdout, env }: VerbContext): Terminal {
  const interactive = stdout.isTTY === true;
  const colours = interactive && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return {
    width: interactive ? Math.max(stdout.columns ?? 80, 20) : Infinity,
    interactive,
    unicode: interactive && /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''),
    paint: (colour, text) => (colours && text !== '' ? `\u001B[${escapes[colour]}m${text}\u001B[0m` : text),
  };
}

/**
 * Messages can hold what a site's program wrote: without this it could drive the reader's terminal. Escape sequences are
 * taken out whole (ECMA-48 CSI, and OSC), any other control character is shown as one that could not be.
 */
export function printable(text: string): string {
  return text
    .replaceAll(/\u001B\[[\u0030-\u003F]*[\u0020-\u002F]*[\u0040-\u007E]|\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)/g, '')
    .replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g, '\uFFFD');
}
