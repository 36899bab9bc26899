/**
 * No text takes a reader more than linear work. Work is counted, not timed: how often each block of the library runs, by V8's coverage; the steps
 * of its regular expressions; how many characters and elements its built-in functions look at. Twice the text may take twice the work,
 * and a little for sorting.
 */
import { Session } from 'node:inspector';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regexpSteps } from '../../support/counted-regexp.ts';
import { attempt, pieces, readers } from '../../support/unitfile-readers.ts';

const session = new Session();
beforeAll(() => {
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
});
afterAll(() => session.disconnect());

/** How often the library's blocks have run since this was asked last. */
function blocksRun(): number {
  let sum = 0;
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw error;
    for (const { url, functions } of coverage.result) {
      if (url.includes('/src/unitfile/')) for (const { ranges } of functions) for (const { count } of ranges) sum += count;
    }
  });
  return sum;
}

type Method = (this: { length: number }, ...args: unknown[]) => unknown;
const whole: Readonly<Record<string, readonly string[]>> = {
  String: ['split', 'trim', 'trimStart', 'trimEnd', 'toLowerCase', 'toUpperCase', 'replaceAll', 'isWellFormed', 'normalize'],
  Array: ['join', 'slice', 'concat', 'splice', 'shift', 'unshift', 'includes', 'indexOf', 'lastIndexOf', 'toSorted', 'toReversed', 'reverse', 'sort'],
};
const prototypes = { String: String.prototype, Array: Array.prototype } as unknown as Record<string, Record<string, Method>>;

/** Runs `body`, and says how many steps its built-in functions took. */
function builtInSteps(body: () => void): number {
  let steps = 0;
  /** What counts is not counted itself. */
  let counting = true;
  const undo: (() => void)[] = [];
  const put = (prototype: Record<string, Method>, name: string, cost: (self: { length: number }, args: unknown[], result: unknown) => number): void => {
    const before = prototype[name] as Method;
    undo.push(() => { prototype[name] = before; });
    prototype[name] = function method(...args): unknown {
      if (!counting) return before.apply(this, args);
      const { length } = this;
      const result = before.apply(this, args);
      steps += 1 + cost({ length }, args, result);
      return result;
    };
  };
  for (const [type, names] of Object.entries(whole)) for (const name of names) put(prototypes[type] as Record<string, Method>, name, ({ length }) => length);
  const strings = prototypes['String'] as Record<string, Method>;
  for (const name of ['slice', 'substring', 'repeat', 'padEnd', 'padStart']) put(strings, name, (_self, _args, result) => String(result).length);
  for (const name of ['startsWith', 'endsWith']) put(strings, name, (_self, [wanted]) => (wanted as string).length);
  put(strings, 'indexOf', ({ length }, [, from], result) => ((result as number) < 0 ? length : result as number) - Number(from ?? 0));
  put(strings, 'lastIndexOf', ({ length }, [, from], result) => Math.min(length, Number(from ?? length)) - (result as number));
  // How far it looks is not to be seen.
  put(strings, 'includes', ({ length }) => length);
  const expressions = RegExp.prototype;
  const { exec } = expressions;
  undo.push(() => { expressions.exec = exec; });
  expressions.exec = function counted(text) {
    const from = this.global || this.sticky ? this.lastIndex : 0;
    const found = exec.call(this, text);
    if (!counting) return found;
    counting = false;
    steps += regexpSteps(this, String(text), from, found);
    counting = true;
    return found;
  };
  try {
    body();
  } finally {
    for (const each of undo) each();
  }
  return steps;
}

const texts = (length: number): string[] => pieces.flatMap((piece) => {
  const text = piece.repeat(Math.ceil(length / piece.length));
  // Alone; as a value; and with an end that makes a match fail after all.
  return [text, `[Service]\nExecStart=/a ${text}`, `${text}\u0001`];
});

function workOf(read: (text: string) => unknown, length: number): number {
  const all = texts(length);
  blocksRun();
  const steps = builtInSteps(() => { for (const text of all) attempt(read, text); });
  return blocksRun() + steps;
}

test.each(Object.entries(readers))('%s', (_name, read) => {
  const [once, twice] = [workOf(read, 1_500), workOf(read, 3_000)];
  expect(twice / once).toBeLessThan(2.3);
});

const endsInBackslashes = (text: string): boolean => /\\*$/.test(text);
const looksAhead = (text: string): number[] => Array.from(text, (_character, i) => text.indexOf('\u0002', i));

test('what takes quadratic work is seen', () => {
  expect(workOf(endsInBackslashes, 3_000) / workOf(endsInBackslashes, 1_500)).toBeGreaterThan(2.3);
  expect(workOf(looksAhead, 3_000) / workOf(looksAhead, 1_500)).toBeGreaterThan(3);
});
