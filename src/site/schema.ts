/** The schema: every key of a site file, and how it is read. The reference page is made from it. */
import { noWakeRulesMax, pendingMaxMax, upgradesMax } from '../base/limits.ts';
import { parseUserNs } from './user-ns.ts';
import { parseBoolean } from '../unitfile/boolean.ts';
import { parseEnvironment } from '../unitfile/environment.ts';
import { parseInteger } from '../unitfile/integer.ts';
import { parseSignal } from '../unitfile/signal.ts';
import { UnitValueError } from '../unitfile/value-error.ts';
import { readEnvironmentFiles } from './environment-file.ts';
import { readExec } from './exec.ts';
import { parseNoWake, parseUpgrades } from './front-keys.ts';
import { each, one, type KeyRow } from './key-row.ts';
import { parseListenAddress } from './listen-address.ts';
import { parsePublishPort } from './publish-port.ts';
import { networkRows } from './network-rows.ts';
import { refusedKeys } from './refused-keys.ts';
import { containerRows } from './container-rows.ts';
import { resourceRows } from './resources.ts';
import { storageRows } from './storage-rows.ts';
import {
  oneOf, parseAbsolutePath, parseAccount, parseCapabilities, parseEntrypoint, parseHostName, parseHosts, parseImage, parseMs, parseProgramPort,
  parseRootfs, parseSeccompProfile, parseServiceUnit, parseTarget, parseText, parseTimeoutMs, parseUlimit, parseWaitPageAfter,
} from './values.ts';

