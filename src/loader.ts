/**
 * dist/wakesock.cjs: runs the bundle, as a service from V8's code cache. Compiling it is a tenth of a start from nothing.
 *
 * What V8 compiled is kept below `CACHE_DIRECTORY` (systemd.exec(5)) by the first activator, and again when it does not fit:
 * V8 looks at its own version and flags, we at Node's and at whether a file of the bundle is still the one that was compiled.
 * The front door's is made by the activator, too, and found by `WAKESOCK_CODE_CACHE`: who reads what anybody sends must not write what its next process executes.
 */
import { closeSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

interface Kept {
  /** See {@link readSource}. */
  readonly source: string;
  readonly code: Buffer;
}

/** By then all that a wake runs has been compiled, and the first client has been served. */
const KEEP_AFTER_MS = 5_000;
/** The cache file begins with the length of its index. */
const HEAD_BYTES = 4;

const nodeRequire = createRequire(import.meta.url);

/** A CommonJS loader for the few files of the bundle, which name each other by relative paths. */
class CachedBundle {
  readonly #path: string;
  #kept: ReadonlyMap<string, Kept>;
  readonly #scripts = new Map<string, { readonly source: string; readonly script: Script }>();
  readonly #modules = new Map<string, { exports: unknown }>();
  #stale = false;
  #done = false;

  constructor(path: string) {
    this.#path = path;
    this.#kept = readKept(path);
  }

  load(path: string): unknown {
    const known = this.#modules.get(path);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    this.#modules.set(path, module);
    const run = this.#compile(path).runInThisContext() as (...names: unknown[]) => void;
    const require = (id: string): unknown => (id.startsWith('.') ? this.load(join(dirname(path), id)) : nodeRequire(id));
    run(module.exports, require, module, path, dirname(path));
    return module.exports;
  }

  #compile(path: string): Script {
    const { text, source } = readSource(path);
    const kept = this.#kept.get(path);
    const cachedData = kept?.source === source ? kept.code : undefined;
    const script = new Script(asFunction(text), { filename: path, ...cachedData && { cachedData } });
    if (cachedData === undefined || script.cachedDataRejected === true) this.#stale = true;
    if (!this.#done) this.#scripts.set(path, { source, script });
    return script;
  }

  /** With the functions that have been called by now: those are what is compiled late, one by one, without it. Once. */
  keep(): void {
    try {
      if (this.#stale) writeKept(this.#path, new Map([...this.#scripts].map(([path, { source, script }]) => [path, { source, code: script.createCachedData() }])));
    } finally {
      this.forget();
    }
  }

  /** A megabyte that nobody needs any more. */
  forget(): void {
    this.#done = true;
    this.#kept = new Map();
    this.#scripts.clear();
  }
}

function asFunction(text: string): string {
  return `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
}

/**
 * For a process that may not write it: all of its functions, of which nobody knows here which it calls. It takes 15 ms, and so is done only where what is kept is
 * of other files. Nothing of them is run.
 */
export function keepWhole(path: string, files: readonly string[]): void {
  const sources = files.map((file) => ({ file, ...readSource(file) }));
  const kept = readKept(path);
  if (sources.every(({ file, source }) => kept.get(file)?.source === source)) return;
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  setFlagsFromString('--no-lazy');
  const scripts = sources.map(({ file, source, text }) => ({ file, source, script: new Script(asFunction(text), { filename: file }) }));
  // Code that was made with other flags than those of the process that is to run it would be refused.
  setFlagsFromString('--lazy');
  writeKept(path, new Map(scripts.map(({ file, source, script }) => [file, { source, code: script.createCachedData() }])), 0o644);
}

/** `source` tells a file from another one under its name, and for another Node. Not the time of modification, which npm sets to the same for all. */
function readSource(path: string): { text: string; source: string } {
  const fd = openSync(path, 'r');
  try {
    const { ino, size, ctimeMs } = fstatSync(fd);
    return { text: readFileSync(fd, 'utf8'), source: `${process.version} ${process.arch} ${ino} ${size} ${ctimeMs}` };
  } finally {
    closeSync(fd);
  }
}

/**
 * The file is its content twice. V8 runs what it is given without a look whether it is whole, and ends the process where it is
 * not: comparing the two takes 0.05 ms, loading anything that computes a checksum takes 1.
 */
export function writeKept(path: string, kept: ReadonlyMap<string, Kept>, mode = 0o600): void {
  const index = Buffer.from(JSON.stringify([...kept].map(([file, { source, code }]) => [file, source, code.length])));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(index.length);
  const content = Buffer.concat([head, index, ...[...kept.values()].map(({ code }) => code)]);
  // Whoever reads it sees the old one or the new one.
  writeFileSync(`${path}.new`, Buffer.concat([content, content]), { mode });
  renameSync(`${path}.new`, path);
}

/** Empty where there is none that can be used. */
export function readKept(path: string): Map<string, Kept> {
  try {
    const bytes = readFileSync(path);
    const content = bytes.subarray(0, bytes.length / 2);
    if (content.length === 0 || !content.equals(bytes.subarray(content.length))) return new Map();
    let at = HEAD_BYTES + content.readUInt32LE();
    const index = JSON.parse(content.toString('utf8', HEAD_BYTES, at)) as [string, string, number][];
    return new Map(index.map(([file, source, length]) => [file, { source, code: content.subarray(at, (at += length)) }]));
  } catch {
    return new Map();
  }
}

/**
 * @param main the bundle's first file
 * @param front those that the front door loads when it starts
 */
export function run(main: string, front: readonly string[]): void {
  const verb = process.argv[2];
  const ofActivator = process.env['WAKESOCK_CODE_CACHE'];
  if (verb === 'front' && ofActivator !== undefined) {
    const bundle = new CachedBundle(`${ofActivator}/front`);
    setTimeout(() => bundle.forget(), KEEP_AFTER_MS).unref();
    bundle.load(main);
    return;
  }
  // More than one where a drop-in names more: ours is the first.
  const directory = process.env['CACHE_DIRECTORY']?.split(':', 1)[0];
  if (verb !== 'run' || directory === undefined) {
    nodeRequire(main);
    return;
  }
  const bundle = new CachedBundle(`${directory}/code`);
  let kept = false;
  const keep = (): void => {
    if (kept) return;
    kept = true;
    try {
      bundle.keep();
      keepWhole(`${directory}/front`, front);
    } catch {
      // No room, or not ours to write: the next start compiles as this one did.
    }
  };
  setTimeout(keep, KEEP_AFTER_MS).unref();
  process.once('exit', keep);
  bundle.load(main);
}
