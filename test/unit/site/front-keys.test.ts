import { symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSite } from '../../../src/site/check-site.ts';
import { frontKeysDefault } from '../../../src/site/front-keys.ts';
import { loadSite, type LoadedSite } from '../../../src/site/load-site.ts';
import { SiteFiles } from './site-files.ts';

let files: SiteFiles;
beforeEach(() => { files = new SiteFiles(); });
afterEach(() => files.remove());

function load(lines: string, name = 'a', service = ''): LoadedSite {
  files.write(`etc/${name.replace(/@.*/, '@')}.container`, `[Container]\nExec=/usr/bin/env\n${service}[X-Wakesock]\nRoot=host\nPort=3000\nHost=a.example\n${lines}`);
  return loadSite(files.paths, name);
}
const problems = (lines: string): string[] => load(lines).diagnostics.map(({ severity, code, line, column }) => `${severity} ${code} ${line}:${column}`);

/** What `check` says of it. */
const found = (lines: string): string[] => {
  const { site, places } = load(lines);
  return checkSite(site ?? expect.fail('no site'), places).map(({ severity, code, line, message }) => `${severity} ${code} ${line} ${message.replaceAll(files.base, '')}`);
};

test('sites that say nothing share the defaults', () => {
  expect(load('').front).toBe(frontKeysDefault);
});

test('what a site says; an empty line takes back what stood before; instances inherit it, with their names in it', () => {
  const lines = 'NoWake=path:/old\nNoWake=\nNoWake=path:/%i/* agent:*Bot* status:404\nNoWake=client:192.0.2.7/24 file:/srv/%i.txt\nWaitPageAfterSec=500ms\nWaitPage=/srv/wait.html\nMaxPending=20\nUpgrade=WebSocket mqtt/5\nAllowConnect=yes\n';
  const { front, diagnostics } = load(lines, 't@alice', '[Service]\nTimeoutStartSec=5\nTimeoutStopSec=2\n');
  expect(diagnostics).toEqual([]);
  const empty = { paths: [], methods: [], agents: [], clients: [], woken: null };
  expect(front).toEqual({
    noWake: [
      { ...empty, paths: ['/alice/*'], agents: ['*bot*'], answer: { status: 404 } },
      { ...empty, clients: [{ family: 'ipv4', address: '192.0.2.0', length: 24 }], answer: { file: '/srv/alice.txt' } },
    ],
    keepsAnswers: false, waitPageAfterMs: 500, waitPage: '/srv/wait.html', relayed: null, pendingMax: 20, upgrades: ['websocket', 'mqtt/5'], allowConnect: true, startTimeoutMs: 5_000, stopTimeoutMs: 2_000,
  });
  expect(load('NoWake=path:/feed cached:1d\n').front).toMatchObject({ keepsAnswers: true, noWake: [{ ...empty, paths: ['/feed'], answer: { cachedMs: 86_400_000 } }] });
  expect(load('Upgrade=none\n').front.upgrades).toEqual([]);
  expect(load('WaitPageAfterSec=infinity\n').front.waitPageAfterMs).toBe(Infinity);
});

test('of a relayed site where it is, and what is started for it', () => {
  const target = { family: 'ipv4', address: '127.0.0.1', port: 81, text: '127.0.0.1:81' };
  expect(load('Handoff=relay\nTarget=81\n').front.relayed).toEqual({ target, unit: null });
  expect(load('Handoff=relay\nTarget=81\nUnit=a@%p.service\n').front.relayed).toEqual({ target, unit: 'a@a.service' });
  expect(load('Target=81\n').front.relayed).toBeNull();
});

test.each([
  ['NoWake=path:/a stauts:404', 'error bad-value 7:16'], ['NoWake=path:/a status:999', 'error bad-value 7:23'], ['MaxPending=0', 'error bad-value 7:12'],
  ['MaxPending=4097', 'error bad-value 7:12'], ['WaitPage=wait.html', 'error bad-value 7:10'], ['WaitPageAfterSec=soon', 'error bad-value 7:18'],
  ['Upgrade=websocket none', 'error bad-value 7:19'], ['Upgrade=web,socket', 'error bad-value 7:9'], ['Upgrade=websocket h2c', 'error bad-value 7:19'], ['Upgrade=TLS/1.0', 'error bad-value 7:9'],
  [`Upgrade=${'a '.repeat(17)}`, 'error bad-value 7:9'], ['AllowConnect=443', 'error bad-value 7:14'],
])('%s is an error at its place', (line, expected) => {
  expect(problems(`${line}\n`)).toEqual([expected]);
});

test('more lines than anybody writes are an error', () => {
  expect(problems('NoWake=path:/a\n'.repeat(65))).toEqual(['error bad-value 71:8']);
});

test('without ListenStream= the front door comes to one TCP port', () => {
  expect(problems('Port=3001\n')).toEqual(['error conflict 7:6']);
  expect(problems('Port=\nPort=/run/app.sock\n')).toEqual(['error conflict 8:6']);
});

describe('check', () => {
  test('looks at the files that the front door is to send', () => {
    files.write('ok.txt', 'x');
    files.write('secret.txt', 'x', 0o600);
    symlinkSync(`${files.base}/ok.txt`, `${files.base}/link`);
    files.write('large.html', 'x'.repeat(256 * 1024 + 1));
    expect(found(`NoWake=path:/a file:${files.base}/ok.txt\nNoWake=path:/b file:${files.base}/secret.txt\nNoWake=path:/c file:${files.base}/none\nNoWake=path:/d file:${files.base}/link\nWaitPage=${files.base}/large.html\n`)).toEqual([
      'warning front-file 11 Expected a file of at most 262144 bytes, found 262145 at /large.html: the front door will do without',
      'warning front-file 8 Expected a file that everybody may read (mode 0644) at /secret.txt: the front door will do without',
      'warning front-file 9 Expected a file at /none: the front door will do without',
      'warning front-file 10 Expected a file that is reached without links at /link: the front door will do without',
    ]);
  });
});
