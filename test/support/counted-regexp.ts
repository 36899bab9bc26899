/** How many steps a regular expression takes: a backtracking matcher, as JavaScript engines have, that counts. */

/** Says where a match from `i` on ends, or -1; `next` is what must match after it. */
type Matcher = (i: number, next: (i: number) => number) => number;


class Compiler {
  steps = 0;
  text = '';
  #at = 0;
  readonly #source: string;
  readonly #flags: string;

  constructor({ source, flags }: RegExp) {
    this.#source = source;
    this.#flags = flags;
  }

  whole(): Matcher {
    const matcher = this.#choice();
    if (this.#at < this.#source.length) throw new Error(`counted-regexp: ${this.#source} is not understood from ${this.#at} on`);
    return matcher;
  }

  #choice(): Matcher {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    return options.length === 1 ? options[0] as Matcher : (i, next) => {
      for (const option of options) {
        const end = option(i, next);
        if (end >= 0) return end;
      }
      return -1;
    };
  }

  #sequence(): Matcher {
    const parts: Matcher[] = [];
    while (this.#at < this.#source.length && this.#source[this.#at] !== '|' && this.#source[this.#at] !== ')') parts.push(this.#term());
    return parts.reduceRight<Matcher>((after, part) => (i, next) => part(i, (k) => after(k, next)), (i, next) => next(i));
  }

  #term(): Matcher {
    if (this.#take('^')) return (i, next) => (i === 0 ? next(i) : -1);
    if (this.#take('$')) return (i, next) => (i === this.text.length ? next(i) : -1);
    for (const [open, ahead, wanted] of [['(?=', true, true], ['(?!', true, false], ['(?<=', false, true], ['(?<!', false, false]] as const) {
      if (!this.#take(open)) continue;
      const inner = this.#group();
      const holds = (i: number): boolean => {
        if (ahead) return inner(i, (end) => end) >= 0;
        // The library looks back by one character at most.
        return inner(i, (end) => (end === i ? end : -1)) >= 0 || (i > 0 && inner(i - 1, (end) => (end === i ? end : -1)) >= 0);
      };
      return (i, next) => (holds(i) === wanted ? next(i) : -1);
    }
    if (this.#take('(')) {
      this.#take('?:');
      return this.#repeated(this.#group(), null);
    }
    const one = this.#character();
    const single: Matcher = (i, next) => (this.#fits(one, i) ? next(i + 1) : -1);
    return this.#repeated(single, one);
  }

  #group(): Matcher {
    const inner = this.#choice();
    if (!this.#take(')')) throw new Error(`counted-regexp: ${this.#source} has no end of a group`);
    return inner;
  }

  #fits(one: (character: string) => boolean, i: number): boolean {
    this.steps++;
    return i < this.text.length && one(this.text[i] as string);
  }

  /** A class, an escape, a dot or a plain character. */
  #character(): (character: string) => boolean {
    const start = this.#at;
    if (this.#take('[')) {
      while (this.#source[this.#at] !== ']') this.#at += this.#source[this.#at] === '\\' ? 2 : 1;
      this.#at++;
    } else if (this.#take('\\')) {
      const letter = this.#source[this.#at++];
      if (letter === 'u') this.#at += 4;
      else if (letter === 'x') this.#at += 2;
    } else this.#at++;
    const pattern = new RegExp(`^${this.#source.slice(start, this.#at)}$`, this.#flags.replaceAll(/[gy]/g, ''));
    const known = new Map<string, boolean>();
    return (character) => {
      const answer = known.get(character) ?? nativeExec(pattern, character) !== null;
      known.set(character, answer);
      return answer;
    };
  }

  #repeated(what: Matcher, one: ((character: string) => boolean) | null): Matcher {
    const match = nativeExec(/^(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/, this.#source.slice(this.#at));
    if (match === null) return what;
    this.#at += match[0].length;
    const [min, max] = match[1] === '*' ? [0, Infinity] : match[1] === '+' ? [1, Infinity] : match[1] === '?' ? [0, 1]
      : [Number(match[2]), match[3] === '' ? Number(match[2]) : match[4] === '' ? Infinity : Number(match[4])];
    const lazy = match[5] === '?';
    if (one !== null && !lazy) {
      return (i, next) => {
        let count = 0;
        while (count < max && this.#fits(one, i + count)) count++;
        for (; count >= min; count--) {
          this.steps++;
          const end = next(i + count);
          if (end >= 0) return end;
        }
        return -1;
      };
    }
    const from = (i: number, count: number, next: (i: number) => number): number => {
      const more = (): number => (count >= max ? -1 : what(i, (k) => (k === i && count >= min ? -1 : from(k, count + 1, next))));
      const done = (): number => (count < min ? -1 : next(i));
      const [first, second] = lazy ? [done, more] : [more, done];
      const end = first();
      return end >= 0 ? end : second();
    };
    return (i, next) => from(i, 0, next);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}

/** Not the one that a test puts in its place. */
const { exec } = RegExp.prototype;
const nativeExec = (pattern: RegExp, text: string): RegExpExecArray | null => exec.call(pattern, text);
const compiled = new Map<string, { compiler: Compiler; matcher: Matcher }>();

/** The steps of `pattern.exec(text)` from its `lastIndex` on. `found` is what it finds: the matcher must find the same. */
export function regexpSteps(pattern: RegExp, text: string, from: number, found: RegExpExecArray | null): number {
  let entry = compiled.get(String(pattern));
  if (entry === undefined) {
    const compiler = new Compiler(pattern);
    compiled.set(String(pattern), entry = { compiler, matcher: compiler.whole() });
  }
  const { compiler, matcher } = entry;
  compiler.text = text;
  compiler.steps = 0;
  const lastStart = pattern.sticky ? from : text.length;
  for (let i = from; i <= lastStart; i++) {
    compiler.steps++;
    const end = matcher(i, (k) => k);
    if (end < 0) continue;
    if (found === null || found.index !== i || found.index + found[0].length !== end) throw new Error(`counted-regexp: ${String(pattern)} matches ${i} to ${end} of ${JSON.stringify(text.slice(0, 80))}, and does not`);
    return compiler.steps;
  }
  if (found !== null) throw new Error(`counted-regexp: ${String(pattern)} does not match ${JSON.stringify(text.slice(0, 80))}, and does`);
  return compiler.steps;
}
