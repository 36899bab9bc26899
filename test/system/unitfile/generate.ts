/** Generated units in which what systemd reads in a way of its own is frequent. */
import fc from 'fast-check';

const join = (parts: readonly (string | number)[]): string => parts.join('');
const pieces = (of: readonly string[], max = 6): fc.Arbitrary<string> => fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...of) }, fc.string({ unit: 'grapheme-ascii', maxLength: 3 })), { minLength: 1, maxLength: max }).map(join);
const either = (good: fc.Arbitrary<string>, odd: readonly string[]): fc.Arbitrary<string> => fc.oneof({ weight: 4, arbitrary: good }, fc.constantFrom(...odd));

const number = either(fc.oneof(fc.nat(100_000).map(String), fc.constantFrom('010', '0x1f', '+5', '0b11', '0o17', '007', '1', '100')), ['', '-1', '1 ', '08', 'x', '1.5', '0x', '4294967296', '18446744073709551615', '18446744073709551616']);
const spanUnit = fc.constantFrom('', 's', 'sec', 'min', 'm', 'h', 'hr', 'd', 'w', 'month', 'M', 'y', 'ms', 'us', 'µs', 'msec', 'hours');
const span = either(fc.array(fc.tuple(fc.oneof(fc.nat(500).map(String), fc.tuple(fc.nat(99), fc.nat(999)).map(([a, b]) => `${a}.${b}`)), fc.constantFrom('', ' '), spanUnit, fc.constantFrom(' ', '')), { minLength: 1, maxLength: 3 }).map((all) => all.map(join).join('')),
  ['infinity', '0', '1.', '-5', '5 x', '1.5.5', '.5min', '5minx', '1e3', '99999999999y', 'infinity 1', '+3s']);
const size = either(fc.tuple(fc.nat(5000), fc.constantFrom('', '.5', '.25'), fc.constantFrom('', ' '), fc.constantFrom('', 'B', 'K', 'M', 'G', 'T')).map(join), ['infinity', '0', '1G 512M', '1M 1G', '1k', '1KB', '-1', '1.5.5K', '16E', '8E', '1 000', '.5M', '1.M']);
const percent = either(fc.tuple(fc.nat(300), fc.constantFrom('', '.5', '.25'), fc.constant('%')).map(join), ['50', '0%', '010%', '10.255%', '125‰', '12.5‰', '1250‱', '-5%', '%', ' 5%', '5 %']);
const boolean = fc.constantFrom('yes', 'no', 'True', 'OFF', 'y', 'n', 't', 'f', '1', '0', 'on', 'maybe', 'yess', '2');
const mode = fc.constantFrom('0660', '660', '7777', '0', '00000', '07777', '10000', '8', '0o660', '+660', '', 'rw', '0660 ', '02775');
const signal = fc.constantFrom('SIGTERM', 'TERM', '15', 'SIGKILL', 'RTMIN+3', 'SIGRTMAX-2', '34', '64', '65', '0', 'term', 'SIGFOO', 'POLL', 'SIGIO', 'RTMIN', 'RTMAX', 'RTMIN+31', 'SIG15', '-1', 'RTMIN-1');
const status = fc.array(fc.constantFrom('0', '1', '75', '255', '256', 'TEMPFAIL', 'DATAERR', 'SIGUSR1', 'USR2', 'FAILURE', 'tempfail', 'BOGUS', '010'), { maxLength: 4 }).map((words) => words.join(' '));
const prefix = fc.array(fc.constantFrom('any', 'localhost', 'link-local', 'multicast', '10.0.0.0/8', '10.1.2.3', '10.1.2.3/20', '::1', '2001:db8::/32', '2001:db8:ffff::1/33', 'fe80::1/10', '0.0.0.0/0', '1.2.3.4/33', '::/129', 'x', '10.1'), { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));
const rlimit = either(fc.tuple(fc.oneof(fc.nat(9999).map(String), fc.constantFrom('infinity')), fc.constantFrom(':20000', ':infinity', '', '')).map(join), ['5:4', '', ':', '1:', ':1', '1K', '010', '+5', '-5', '0', '1:2:3', '21', '5min', '1.5s', '40', '41']);
const text = pieces(['a', ' ', '%n', '%i', '%%', '%p', '%q%', '%z', '\\', '\\\\', '"', "'", '%', '%N', '=', '#', ';', 'ä', '%t', '%E/%C', '%j', '%u', '%U', '%h', '%s', '%f', '%T']);
const variable = pieces(['A=b', 'B', '=', ' ', '"C=d e"', "'D=\\x41'", '\\n', '\\q', 'E=%n', '%%', '"', "'", 'F=\\u00e4', '_G=', '1H=x', '\t', 'I="j k"l', '$A'], 8);
const command = fc.tuple(fc.constantFrom('', '', '', '-', '@', ':', '+', '!', '!!', '-@', ':+', '--', '!+', '|'), fc.constantFrom('/bin/true', '/bin//true', 'sh', '"/bin/sh"', '/bin/./x', './x', '/', '/bin/', '%n', '/usr/%p', '"/a b"', '', '.', 'a/b', '/bin/ü'),
  fc.array(fc.tuple(fc.constantFrom(' ', '  ', '\t'), fc.oneof(fc.constantFrom('a', '"a b"', "'c d'", '\\;', ';', '";"', '\\\\;', '; /bin/y', ';x', '$A', '${A}', '$$', '%i', '%%', '\\x41', '\\q', '\\', '"', 'a"b"c', '\\s', '\\u00e4', '; ;', '%z', '\\101', '\\x', '""', "'\\''"), fc.string({ unit: 'grapheme-ascii', maxLength: 3 }))).map(join), { maxLength: 6 }).map(join)).map(join);
