import { expect, test } from 'vitest';
import { checkUnit, parseUnit } from '../../../src/unitfile/index.ts';

const check = (text: string, type: string): string[] => checkUnit(parseUnit(text, 'f'), type).map(({ severity, code, line, column, suggestion }) => `${line}:${column} ${severity} ${code} ${suggestion ?? ''}`.trim());

test.each<[string, string, string, string[]]>([
  ['a good service', 'service', '[Unit]\nDescription=a\n[Service]\nExecStart=/bin/true %i\nX-Own=1\n[Install]\nWantedBy=a.target\n[X-Mine]\nA=b\n', []],
  ['a mistyped key', 'service', '[Service]\nExecStrat=/bin/true\n', ['2:1 warning unknown-key ExecStart=']],
  ['a key of another section', 'service', '[Unit]\nExecStart=/bin/true\n', ['2:1 warning unknown-key ExecStart= in [Service]']],
  ['a mistyped section', 'socket', '[Sokcet]\nListenStream=80\n', ['1:1 warning unknown-section [Socket]']],
  ['a section of another type', 'timer', '[Timer]\nOnCalendar=daily\n[Service]\nExecStart=/bin/true\n', ['3:1 warning unknown-section']],
  ['values', 'service', '[Service]\nTimeoutStartSec=5mn\nKillSignal=SIGTREM\nUMask=9\nRemainAfterExit=maybe\nMemoryMax=1X\nExecStart="/bin/a\n',
    ['2:19 error bad-value 5min', '3:12 error bad-value SIGTERM', '4:7 error bad-value', '5:17 error bad-value yes', '6:12 error bad-value', '7:11 error bad-value']],
  ['an empty assignment resets', 'service', '[Service]\nExecStart=\nMemoryMax=\n', []],
  ['or cannot be read', 'service', '[Service]\nKillSignal=\n', ['2:1 error bad-value']],
  ['specifiers that make a value', 'socket', '[Socket]\nListenStream=%t/a.sock\nListenStream=%i\nListenStream=127.0.0.1:%i\nListenStream=%z\nExecStartPre=%h/bin/%i\n', ['5:14 error bad-value %%z']],
  ['a word of a few', 'service', '[Service]\nRestart=alwyas\nProtectSystem=yes\nType="x\n[Mount]\nType=ext4\n', ['2:9 error bad-value always', '4:6 error bad-value', '5:1 warning unknown-section']],
  ['an escape that is none', 'service', '[Service]\nExecStart=/bin/a \\; a\\qb\n', ['2:22 warning unknown-escape \\\\']],
  ['Quadlet', 'container', '[Container]\nImage=a\nVolme=a:b\nNotify=healthy\n[Service]\nRestart=always\n', ['3:1 warning unknown-key Volume=']],
  ['Quadlet, other types', 'network', '[Network]\nSubnet=10.0.0.0/8\nGatewy=10.0.0.1\n', ['3:1 warning unknown-key Gateway=']],
  ['what the parser found comes along', 'service', '[Service]\nnonsense\n[Serv', ['2:1 warning missing-equals', '3:1 error section-header [Serv]']],
])('%s', (_name, type, text, expected) => expect(check(text, type)).toEqual(expected));
