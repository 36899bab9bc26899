import { expect, test } from 'vitest';
import pkg from '../../../package.json' with { type: 'json' };
import { WakesockError } from '../../../src/base/errors.ts';
import { report } from '../../../src/cli/report.ts';
import { verbs } from '../../../src/cli/verbs.ts';
import { FakeContext, wakesock } from './fake-context.ts';

test.each([['--help'], ['-h'], ['help']])('%s lists every verb', async (...args) => {
  const { code, out, err } = await wakesock(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const name of Object.keys(verbs)) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test.each([['--version'], ['-V']])('%s', async (...args) => {
  expect(await wakesock(args)).toEqual({ code: 0, out: `${pkg.version}\n`, err: '' });
});

test.each(Object.keys(verbs))('%s --help prints usage and options, and help %s the same', async (name) => {
  const { code, out, err } = await wakesock([name, '--help']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(new RegExp(`^Usage: wakesock ${name}\\b`));
  expect(out).toContain('  -h, --help');
  expect((await wakesock(['help', name])).out).toBe(out);
});

test.each(Object.entries(verbs))('%s documents each option it takes, and no other', async (_, load) => {
  const { verb } = await load();
  const documented = verb.options.flatMap(([option]) => [...option.matchAll(/--([a-z-]+)(=?)/g)].map(([, name, value]) => `${name}${value}`));
  const taken = Object.entries(verb.parse ?? {}).map(([name, { type }]) => name + (type === 'string' ? '=' : ''));
  expect(documented.toSorted()).toEqual(taken.toSorted());
});

test.each<[string[], string]>([
  [[], 'Expected a verb: run, front, status, '],
  [['statsu'], 'Unknown verb statsu; did you mean status?'],
  [['stat'], 'Unknown verb stat; did you mean status?'],
  [['frobnicate'], 'Unknown verb frobnicate ('],
  [['toString'], 'Unknown verb toString ('],
  [['--verison'], 'Unknown option --verison; did you mean --version?'],
  [['help', 'wkae'], 'Unknown verb wkae; did you mean wake?'],
  [['status', '--jsno'], 'Unknown option --jsno; did you mean --json?'],
  [['status', '--hasOwnProperty'], 'Unknown option --hasOwnProperty ('],
  [['status', '-x'], 'Unknown option -x ('],
  [['status', '--json=yes'], 'Option --json takes no value, got "yes"'],
  [['status', '--state-dir'], 'Option --state-dir needs a value: --state-dir=VALUE'],
  [['status', '--state-dir='], 'Option --state-dir needs a value: --state-dir=VALUE'],
  [['status', '--state-dir', '--control=/c'], 'if it is meant: --state-dir=--control=/c'],
  [['wake'], 'Expected at least one site'],
  [['sleep', '--force'], 'Expected at least one site'],
  [['run'], 'neither LISTEN_FDS nor NOTIFY_SOCKET is set'],
  [['run', 'blog'], 'run takes no sites, got blog'],
  [['run', '--sites=/x', '--exit-idle-time=soon'], 'Expected a time span such as 5min'],
  [['run', '--sites=/x', '--log-level=loud'], 'Expected --log-level to be trace, debug, info, warn, error; got "loud"'],
])('wrong usage %j', async (args, message) => {
  const { code, out, err } = await wakesock(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  const [first = '', second = ''] = err.split('\n');
  expect(first).toMatch(/^wakesock: .* \(ERR_WAKESOCK_USAGE\)$/);
  expect(first).toContain(message);
  expect(second).toMatch(/^Try `wakesock( \w+)? --help`\.$/);
});

test('with --json an error is also one JSON value on standard output', async () => {
  const { code, out, err } = await wakesock(['status', '--json', '--jsno']);
  expect(code).toBe(2);
  expect(JSON.parse(out)).toEqual({ error: { code: 'ERR_WAKESOCK_USAGE', message: 'Unknown option --jsno; did you mean --json?' } });
  expect(err).toContain('(ERR_WAKESOCK_USAGE)');
});

test('a WakesockError ends with 1, anything else with 70 and its stack', () => {
  const failed = new FakeContext();
  expect(report(new WakesockError('ERR_WAKESOCK_BUS', 'The bus is \u001B[31mgone\u001B[2J\u001B]0;title\u0007\r\u0007'), ['status'], failed)).toBe(1);
  expect(failed.err).toBe('wakesock: The bus is gone\uFFFD\uFFFD (ERR_WAKESOCK_BUS)\n');
  const bug = new FakeContext();
  expect(report(new TypeError('x is not a function'), ['status'], bug)).toBe(70);
  expect(bug.err).toContain('wakesock: x is not a function (ERR_WAKESOCK_INTERNAL)\nTypeError: x is not a function\n    at ');
  expect(bug.err).toContain('This is a bug in wakesock');
});