const address = either(fc.oneof(fc.integer({ min: 0, max: 66_000 }).map(String), fc.tuple(fc.ipV4(), fc.nat(66_000)).map(([ip, port]) => `${ip}:${port}`), fc.tuple(fc.ipV6(), fc.nat(66_000)).map(([ip, port]) => `[${ip}]:${port}`)),
  ['/run/a.sock', '/run//b/./c', '@abstract', '@', '/', 'vsock::123', 'vsock:2:123', 'vsock:x:1', 'vsock:2:', 'vsock-stream:2:9', '[::1]:80%lo', '[fe80::1%lo]:80', '127.0.0.1', '127.0.0.1:', ':80', '08080', '0', '65535', '65536', '[::1]', '::1:80', '1.2.3:80', '01.2.3.4:80', 'localhost:80', `/${'x'.repeat(107)}`, `/${'x'.repeat(106)}`, '+80', '/run/%n', '0x50', '%i']);
const calendar = fc.constantFrom('daily', 'Mon..Fri *-*-* 08:00', '*-02~1', '*:0/5', 'Sat,Sun 12:00 Europe/Berlin', '@1700000000', '*-*-* 1', 'bogus', '2026-1-1', '*:*:*', '5..3-1-1', 'Mon,Mon 1:1', '1..8~28/6', 'weekly UTC');

const cpus = fc.array(fc.constantFrom('0', '1', '0-3', '5,7', '3-1', '8-11,', '63', '64', '8191', '8192', '-1', '1-', 'x', '010', ' ', '0-0', '"2"', "1 '3'"), { minLength: 1, maxLength: 3 }).map((words) => words.join(' '));
const perDevice = (amount: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('/dev/sda', '/dev/sda', '/srv', '/srv//x/.', '"/a b"', "'/c'", 'dev/sda', '/a/../b', '', '/'), fc.constantFrom(' ', '  ', '\t', ''), amount).map(join);

const values: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<string>>>>> = {
  Unit: { Description: text, JobTimeoutSec: span, StartLimitIntervalSec: span, StartLimitBurst: number, RefuseManualStart: boolean },
  Service: {
    ExecStart: command, Environment: variable, TimeoutStartSec: span, RestartSec: span, RemainAfterExit: boolean, KillSignal: signal, UMask: mode, Nice: number, OOMScoreAdjust: number,
    MemoryMin: size, MemoryLow: size, MemorySwapMax: size, MemoryHigh: size, MemoryMax: size, TasksMax: number, CPUQuota: percent, CPUWeight: either(number, ['idle']), IOWeight: number,
    CPUQuotaPeriodSec: span, AllowedCPUs: cpus, IODeviceWeight: perDevice(number), IOReadBandwidthMax: perDevice(size), IOWriteIOPSMax: perDevice(size), IODeviceLatencyTargetSec: perDevice(span),
    LimitNOFILE: rlimit, LimitCORE: either(size, ['1K:1M', '0:infinity']), LimitCPU: either(span, ['5:10', '1min:2min', '1.5s']), LimitNICE: rlimit, LimitRTTIME: either(span, ['5:10', '5ms', '7']), LimitMEMLOCK: either(size, ['64K:64K']), LimitNPROC: rlimit,
    SuccessExitStatus: status, IPAddressAllow: prefix,
  },
  Socket: { ListenStream: address, SocketMode: mode, Backlog: number, ReceiveBuffer: size, TriggerLimitIntervalSec: span },
  Timer: { OnCalendar: calendar, AccuracySec: span },
};

