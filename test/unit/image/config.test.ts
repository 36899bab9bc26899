import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { parseImageConfig } from '../../../src/image/config.ts';

const parse = (config: unknown, rest: object = {}) => parseImageConfig(JSON.stringify({ architecture: 'amd64', config, ...rest }));

test('everything that an image says', () => {
  expect(parse({
    Entrypoint: ['/entry.sh'], Cmd: ['serve', '-p'], Env: ['A=1', 'B=x=y', 'C'], User: 'web:www', WorkingDir: '/app', StopSignal: 'SIGQUIT',
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8080': {}, '9000-9002/tcp': {} }, Volumes: { '/data': {}, '/data/': {}, 'srv/../var//lib': {} }, Labels: { a: 'b' }, OnBuild: ['x'],
  })).toEqual({
    architecture: 'amd64', entrypoint: ['/entry.sh'], command: ['serve', '-p'], environment: { A: '1', B: 'x=y', C: '' }, user: 'web:www', workingDir: '/app',
    stopSignal: 'SIGQUIT', exposedPorts: [80, 8080, 9000, 9001, 9002], volumes: ['/data', '/var/lib'],
  });
});

test.each([[undefined], [null], [{}], [{ Entrypoint: null, Cmd: null, Env: null, User: '', Volumes: null, ExposedPorts: null }]])('nothing: %j', (config) => {
  expect(parse(config)).toEqual({
    architecture: 'amd64', entrypoint: [], command: [], environment: {}, user: null, workingDir: null, stopSignal: null, exposedPorts: [], volumes: [],
  });
});

describe('what cannot be meant', () => {
  test.each<[string, object]>([
    ['a program that is no list', { Entrypoint: '/bin/sh' }],
    ['an argument that is no text', { Cmd: [1] }],
    ['a zero in a variable', { Env: ['A=\0'] }],
    ['a user that is no text', { User: 5 }],
    ['ports that are no object', { ExposedPorts: ['80'] }],
    ['a port that is none', { ExposedPorts: { http: {} } }],
    ['a port too high', { ExposedPorts: { 65536: {} } }],
    ['a volume over the root', { Volumes: { '/': {} } }],
    ['a volume over /proc', { Volumes: { '/proc': {} } }],
    ['a volume that leads there', { Volumes: { '/a/../sys/fs': {} } }],
  ])('%s', (_, config) => {
    expect(() => parse(config)).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_IMAGE' }));
  });

  test('something else than a configuration', () => {
    for (const text of ['', '[]', 'null', '1', '{"config":[]}', '{"config":"x"}', '{"architecture":1}']) {
      expect(() => parseImageConfig(text), text).toThrow(expect.objectContaining({ code: 'ERR_WAKESOCK_IMAGE' }));
    }
  });
});

test('whatever it is, it is read or refused by name', () => {
  const keys = ['Entrypoint', 'Cmd', 'Env', 'User', 'WorkingDir', 'StopSignal', 'ExposedPorts', 'Volumes'];
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()), (config) => {
    try {
      parse(config);
    } catch (error) {
      expect(error).toBeInstanceOf(WakesockError);
    }
  }));
});
