/** `install`, `enable`, `disable` and `uninstall` as a user meets them, with sites that are in use meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { pollUntil, python, Scene, scopeUnit, service, socketUnit, tcpSite } from '../support/scene.ts';

const plain = `${python('plain.py')} 3000`;
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
});
afterAll(() => scene.close());

const unitFiles = (): Promise<string> => scene.box.run(['sh', '-c', 'cd /etc/systemd/system && find . -name "wakesock*" | sort; cat wakesock.* 2>/dev/null | cksum']);
const refused = (port: number): Promise<string> => scene.clients.turnedAway(`127.0.0.1:${port}`);

describe('install', () => {
  test('--dry-run says what it would do, and does nothing', async () => {
    await scene.product.run('uninstall');
    const before = await unitFiles();
    expect(before).not.toContain('wakesock.service\n');
    expect(await scene.product.run('install', '--dry-run')).toMatch(/would write\s+\/etc\/systemd\/system\/wakesock\.service/);
    expect(await unitFiles()).toBe(before);
  });

  test('opens the control socket and starts nothing; again it changes nothing', async () => {
    await scene.product.install();
    expect(await scene.show('wakesock.socket', 'ActiveState', 'UnitFileState')).toEqual({ ActiveState: 'active', UnitFileState: 'enabled' });
    expect((await scene.report()).activator.state).toBe('stopped');
    const { files } = JSON.parse(await scene.product.run('install', '--json')) as { files: { change: string }[] };
    expect(files.map(({ change }) => change)).toEqual(files.map(() => 'unchanged'));
  });

  test('what it wrote is what systemd understands', async () => {
    const { code, stderr } = await scene.box.exec(['systemd-analyze', 'verify', '/etc/systemd/system/wakesock.service', '/etc/systemd/system/wakesock.socket', '/etc/systemd/system/wakesock.slice']);
    expect(stderr.split('\n').filter((line) => line.includes('wakesock'))).toEqual([]);
    expect(code).toBe(0);
  });

  test('the control socket is for root and the group wakesock', async () => {
    await scene.enable({ asked: tcpSite(plain, 8260) });
    await scene.box.run(['sh', '-c', 'id member || useradd --groups wakesock member; id stranger || useradd stranger']);
    const as = (user: string, verb: string) => scene.box.exec(['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', ...scene.product.command(verb, 'asked')]);
    expect(await as('stranger', 'wake')).toMatchObject({ code: 1, stderr: expect.stringContaining('permission denied') });
    expect(await as('member', 'wake')).toMatchObject({ code: 0, stderr: '' });
    expect(await scene.status('asked')).toMatchObject({ state: 'awake' });
    expect(await as('member', 'sleep')).toMatchObject({ code: 0, stderr: '' });
    expect(await as('member', 'enable')).toMatchObject({ code: 1, stderr: expect.stringContaining('root') });
  });
});

describe('enable', () => {
  test('while another site is in use: its client is served on by the same start, and both sleep and wake', async () => {
    await scene.enable({ first: tcpSite(plain, 8261) });
    const client = scene.clients.open('127.0.0.1:8261', 'hello\n');
    const { start } = await client.answer();
    await scene.enable({ second: tcpSite(plain, 8262), third: tcpSite(plain, 8263) });
    const answers = await Promise.all([8262, 8263].map((port) => scene.clients.ask(`127.0.0.1:${port}`)));
    expect(new Set(answers.map((answer) => answer.start)).size).toBe(2);
    expect((await client.ask('still')).start).toBe(start);
    expect((await scene.clients.ask('127.0.0.1:8261')).start).toBe(start);
    client.close();
  });

  test('again with nothing changed: nothing is started anew', async () => {
    const { start } = await scene.clients.ask('127.0.0.1:8261');
    const pid = await scene.activatorPid();
    await scene.product.run('enable', 'first', 'second');
    expect((await scene.clients.ask('127.0.0.1:8261')).start).toBe(start);
    expect(await scene.activatorPid()).toBe(pid);
  });

  test('with another address, while the site is in use: it is stopped, the old address is closed, the new one served', async () => {
    const client = scene.clients.open('127.0.0.1:8262', 'hello\n');
    const { start } = await client.answer();
    await scene.enable({ second: tcpSite(plain, 8264) });
    await client.closed;
    expect(await refused(8262)).toMatch('ECONNREFUSED');
    expect((await scene.clients.ask('127.0.0.1:8264')).start).not.toBe(start);
  });

  test('of several, one that cannot be: the others are, and it says which', async () => {
    await scene.write({ bad: tcpSite('/usr/bin/not-there', 8265), good: tcpSite(plain, 8266) });
    const { code, stderr, stdout } = await scene.product.exec('enable', 'bad', 'good');
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_WAKESOCK_PROGRAM');
    expect(stdout).toContain('good');
    expect((await scene.clients.ask('127.0.0.1:8266')).said).toBe('hello');
  });

  test('a socket that is there is there again after a boot', async () => {
    expect((await scene.show(socketUnit('good'), 'UnitFileState'))['UnitFileState']).toBe('enabled');
  });
});

describe('disable', () => {
  test('a site in use: it is stopped, its port closed, and nobody else feels it', async () => {
    const other = scene.clients.open('127.0.0.1:8261', 'hello\n');
    const { start } = await other.answer();
    const client = scene.clients.open('127.0.0.1:8264', 'hello\n');
    await client.answer();
    await scene.product.run('disable', 'second');
    await client.closed;
    expect(await refused(8264)).toMatch('ECONNREFUSED');
    expect(await scene.show(scopeUnit('second'), 'ActiveState')).toEqual({ ActiveState: 'inactive' });
    expect(await scene.show(socketUnit('second'), 'LoadState')).toEqual({ LoadState: 'not-found' });
    expect((await other.ask('still')).start).toBe(start);
    other.close();
    expect(await scene.status('second')).toMatchObject({ state: 'dormant', unit: null, error: { code: 'ERR_WAKESOCK_NOT_ENABLED' } });
  });

  test('twice is no error', async () => {
    expect((await scene.product.exec('disable', 'second')).code).toBe(0);
  });

  test('what its program wrote stays, and is there when it is enabled again', async () => {
    await scene.product.run('enable', 'second');
    expect((await scene.clients.ask('127.0.0.1:8264')).said).toBe('hello');
  });
});

describe('uninstall', () => {
  test('with sites awake: all is stopped and gone, the site files stay; install and enable bring them back', async () => {
    await scene.clients.ask('127.0.0.1:8261');
    await scene.product.run('uninstall');
    expect(await scene.processes()).toEqual([]);
    expect((await scene.box.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'wakesock*', 'system-wakesock*'])).trim()).toBe('');
    expect(await refused(8261)).toMatch('ECONNREFUSED');
    expect(await scene.box.run(['ls', '/etc/wakesock/sites'])).toContain('first.container');
    // What programs wrote, and history, stay.
    expect((await scene.box.run(['ls', '/var/lib/wakesock'])).split('\n')).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:ids|ids\.lock|root|host-etc|instances)$/)]));
    await scene.product.install();
    await scene.product.run('enable', 'first');
    expect((await scene.clients.ask('127.0.0.1:8261')).said).toBe('hello');
    // It says so when the first wakes are over, which a client may hear of earlier.
    await pollUntil('the activator to be there', async () => (await scene.show(service, 'ActiveState'))['ActiveState'] === 'active');
  });
});