const breaks = fc.constantFrom('\n', '\n', '\n', '\n', '\r\n', '\n\n', '\n# comment\n', '\n; c\\\n', ' \n', '\r', '\n\r');
const oneLine = (value: string): string => value.replace(/[\r\n\0]/g, '');

/** Assignments of one section; a value may be spread over continuation lines. */
function assignments(section: string): fc.Arbitrary<string> {
  const one = fc.constantFrom(...Object.entries(values[section] ?? {})).chain(([key, value]) => fc.tuple(
    fc.constantFrom('', '', ' ', '\t'), fc.constant(key), fc.constantFrom('=', '=', ' = '), fc.oneof({ weight: 15, arbitrary: value.map(oneLine) }, fc.constant('')),
    breaks,
  ).map(join));
  const odd = fc.constantFrom('junk\n', '=x\n', 'Unknown=1\n', 'X-Own=1\n', '# c\n', '\uFEFF', '\n', 'Description=a \\\n  b \\\n# between\n c\n', 'Documentation=man:x(1)\\\n\n', '[X-Other]\nA=b\n[Unit]\n');
  return fc.array(fc.oneof({ weight: 12, arbitrary: one }, odd), { minLength: 1, maxLength: 14 }).map(join);
}

/** A unit and the type that its name needs. */
export const unitText: fc.Arbitrary<{ readonly type: string; readonly text: string }> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(assignments('Unit'), assignments('Service')).map(([unit, own]) => ({ type: 'service', text: `[Unit]\n${unit}[Service]\nExecStart=/bin/true\nExecStart=\nType=oneshot\n${own}` })) },
  { weight: 3, arbitrary: fc.tuple(assignments('Unit'), assignments('Socket')).map(([unit, own]) => ({ type: 'socket', text: `[Unit]\n${unit}[Socket]\n${own}` })) },
  { weight: 1, arbitrary: fc.tuple(assignments('Unit'), assignments('Timer')).map(([unit, own]) => ({ type: 'timer', text: `[Unit]\n${unit}[Timer]\n${own}` })) },
);

const nearly = fc.constantFrom('ExecStrat=/bin/true', 'execstart=/bin/true', 'Nonsense=1', 'X-Own=1', 'ListenStream=80', 'junk', '=x', ' = ', '# c', '; c', '', 'Description', '[Serivce]', '[X-Other]', '[Service ]', '[Unit', '[A"b]', 'WantedBy=x.target', 'Requires=', 'PrivateTmp=maybe', 'KillMode=', 'Restart=alwyas', 'Type=notify', 'Mark=x', 'TimeoutStopSec=', 'IODeviceLatencyTargetSec=/srv 5', 'MemoryMax=');

const plainAssignment = (section: string): fc.Arbitrary<string> =>
  fc.constantFrom(...Object.entries(values[section] ?? {})).chain(([key, value]) => value.map((text) => `${key}=${oneLine(text).replace(/\\+$/, '')}`));

const plainLines = (section: string): fc.Arbitrary<string> => fc.array(fc.oneof({ weight: 8, arbitrary: plainAssignment(section) }, nearly), { maxLength: 10 }).map((all) => all.map((line) => `${line}\n`).join(''));

/** A unit whose logical lines are its lines, each of which may be wrong. */
export const plainUnitText: fc.Arbitrary<{ readonly type: string; readonly text: string }> = fc.constantFrom('service', 'service', 'socket', 'timer').chain((type) => {
  const own = `${type[0]?.toUpperCase()}${type.slice(1)}`;
  return fc.tuple(fc.constantFrom('', '', '', 'Early=1\n'), plainLines('Unit'), plainLines(own)).map(([first, unit, section]) => ({ type, text: `${first}[Unit]\n${unit}[${own}]\n${section}` }));
});
