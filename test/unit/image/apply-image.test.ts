import { describe, expect, test } from 'vitest';
import type { Site } from '../../../src/base/site.ts';
import { applyImage } from '../../../src/image/apply-image.ts';
import { parseImageConfig } from '../../../src/image/config.ts';
import { makeSite } from '../runtime/fixtures.ts';

const bare: Partial<Site> = { root: { kind: 'image', image: 'x' }, exec: [], ports: [], stopSignal: null };
const apply = (config: object, site: Partial<Site> = {}, architecture?: string): Site =>
  applyImage(makeSite({ ...bare, ...site }), parseImageConfig(JSON.stringify({ architecture, config: { Cmd: ['run'], ...config } })), 'x');
const code = (text: string) => expect.objectContaining({ code: 'ERR_WAKESOCK_IMAGE', message: expect.stringContaining(text) });

describe('the program: podman\'s rules', () => {
  const image = { Entrypoint: ['/entry'], Cmd: ['serve'] };

  test.each<[string, Partial<Site>, string[]]>([
    ['nothing in the file: both of the image', {}, ['/entry', 'serve']],
    ['Exec=: in place of the image\'s command', { exec: ['other', '-v'] }, ['/entry', 'other', '-v']],
    ['Entrypoint=: without the image\'s command', { entrypoint: ['/mine'] }, ['/mine']],
    ['both', { entrypoint: ['/mine', '-x'], exec: ['y'] }, ['/mine', '-x', 'y']],
    ['an empty Entrypoint=: only the words of Exec=', { entrypoint: [''], exec: ['/bin/y'] }, ['/bin/y']],
  ])('%s', (_, site, exec) => {
    expect(apply(image, site)).toMatchObject({ exec, entrypoint: null });
  });

  test('none at all', () => {
    expect(() => apply({ Cmd: [] })).toThrow(code('Exec='));
    expect(() => apply(image, { entrypoint: [''] })).toThrow(code('Exec='));
  });
});

test('what the file says wins, the image has the rest', () => {
  const image = { Env: ['A=image', 'B=image'], User: 'web:www', WorkingDir: 'app', StopSignal: 'SIGQUIT' };
  expect(apply(image)).toMatchObject({ environment: { A: 'image', B: 'image' }, user: 'web:www', group: null, workingDir: '/app', stopSignal: 'QUIT' });
  expect(apply(image, { environment: { B: 'file' }, user: 'me', workingDir: '/', stopSignal: 'INT' }))
    .toMatchObject({ environment: { A: 'image', B: 'file' }, user: 'me', workingDir: '/', stopSignal: 'INT' });
  expect(apply({})).toMatchObject({ user: null, workingDir: null, stopSignal: null });
});

describe('the port', () => {
  test.each<[string, object, Partial<Site>, Site['ports']]>([
    ['the only one that is exposed', { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }, {}, [{ kind: 'tcp', port: 80 }]],
    ['Port= wins', { ExposedPorts: { '80/tcp': {} } }, { ports: [{ kind: 'tcp', port: 3000 }] }, [{ kind: 'tcp', port: 3000 }]],
    ['none is exposed: that of the address', {}, {}, [{ kind: 'tcp', port: 8081 }]],
    ['a UNIX address', { ExposedPorts: { '80/tcp': {} } }, { listen: [{ family: 'unix', path: '/run/a.sock', text: '/run/a.sock' }] }, [{ kind: 'unix', path: '/run/a.sock' }]],
    ['no address', { ExposedPorts: { '80/tcp': {} } }, { listen: [] }, [{ kind: 'tcp', port: 80 }]],
    ['a program that binds nothing', { ExposedPorts: { '80/tcp': {} } }, { handoff: 'listen-fds' }, []],
  ])('%s', (_, config, site, ports) => {
    expect(apply(config, site).ports).toEqual(ports);
  });

  test('one of several is not guessed', () => {
    expect(() => apply({ ExposedPorts: { '80/tcp': {}, '443/tcp': {} } })).toThrow(code('80, 443'));
    expect(() => apply({}, { listen: [] })).toThrow(code('none'));
  });
});

test('an image for another machine, a signal that is none', () => {
  expect(() => apply({}, {}, 'riscv64')).toThrow(code('riscv64'));
  expect(() => apply({ StopSignal: 'SIGNONE' })).toThrow(code('StopSignal'));
});
