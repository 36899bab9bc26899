/** Site files and roots that are wrong: told at `enable` and `check`, and at the wake where they go wrong later. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { python, Scene, siteFile, socketUnit, tcpSite } from '../support/scene.ts';

const good = tcpSite(`${python('plain.py')} 3000`, 8201);
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
});
afterAll(() => scene.close());

/** `enable` says no, with this code, and leaves no socket behind. */
async function expectRefused(site: string, code: string, text: RegExp | string): Promise<void> {
  const { code: status, stderr } = await scene.product.exec('enable', site);
  expect(status).toBe(1);
  expect(stderr).toContain(code);
  expect(stderr).toMatch(text);
  expect((await scene.show(socketUnit(site), 'ActiveState'))['ActiveState']).not.toBe('active');
}

describe('at enable', () => {
  test('a missing site file', async () => {
    await expectRefused('nowhere', 'ERR_WAKESOCK_SITE_NOT_FOUND', 'nowhere.container');
  });

  test('a broken site file, with its line', async () => {
    await scene.write({ broken: '[Container\nExec=/bin/true\n' });
    await expectRefused('broken', 'ERR_WAKESOCK_SITE_FILE', /broken\.container:1:/);
  });

  test('a value that cannot be read, with its line', async () => {
    await scene.write({ unreadable: good.replace('IdleSec=5min', 'IdleSec=soon') });
    await expectRefused('unreadable', 'ERR_WAKESOCK_SITE_FILE', /unreadable\.container:\d+: .*IdleSec.*soon/);
  });

  test('an unknown key is a warning: the site is served', async () => {
    await scene.write({ unknown: good.replace('8201', '8202').replace('[Container]', '[Container]\nEntrypiont=/bin/sh') });
    const { code, stderr, stdout } = await scene.product.exec('enable', 'unknown');
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/unknown\.container:\d+: .*Entrypiont/);
    expect((await scene.clients.ask('127.0.0.1:8202')).said).toBe('hello');
  });

  test('a root that is not there', async () => {
    await scene.write({ rootless: siteFile('/bin/app', { Container: { Rootfs: '/srv/not-there' }, 'X-Wakesock': { ListenStream: 8203, Port: 3000 } }) });
    await expectRefused('rootless', 'ERR_WAKESOCK_ROOTFS', '/srv/not-there');
  });

  test('a program that is not there', async () => {
    await scene.write({ programless: tcpSite('/usr/bin/not-there', 8203) });
    await expectRefused('programless', 'ERR_WAKESOCK_PROGRAM', '/usr/bin/not-there');
  });

  test('an image that is not there', async () => {
    await scene.write({ imaged: '[Container]\nImage=localhost/nobody-built-it:1\n[X-Wakesock]\nListenStream=8203\n' });
    await expectRefused('imaged', 'ERR_WAKESOCK_IMAGE', 'podman build');
  });

  test('an address that is taken: once it is free, `enable` works', async () => {
    await scene.enable({ taker: good });
    await scene.write({ taken: good });
    await expectRefused('taken', 'ERR_WAKESOCK_SYSTEMD', 'address');
    expect((await scene.clients.ask('127.0.0.1:8201')).said).toBe('hello');
    await scene.remove('taker');
    await scene.enable({ taken: good });
    expect((await scene.clients.ask('127.0.0.1:8201')).said).toBe('hello');
    await scene.remove('taken');
    expect((await scene.show(socketUnit('taken'), 'LoadState', 'ActiveState'))).toEqual({ LoadState: 'not-found', ActiveState: 'inactive' });
  });
});

describe('at a wake', () => {
  test('a site file that has become unreadable: its clients are turned away, and served again once it is mended', async () => {
    await scene.enable({ later: good });
    await scene.write({ later: good.replace('IdleSec=5min', 'IdleSec=soon') });
    await scene.expectFailed('later', 'ERR_WAKESOCK_SITE_FILE', '127.0.0.1:8201', /soon/);
    await scene.write({ later: good });
    await scene.healed('127.0.0.1:8201');
    expect(await scene.status('later')).toMatchObject({ state: 'awake', error: null });
  });

  test('a site file that is gone', async () => {
    await scene.product.run('sleep', '--force', 'later');
    await scene.box.run(['rm', '/etc/wakesock/sites/later.container']);
    await scene.expectFailed('later', 'ERR_WAKESOCK_SITE_NOT_FOUND', '127.0.0.1:8201');
    await scene.write({ later: good });
    await scene.healed('127.0.0.1:8201');
  });

  test('a root that is gone', async () => {
    await scene.box.run(['sh', '-c', 'mkdir -p /srv/tiny/bin /srv/tiny/dev /srv/tiny/proc /srv/tiny/sys && cp "$(command -v busybox)" /srv/tiny/bin/busybox']);
    await scene.enable({ tiny: siteFile('/bin/busybox nc -ll -p 3000 -e /bin/busybox sh -c "read line && echo {}"', { Container: { Rootfs: '/srv/tiny' }, 'X-Wakesock': { ListenStream: 8204, Port: 3000 } }) });
    expect(await scene.clients.ask('127.0.0.1:8204')).toEqual({});
    await scene.product.run('sleep', '--force', 'tiny');
    await scene.box.run(['mv', '/srv/tiny', '/srv/moved']);
    await scene.expectFailed('tiny', 'ERR_WAKESOCK_ROOTFS', '127.0.0.1:8204', '/srv/tiny');
    await scene.box.run(['mv', '/srv/moved', '/srv/tiny']);
    await scene.healed('127.0.0.1:8204');
  });

  test('a program that is gone', async () => {
    await scene.box.run(['cp', '/usr/bin/python3', '/usr/local/bin/interpreter']);
    await scene.enable({ gone: tcpSite('/usr/local/bin/interpreter /programs/plain.py 3000', 8205) });
    await scene.box.run(['mv', '/usr/local/bin/interpreter', '/usr/local/bin/moved']);
    await scene.expectFailed('gone', 'ERR_WAKESOCK_PROGRAM', '127.0.0.1:8205', 'interpreter');
    await scene.box.run(['mv', '/usr/local/bin/moved', '/usr/local/bin/interpreter']);
    await scene.healed('127.0.0.1:8205');
  });
});
