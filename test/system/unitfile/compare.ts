import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { splitUnitName, unitSpecifiers, type UnitName } from '../../../src/unitfile/index.ts';
import type { AttachedBox } from '../../box/box.ts';
import { expectations, theirForm, type Expectation } from './expected.ts';

const askScript = fileURLToPath(new URL('./ask-systemd.mjs', import.meta.url));

export interface Difference { readonly text: string; readonly property: string; readonly ours: unknown; readonly systemd: unknown }
export interface Comparison { readonly compared: number; readonly refused: number; readonly differences: readonly Difference[] }

const propertiesOf = (expectation: Expectation | null): string[] => (expectation?.key.properties ?? []).filter((property) => property !== 'LoadState');

/** Has systemd load the units, all with one reload, and holds what it says against our reading. */
export async function compareWithSystemd(box: AttachedBox, units: readonly { readonly type: string; readonly text: string }[]): Promise<Comparison> {
  const named = units.map((unit, i) => ({ ...unit, name: `oracle-a${i % 10}-${i}@x-y${i}.${unit.type}` }));
  const questions = named.map(({ name, text }) => {
    // %D came with systemd 255: the older target refuses it.
    const { D: _newer, ...context } = unitSpecifiers({ unit: splitUnitName(name) as UnitName, fragmentPath: `/run/systemd/system/${name}`, host: { hostName: 'box', architecture: process.arch === 'x64' ? 'x86-64' : process.arch }, user: { name: 'root', uid: 0, group: 'root', gid: 0, home: '/root', shell: '/bin/bash' } });
    return { name, text, expected: expectations(text, context) };
  });
  const flat: { name: string; text: string; expectation: Expectation | null }[] = questions.flatMap(({ name, text, expected }) => (expected ?? [null]).map((expectation) => ({ name, text, expectation })));
  const ask = flat.map(({ name, expectation }) => ({ unit: name, interface: expectation?.key.interface ?? '', properties: propertiesOf(expectation) }));
  const states = flat.filter(({ expectation }) => expectation === null || expectation.key.properties.includes('LoadState'));
  const answers = JSON.parse(await box.run(['node', askScript], {
    input: JSON.stringify({ units: Object.fromEntries(named.map(({ name, text }) => [name, text])), ask: [...ask, ...states.map(({ name }) => ({ unit: name, interface: '', properties: ['LoadState'] }))] }),
    timeoutMs: 300_000,
  })) as unknown[][];
  const loadStates = new Map(states.map(({ name }, i) => [name, answers[ask.length + i]?.[0]]));
  const differences: Difference[] = [];
  const report = (text: string, property: string, ours: unknown, systemd: unknown): void => {
    if (JSON.stringify(ours) !== JSON.stringify(systemd)) differences.push({ text, property, ours, systemd });
  };
  for (const [i, { name, text, expectation }] of flat.entries()) {
    if (expectation === null) {
      if (loadStates.get(name) !== 'error' && loadStates.get(name) !== 'bad-setting') report(text, 'LoadState', 'error', loadStates.get(name));
      continue;
    }
    const properties = propertiesOf(expectation);
    const ours = expectation.values.slice(expectation.key.properties.length - properties.length);
    for (const [k, property] of properties.entries()) report(text, property, ours[k], theirForm(property, answers[i]?.[k]));
  }
  return { compared: flat.length, refused: questions.filter(({ expected }) => expected === null).length, differences };
}

/** A finding that stays: a unit file of test/corpus, by its name. */
export const corpusUnit = (name: string): { type: string; text: string } => ({
  type: name.slice(name.lastIndexOf('.') + 1), text: readFileSync(new URL(`../../corpus/${name}`, import.meta.url), 'utf8'),
});
