// The course of the demo, from a booted box to a box with nothing of ours in it.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ask, sites, timedBy } from './sites.mjs';
import { measure } from './measure.mjs';
import { formatMemory, formatMs, phaseList, splitPhases } from './render.mjs';

const idleSec = '2s';
const exitIdleTime = '1s';
const activatorUnit = 'wakesock.service';
const scopeOf = (name) => `wakesock-site-${name}.scope`;

export const introduction = [
  `${sites.length} programs that know nothing of wakesock, on a systemd in a box.`,
  `A site is stopped after ${idleSec} without use (by default 5min), the`,
  `activator ends ${exitIdleTime} after the last of them (by default 30s).`,
  '',
];

/** @returns the model that `showDemo` fills and a screen shows */
export function newModel() {
  return { rows: [...sites.map(({ name }) => ({ name, state: 'dormant' })), { name: 'activator', state: 'off' }], notes: [], doing: undefined };
}

/**
 * @param {{ box: object, checkout: string, model: object, screen: object, journal: object }} parts
 * @throws on the first thing that is not as promised
 */
export async function showDemo({ box, checkout, model, screen, journal }) {
  const startMs = performance.now();
  const wakesock = (...args) => box.run(['node', join(checkout, 'dist/wakesock.cjs'), ...args]);
  const row = (name) => model.rows.find((each) => each.name === name);
  const set = (name, values) => { Object.assign(row(name), values); screen.changed(); };
  const say = (name, line) => screen.say(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(4)} s  ${name.padEnd(9)}  ${line}`);
  const doing = (text) => { model.doing = text; screen.changed(); };

  /** No processes left, or it is not dormant whatever anybody says. */
  const expectDormant = async (name, cgroup, word) => {
    const found = await measure(box, cgroup);
    if (found.processes > 0) throw new Error(`Expected ${name} to have no process any more, found ${found.processes}`);
    set(name, { state: name === 'activator' ? 'off' : 'dormant', ...found });
    say(name, `${word}: processes ${found.processes}, memory ${formatMemory(found.memoryBytes)}`);
  };
  const untilDormant = async (name, times) => {
    await journal.until([`${name} dormant`, `${scopeOf(name)} ended`], times);
    await expectDormant(name, scopeOf(name), 'dormant again');
  };
  const firstAnswer = async (name, client, expected) => {
    doing(`${name}: ${client[0]} asks, the site sleeps`);
    set(name, { state: 'waking', processes: undefined, memoryBytes: undefined });
    const answer = await ask(box, client, expected);
    set(name, { state: 'awake', ...await measure(box, scopeOf(name)) });
    doing(`${name}: awake`);
    const { lastWake } = JSON.parse(await wakesock('status', '--json', name)).sites[0];
    set('activator', { state: 'running', ...await measure(box, activatorUnit) });
    return { answer, split: splitPhases(answer, lastWake) };
  };

  doing('wakesock install, wakesock enable');
  await installAndEnable(box, checkout, wakesock);
  for (const { name } of sites) await expectDormant(name, scopeOf(name), 'dormant');
  await expectDormant('activator', activatorUnit, 'not running');

  const asleep = [];
  for (const { name, asks: [first, second], expects } of sites) {
    const { answer, split } = await firstAnswer(name, first, expects[0]);
    set(name, { firstMs: answer.ms, phasesMs: split });
    say(name, `first answer in ${formatMs(answer.ms)} (${timedBy(first)}): ${phaseList(split)}`);
    doing(`${name}: ${second[0]} asks again`);
    const again = await ask(box, second, expects[1]);
    const awake = await measure(box, scopeOf(name));
    set(name, { secondMs: again.ms, ...awake });
    say(name, `second answer in ${formatMs(again.ms)}; awake: processes ${awake.processes}, memory ${formatMemory(awake.memoryBytes)}`);
    const dormant = untilDormant(name, 1);
    // Whatever fails first is reported; this may be another site.
    dormant.catch(() => undefined);
    asleep.push(dormant);
  }
  doing(`nobody asks: whoever is idle for ${idleSec} is stopped`);
  await Promise.all(asleep);
  doing(`nobody is awake: the activator ends after ${exitIdleTime}`);
  await journal.until([`${activatorUnit} ended`]);
  await expectDormant('activator', activatorUnit, 'has exited');

  for (const { name, askAgain, expectAgain } of sites.filter((site) => site.askAgain !== undefined)) {
    const { answer, split } = await firstAnswer(name, askAgain, expectAgain);
    const note = `again, from nothing: ${askAgain.slice(-2).join(' ')} says "${expectAgain}" in ${formatMs(answer.ms)}`;
    say(name, `${note}: ${phaseList(split)}`);
    model.notes.push(`${name} ${note}`);
    doing('nobody asks: idle, then nothing again');
    await untilDormant(name, 2);
    await journal.until([`${activatorUnit} ended`], 2);
    await expectDormant('activator', activatorUnit, 'has exited');
  }

  return summary(box, JSON.parse(await wakesock('status', '--json')), model);
}

async function installAndEnable(box, checkout, wakesock) {
  const examples = join(checkout, 'examples');
  const names = sites.map(({ name }) => name);
  await wakesock('install');
  // A Node that is not in /usr is not in the site's root either.
  const node = realpathSync(process.execPath);
  if (!node.startsWith('/usr/')) await box.writeFile('/etc/wakesock/sites/node.container.d/elsewhere.conf', `[Container]\nVolume=${node}:/opt/node:ro\nExec=/opt/node /site/server.mjs\n`);
  // Minutes by default: nobody wants to watch that.
  await box.writeFile('/etc/wakesock/sites/container.d/demo.conf', `[X-Wakesock]\nIdleSec=${idleSec}\n`);
  await box.writeFile(`/etc/systemd/system/${activatorUnit}.d/demo.conf`, `[Service]\nExecStart=\nExecStart=${node} ${join(checkout, 'dist/wakesock.cjs')} run --exit-idle-time=${exitIdleTime}\n`);
  const setups = sites.map(({ setup }) => setup).join('\n');
  await box.run(['bash', '-ec', `cd "$0"; systemctl daemon-reload; ${setups}\nfor name; do cp "$name.container" /etc/wakesock/sites/; done`, examples, ...names]);
  await wakesock('enable', ...names);
}

/** Asked last of all: the product's own word, and everything of ours in the whole box. */
async function summary(box, report, model) {
  const ours = await measure(box, 'wakesock');
  const wrong = report.sites.filter(({ state, error }) => state !== 'dormant' || error !== null);
  if (wrong.length > 0 || report.activator.state !== 'stopped' || ours.processes > 0) {
    throw new Error(`Expected everything to be dormant at the end, got ${ours.processes} processes and ${JSON.stringify(report)}`);
  }
  const wakes = report.sites.reduce((sum, site) => sum + site.wakes, 0);
  const first = model.rows.flatMap(({ firstMs }) => firstMs ?? []);
  return [
    `${report.sites.length} programs, woken ${wakes} times; first answers in ${formatMs(Math.min(...first))} to ${formatMs(Math.max(...first))}.`,
    `Now ${ours.processes} processes are ours or the sites'; systemd holds the sockets.`,
    'Times: by the clients. Memory: PSS, what is shared is divided.',
  ];
}
