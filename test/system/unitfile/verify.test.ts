/** What is wrong, and on which line, by `systemd-analyze verify`: keys, sections, values. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkUnit, knownKeys, parseUnit } from '../../../src/unitfile/index.ts';
import { wordKinds } from '../../../src/unitfile/known-keys.ts';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';
import { plainUnitText } from './generate.ts';

const box = testBox();
const sections = new Map([['Unit', 'service'], ['Service', 'service'], ['Socket', 'socket'], ['Timer', 'timer'], ['Path', 'path'], ['Mount', 'mount'], ['Automount', 'automount'], ['Swap', 'swap'], ['Slice', 'slice']]);

interface Unit { readonly type: string; readonly text: string }
/** A line that one of the two complains of and the other does not. */
interface Difference { readonly text: string; readonly unit: string; readonly line: number; readonly ours: string | null; readonly systemd: string | null }

/** Writes the units, has all verified by one process, and prints what it says. */
const script = `
rm -rf /run/verify-oracle && mkdir /run/verify-oracle && cd /run/verify-oracle
node -e 'for (const [name, text] of Object.entries(JSON.parse(require("fs").readFileSync(0)))) require("fs").writeFileSync(name, text)'
SYSTEMD_LOG_COLOR=0 systemd-analyze verify --man=no --recursive-errors=no /run/verify-oracle/* 2>&1
rm -rf /run/verify-oracle`;

async function compare(units: readonly Unit[]): Promise<{ readonly complaints: number; readonly differences: readonly Difference[] }> {
  // Where there are templates, an instance: %i has a meaning.
  const named = units.map((unit, i) => ({ ...unit, name: `v${i}${['service', 'socket', 'timer'].includes(unit.type) ? '@x' : ''}.${unit.type}` }));
  const output = await box.run(['sh', '-c', script], { input: JSON.stringify(Object.fromEntries(named.map(({ name, text }) => [name, text]))), timeoutMs: 120_000 });
  const theirs = new Map<string, Map<number, string>>();
  for (const [, name, line, message] of output.matchAll(/^\/run\/verify-oracle\/([^:]+):(\d+): (.*)$/gm)) {
    const lines = theirs.get(name as string) ?? new Map<number, string>();
    theirs.set(name as string, lines.set(Number(line), message as string));
  }
  let complaints = 0;
  const differences = named.flatMap(({ name, type, text }) => {
    const ours = new Map(checkUnit(parseUnit(text, name), type).map(({ line, code, severity, message }) => [line, `${severity} ${code}: ${message}`]));
    const said = theirs.get(name) ?? new Map<number, string>();
    complaints += said.size;
    // A broken header, and a command that cannot be read and is not to be ignored (`-`), end the file.
    const rows = text.split('\n');
    const end = Math.min(...[...said].filter(([line, message]) => !/[Ii]gnoring/.test(message) || (/^Exec\w*=(?![@:+!]*-[^;]*$)/.test(rows[line - 1] ?? '') && ours.get(line)?.startsWith('error') === true)).map(([line]) => line));
    return [...new Set([...ours.keys(), ...said.keys()])].filter((line) => line <= end && ours.has(line) !== said.has(line))
      // These are newer than the older of the two targets.
      .filter((line) => box.info.target !== 'debian12' || !/vsock-stream:|%D/.test(rows[line - 1] ?? ''))
      // What a specifier stands for, `checkUnit` does not know.
      .filter((line) => ours.has(line) || !/%[a-zA-Z]/.test(rows[line - 1] ?? '') || said.get(line)?.includes('specifier') === true)
      .map((line): Difference => ({ text: rows[line - 1] ?? '', unit: text, line, ours: ours.get(line) ?? null, systemd: said.get(line) ?? null }));
  });
  return { complaints, differences };
}

oracleTest('generated units: each line that systemd-analyze complains of, and no other', 60_000, async (seed) => {
  const { complaints, differences } = await compare(fc.sample(plainUnitText, { numRuns: 300, seed }));
  expect(complaints).toBeGreaterThan(300);
  expect(differences).toEqual([]);
});

test('the units that the box has installed', async () => {
  const list = 'const fs = require("fs"), dir = "/usr/lib/systemd/system/"; console.log(JSON.stringify(fs.readdirSync(dir).filter((name) => fs.lstatSync(dir + name).isFile()).map((name) => [name, fs.readFileSync(dir + name, "utf8")])))';
  const installed = JSON.parse(await box.run(['node', '-e', list])) as [name: string, text: string][];
  const types = new Set(sections.values());
  const units = installed.map(([name, text]) => ({ type: name.slice(name.lastIndexOf('.') + 1), text })).filter(({ type, text }) => types.has(type) && !/\\$/m.test(text));
  expect(units.length).toBeGreaterThan(100);
  expect((await compare(units)).differences).toEqual([]);
});

const sectionOf = (key: string): string => Object.keys(knownKeys).find((name) => knownKeys[name]?.includes(key)) as string;
/** Not in systemd 252. */
const newWords = new Set(['notify-reload', 'disconnected', 'self', 'identity']);

test('each word of the keys that have a few is taken, another is not', async () => {
  const units = Object.entries(wordKinds).filter(([key]) => key !== 'RestartMode' || box.info.target !== 'debian12').flatMap(([name, words]) => {
    const [key, own] = [name.replace(/.*\//, ''), name.includes('/') ? name.replace(/\/.*/, '') : sectionOf(name)];
    const good = words.split(' ').map((word) => (word === 'boolean' ? 'yes' : word)).filter((word) => box.info.target !== 'debian12' || !newWords.has(word));
    return [...good, 'nonsense', 'No', 'full', 'kill', 'all', 'exec'].map((word) => ({ type: own === 'Socket' ? 'socket' : 'service', text: `[${own}]\n${key}=${word}\n` }));
  });
  const { complaints, differences } = await compare(units);
  expect(complaints).toBeGreaterThan(60);
  // Discouraged, not refused.
  expect(differences.filter(({ systemd }) => systemd?.startsWith('Unit uses KillMode=none') !== true)).toEqual([]);
});

test('what an empty assignment does not set back', async () => {
  const keys = Object.entries(knownKeys).filter(([section]) => sections.has(section)).flatMap(([section, all]) => all.map((key) => [section, key] as const));
  const units = keys.map(([section, key]) => ({ type: sections.get(section) as string, text: `[${section}]\n${key}=\n` }));
  const { complaints, differences } = await compare(units);
  expect(complaints).toBeGreaterThan(200);
  // Keys that the older systemd does not know, those that a type of unit does not have, those that are no longer done; and one that 252 read otherwise.
  const other = /^Unknown key|not supported for this unit type|please use|no longer|obsolete|deprecated/i;
  expect(differences.filter(({ text, ours, systemd }) => ours !== null || !(other.test(systemd ?? '') || (box.info.target === 'debian12' && text === 'PrivateMounts=')))).toEqual([]);
});