/** In the order in which they are read and documented. */
export const schema: readonly KeyRow[] = [
  {
    section: 'Unit', key: 'Description', syntax: 'TEXT', default: 'the site\'s name', text: 'What the site is, for people.',
    read: one(parseText, (draft, value) => { draft.description = value; }),
  },
  {
    section: 'X-Wakesock', key: 'ListenStream', syntax: 'PORT | ADDRESS:PORT | [ADDRESS]:PORT | PATH', list: true,
    text: 'Where clients connect: systemd listens there while the site sleeps. A bare port is IPv4, `0.0.0.0:PORT`, which IPv4 and IPv6 programs '
      + 'both serve; IPv6 is asked for by name, `[::]:PORT`. Abstract UNIX sockets (`@NAME`) are refused: they cannot be held while the site stops. '
      + 'Wins over the left side of `PublishPort=`.',
    read: each(parseListenAddress, (draft, value, entry) => { draft.listen.push({ value, entry }); }),
  },
  {
    section: 'X-Wakesock', key: 'Port', syntax: 'PORT | PATH', list: true,
    default: 'the port or path of `ListenStream=`, where there is exactly one',
    text: 'What the program itself binds inside the container, paired in order with `ListenStream=`. An absolute path is a UNIX socket, and is '
      + 'paired with one. Wins over the right side of `PublishPort=`.',
    read: each(parseProgramPort, (draft, value, entry) => { draft.ports.push({ value, entry }); }),
  },
  {
    section: 'X-Wakesock', key: 'Host', syntax: 'NAME…', list: true,
    text: 'Host names that the front door serves from this site; `*.example.com` is every name below, `*` every name that no other site has. In a template `Host=%i.example.com` gives each instance its own.',
    read: each(parseHosts, (draft, value, entry) => { for (const host of value) draft.hosts.push({ value: host, entry }); }),
  },
  {
    section: 'X-Wakesock', key: 'Handoff', syntax: 'adopt | listen-fds | relay', default: 'adopt',
    text: '`adopt`: a program that knows nothing of this; the socket is put in place of its own when it binds `Port=`. `listen-fds`: the program speaks '
      + 'systemd\'s protocol (sd_listen_fds(3)). `relay`: what serves the site cannot be given a socket, such as an existing systemd unit or a container of podman or '
      + 'systemd-nspawn; the front door takes the connections and passes their bytes on to `Target=`. See [front.md](front.md#relayed-sites).',
    read: one(oneOf(['adopt', 'listen-fds', 'relay'] as const), (draft, value, entry) => { draft.handoff = { value, entry }; }),
  },
  {
    section: 'X-Wakesock', key: 'Target', syntax: 'PORT | ADDRESS:PORT | [ADDRESS]:PORT | unix:PATH',
    text: 'Where what serves a relayed site listens. A bare port is `127.0.0.1:PORT`. The front door\'s user must be able to connect to it. Clients wait until it accepts, `TimeoutStartSec=` at most.',
    read: one(parseTarget, (draft, value, entry) => { draft.target = { value, entry }; }),
  },
  {
    section: 'X-Wakesock', key: 'Unit', syntax: 'NAME.service', default: 'none: what serves the site is always there',
    text: 'The systemd unit that serves a relayed site. It is started for the first client and stopped after `IdleSec=`, also where somebody else has started it; do not enable it.',
    read: one(parseServiceUnit, (draft, value, entry) => { draft.unit = { value, entry }; }),
  },
  {
    section: 'X-Wakesock', key: 'IdleSec', syntax: 'TIME-SPAN', default: '5min',
    text: 'The site is stopped when nothing has used it for this long. `infinity`: once awake, it stays awake (24 days).',
    read: one(parseMs, (draft, value) => { draft.idleMs = value; }),
  },
  {
    section: 'X-Wakesock', key: 'Root', syntax: 'host',
    text: 'The root is the host\'s `/usr`, read-only, plus the site\'s own writable directories: a site without an image. Instead of `Rootfs=` and `Image=`.',
    read: one(oneOf(['host'] as const), (draft, _value, entry) => { draft.roots.push({ value: { kind: 'host' }, entry }); }),
  },
  {
    section: 'X-Wakesock', key: 'NoWake', syntax: 'CONDITION… [status:CODE | file:PATH | cached:TIME-SPAN]', list: true,
    text: 'Requests through the front door that do not wake the site while it sleeps, and what they get instead: a status (default: 503 with `Retry-After`), or a file '
      + '(GET and HEAD, 256 KiB at most, its type by its suffix; the front door\'s user must be able to read it, and follows no links to it), or the site\'s own last answer, if it is no older than that and may be given to anybody (GET and HEAD; where there is none, the line does not count). Conditions are `path:GLOB` (without the query, as it is sent), '
      + '`method:NAME`, `agent:GLOB` (of `User-Agent`, in any case), `client:ADDRESS[/BITS]`, and `woken:TIMES/TIME-SPAN`: the site was woken so often within so long, by anybody '
      + `(20 times at most). Several of one kind are alternatives, different kinds must all hold; \`*\` is any text, \`?\` one character. The first line that fits counts; at most ${noWakeRulesMax}. `
      + 'Words with spaces are quoted. Examples: [front.md](front.md#who-wakes-nothing).',
    read: each(parseNoWake, (draft, value, entry) => {
      if (draft.front.noWake.length === noWakeRulesMax) throw new UnitValueError(`Expected at most ${noWakeRulesMax} lines`);
      draft.front.noWake.push({ value, entry });
    }),
  },
  {
    section: 'X-Wakesock', key: 'WaitPageAfterSec', syntax: 'TIME-SPAN', default: '2s',
    text: 'A browser that opens a page of the site is shown a waiting page if the site needs longer than this to wake, measured to half a second. `infinity`: never.',
    read: one(parseWaitPageAfter, (draft, value) => { draft.front.waitPageAfterMs = value; }),
  },
  {
    section: 'X-Wakesock', key: 'WaitPage', syntax: 'PATH', default: 'one of wakesock\'s own',
    text: 'A file of HTML (UTF-8, 256 KiB at most) that is shown instead. The front door\'s user must be able to read it, and follows no links to it. It is sent with `Refresh: 3`, so that it need not do anything itself.',
    read: one(parseAbsolutePath, (draft, value, entry) => { draft.front.waitPage = { value, entry }; }),
  },
  {
    section: 'X-Wakesock', key: 'MaxPending', syntax: 'NUMBER', default: '512',
    text: `So many requests at once may wait at the front door for the site to wake, from 1 to ${pendingMaxMax}. Those beyond get 503.`,
    read: one((text) => Number(parseInteger(text, 1n, BigInt(pendingMaxMax))), (draft, value) => { draft.front.pendingMax = value; }),
  },
  {
    section: 'X-Wakesock', key: 'Upgrade', syntax: 'PROTOCOL… | none', default: 'websocket',
    text: 'Protocols in which a request through the front door may go on (`Upgrade`, RFC 9110 7.8): if the program agrees, bytes pass both ways from there on. What else a client offers is not passed on, and '
      + `its request is an ordinary one. At most ${upgradesMax}; in any case. Protocols that carry HTTP (\`h2c\`, \`TLS\`) are refused: requests would pass unread.`,
    read: one(parseUpgrades, (draft, value) => { draft.front.upgrades = value; }),
  },
  {
    section: 'X-Wakesock', key: 'AllowConnect', syntax: 'BOOLEAN', default: 'no',
    text: 'Whether the front door passes `CONNECT` on to the site\'s program, and bytes both ways if that agrees. It is a request like any other: that program alone connects to anything, and the host that is asked for must be one of `Host=`. It gets and asks for the credentials of a proxy (`Proxy-Authorization`). '
      + 'Otherwise it is 501. See [front.md](front.md#tunnels).',
    read: one(parseBoolean, (draft, value) => { draft.front.allowConnect = value; }),
  },
  {
    section: 'Container', key: 'Rootfs', syntax: 'PATH', text: 'A directory that is the container\'s root. Options after a colon are refused.',
    read: one(parseRootfs, (draft, path, entry) => { draft.roots.push({ value: { kind: 'rootfs', path }, entry }); }),
  },
  {
    section: 'Container', key: 'Image', syntax: 'IMAGE | oci:DIR | oci-archive:FILE',
    text: 'An image of podman\'s storage, pulled by `wakesock enable` or `prepare` where it is missing; or one that they import from a directory or an '
      + 'archive. What this file does not say, the image does: program, variables, user, directory, stop signal, port. See [images.md](images.md).',
    read: one(parseImage, (draft, image, entry) => { draft.roots.push({ value: { kind: 'image', image }, entry }); }),
  },
  {
    section: 'Container', key: 'Exec', syntax: 'PROGRAM [ARGUMENT…]',
    text: 'The program and its arguments, split as systemd splits `ExecStart=`: quotes, C escapes, `%` specifiers, `$$` for a dollar sign. No shell reads it. '
      + '`${NAME}` goes to the program as it is.',
    read: readExec,
  },
  {
    section: 'Container', key: 'Entrypoint', syntax: 'PROGRAM | ["PROGRAM","ARGUMENT",…]', text: 'Goes before the words of `Exec=`.',
    read: one(parseEntrypoint, (draft, value) => { draft.entrypoint = value; }),
  },
  {
    section: 'Container', key: 'EnvironmentFile', syntax: '[-]PATH', list: true,
    text: 'A file of variables in podman\'s format: one `NAME=value` a line, no quotes, `#` comments. Relative to the site file. With `-` it may be missing.',
    read: readEnvironmentFiles,
  },
  {
    section: 'Container', key: 'Environment', syntax: 'NAME=VALUE…', list: true,
    text: 'Variables of the program, quoted as systemd does. Later ones win, and all win over `EnvironmentFile=`, as with podman.',
    read: (draft, entries, reading) => {
      for (const entry of entries) {
        reading.attempt(entry, () => {
          for (const [name, value] of parseEnvironment(entry.value, reading.specifiers)) draft.environment.set(name, value);
        });
      }
    },
  },
  ...storageRows.filter(({ section }) => section === 'Container'),
  {
    section: 'Container', key: 'User', syntax: 'USER[:GROUP]', default: 'root', text: 'Who the program runs as, by name or number in the container.',
    read: one((text) => text.split(':'), (draft, [user = '', group, ...rest]) => {
      if (rest.length > 0) throw new UnitValueError('Expected USER or USER:GROUP');
      draft.user = parseAccount(user);
      if (group !== undefined) draft.group = parseAccount(group);
    }),
  },
  {
    section: 'Container', key: 'Group', syntax: 'GROUP', default: 'the user\'s', text: 'The group of the program, by name or number in the container.',
    read: one(parseAccount, (draft, value) => { draft.group = value; }),
  },
  ...containerRows,
  {
    section: 'Container', key: 'UserNS', syntax: 'auto[:size=NUMBER] | host', default: 'auto, where the machine can',
    text: 'A user namespace of the site\'s own: its users and groups, root included, are nobody\'s on the machine. Files keep their owners: user 33 of '
      + 'the site is user 33 of a `Volume=` (see [isolation.md](isolation.md#users-and-groups)). `size` is how many ids it has, otherwise 65536. Where a file '
      + 'system cannot do this, a site that says nothing runs without, with a warning; one that says `auto` is an error. `host`: without.',
    read: one(parseUserNs, (draft, value) => { draft.userNs = value; }),
  },
  {
    section: 'Container', key: 'WorkingDir', syntax: 'PATH', default: '/', text: 'Where the program starts, inside the container.',
    read: one(parseAbsolutePath, (draft, value) => { draft.workingDir = value; }),
  },
  {
    section: 'Container', key: 'ReadOnly', syntax: 'BOOLEAN', default: 'no', text: 'The root is read-only.',
    read: one(parseBoolean, (draft, value) => { draft.readOnly = value; }),
  },
  {
    section: 'Container', key: 'NoNewPrivileges', syntax: 'BOOLEAN', default: 'yes', text: 'Programs cannot gain privileges by set-user-id and the like. With podman the default is no.',
    read: one(parseBoolean, (draft, value) => { draft.noNewPrivileges = value; }),
  },
  {
    section: 'Container', key: 'SeccompProfile', syntax: 'unconfined', default: 'the distribution\'s',
    text: 'Which system calls a program may make: those that both the distribution\'s profile for containers (`/etc/containers/seccomp.json`, '
      + '`/usr/share/containers/seccomp.json`) and wakesock let through. `unconfined`: only wakesock\'s own rules, which protect the machine and the listening socket. Other profiles are not supported yet.',
    read: one(parseSeccompProfile, (draft, value) => { draft.seccompProfile = value; }),
  },
  {
    section: 'Container', key: 'AddCapability', syntax: 'CAPABILITY…', list: true, text: 'Capabilities in addition to the default ones, or `all`.',
    read: each(parseCapabilities, (draft, value) => { draft.addCapabilities.push(...value); }),
  },
  {
    section: 'Container', key: 'DropCapability', syntax: 'CAPABILITY…', list: true, text: 'Capabilities that the program does not get, or `all`.',
    read: each(parseCapabilities, (draft, value) => { draft.dropCapabilities.push(...value); }),
  },
  {
    section: 'Container', key: 'Ulimit', syntax: 'NAME=SOFT[:HARD]', list: true, default: 'nofile=1024:524288',
    text: 'A limit of the program (setrlimit(2)): `core`, `memlock`, `nofile`, `stack`, …; -1 is the most that the machine gives. The default is what systemd '
      + 'gives a service, less where the machine gives less; with podman it is 1048576. To limit processes use `TasksMax=`: `nproc` counts all of a user\'s.',
    read: each(parseUlimit, (draft, { name, soft, hard }) => { draft.ulimits.set(name, { soft, hard }); }),
  },
  {
    section: 'Container', key: 'HostName', syntax: 'NAME', default: 'the site\'s name', text: 'The host name inside the container.',
    read: one(parseHostName, (draft, value) => { draft.hostName = value; }),
  },
  {
    section: 'Container', key: 'StopSignal', syntax: 'SIGNAL', default: 'SIGTERM', text: 'What asks the program to end.',
    read: one(parseSignal, (draft, value) => { draft.stopSignal = value; }),
  },
  {
    section: 'Container', key: 'PublishPort', syntax: '[ADDRESS:]PORT:PORT[/tcp]', list: true,
    text: 'Quadlet\'s way to say both: listen on the first port, the program\'s is the second. Ranges and UDP are not supported.',
    read: each(parsePublishPort, (draft, value, entry) => { draft.published.push({ value, entry }); }),
  },
  {
    section: 'Container', key: 'ContainerName', syntax: 'NAME', text: 'Accepted and not used: the site\'s name is that of its file.',
    read: one(parseText, () => {}),
  },
  ...networkRows,
  ...resourceRows,
  ...storageRows.filter(({ section }) => section === 'Service'),
  {
    section: 'Service', key: 'TimeoutSec', syntax: 'TIME-SPAN', text: 'Both of the following.',
    read: one(parseTimeoutMs, (draft, value) => { draft.startTimeoutMs = value; draft.stopTimeoutMs = value; }),
  },
  {
    section: 'Service', key: 'TimeoutStartSec', syntax: 'TIME-SPAN', default: '30s',
    text: 'The program must listen within this time, or the start has failed. 0 or `infinity`: no limit. Requests at the front door wait no longer than this and `TimeoutStopSec=` together.',
    read: one(parseTimeoutMs, (draft, value) => { draft.startTimeoutMs = value; }),
  },
  {
    section: 'Service', key: 'TimeoutStopSec', syntax: 'TIME-SPAN', default: '10s',
    text: 'From the stop signal until the site is killed. 0 or `infinity`: no limit.',
    read: one(parseTimeoutMs, (draft, value) => { draft.stopTimeoutMs = value; }),
  },
  ...refusedKeys,
];

/** Sections that pass without a word: what is in them concerns others. */
export const passedSections: readonly string[] = ['Install', 'Quadlet'];

const byName = new Map(schema.map((row) => [`${row.section}/${row.key}`, row]));

/** The row of a key, or null for an unknown one. */
export function keyRow(section: string, key: string): KeyRow | null {
  return byName.get(`${section}/${key}`) ?? null;
}
