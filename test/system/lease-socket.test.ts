/** What the front door may ask of the activator, as the kernel and the activator see to it; and how a machine comes to it that was installed before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { python, Scene, tcpSite } from '../support/scene.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const [control, lease] = ['/run/wakesock/control.sock', '/run/wakesock/lease.sock'];
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.enable({
    one: tcpSite(python('http_all.py'), 8291, { 'X-Wakesock': { Host: 'one.example' } }),
    named: tcpSite(python('http_all.py'), 8292, { 'X-Wakesock': { ListenStream: [], Host: 'named.example' } }),
    dead: tcpSite('/bin/false', 8293, { 'X-Wakesock': { Host: 'dead.example' } }),
    still: tcpSite(`${python('plain.py')} 3000`, 8294),
  });
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.close();
});

const curl = (host: string, ...args: readonly string[]) => scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', `Host: ${host}`, ...args, 'http://127.0.0.1/']);
const statusOf = (host: string) => curl(host, '--output', '/dev/null', '--write-out', '%{http_code}');
const startOf = async (host: string): Promise<string> => (JSON.parse(await curl(host)) as { start: string }).start;

/** A command as whoever has taken over the front door: its user, its groups. */
async function asFront(...command: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await curl('one.example');
  const { MainPID: pid = '' } = await scene.show(front, 'MainPID');
  const status = await scene.box.run(['cat', `/proc/${pid}/status`]);
  const ids = (field: string): string[] => new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(status)?.[1]?.trim().split(/\s+/) ?? [];
  const [uid = ''] = ids('Uid');
  const [gid = ''] = ids('Gid');
  return scene.box.exec(['setpriv', `--reuid=${uid}`, `--regid=${gid}`, `--groups=${ids('Groups').join()}`, '--no-new-privs', '--bounding-set=-all', ...command]);
}

const groupsOf = async (path: string): Promise<string> => (await scene.box.run(['stat', '--format=%a %U:%G', path])).trim();

/** Method, path and body; what the lease socket answers. */
const asked = (method: string, path: string, body = '') => asFront('curl', '--silent', '--max-time', '5', '--unix-socket', lease, '--request', method, '--data', body, '--write-out', '%{http_code}', `http://wakesock/v1/sites${path}`);

const setFile = (path: string, text: string) => (text === '' ? scene.box.run(['rm', '-f', path]) : scene.box.writeFile(path, text));

/** What `install` wrote, as it was before: the front door was a client of the control socket. Empty: it was not there. */
function before(path: string, text: string): string {
  if (path.endsWith('/wakesock-lease.socket')) return '';
  if (path.endsWith('/wakesock.conf')) return text.replaceAll(/^(?:g wakesock-lease -|# Members may hold leases.*)\n/gm, '');
  return text.replaceAll(/^(?:Wants=wakesock-lease\.socket|Environment=WAKESOCK_CONTROL=.*)\n/gm, '').replaceAll('wakesock-lease.socket', 'wakesock.socket').replaceAll('=wakesock-lease\n', '=wakesock\n');
}

/** All that runs of it, as after a boot. */
async function boot(): Promise<void> {
  await scene.box.run(['systemctl', 'stop', frontSocket, front, 'wakesock.socket', 'wakesock.service']);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.box.run(['systemctl', 'start', 'wakesock.socket', frontSocket]);
}

/** Those with a name that is known: its own has one only where the machine looks that up. */
const frontGroups = async (): Promise<string> => {
  const { MainPID: pid = '' } = await scene.show(front, 'MainPID');
  return scene.box.run(['sh', '-c', `for id in $(sed -n 's/^Groups://p' /proc/${pid}/status); do getent group $id || :; done`]);
};

describe('whoever has taken over the front door', () => {
  test('has the lease socket and not the control socket', async () => {
    expect([await groupsOf(control), await groupsOf(lease)]).toEqual(['660 root:wakesock', '660 root:wakesock-lease']);
    expect(await asFront('curl', '--silent', '--unix-socket', control, 'http://wakesock/v1/sites')).toMatchObject({ code: 7, stdout: '' });
    expect(await asFront(...scene.product.command('sleep', '--force', 'one'))).toMatchObject({ code: 1, stderr: expect.stringMatching(/permission denied.*group/) });
  });

  test('puts no site to sleep, ends no back-off, wakes nothing past it, and hears of none but its state', async () => {
    expect(await statusOf('dead.example')).toBe('502');
    const start = await startOf('one.example');
    for (const [method, path, body] of [
      ['POST', '/one/sleep', '{"force":true}'], ['POST', '/one/sleep', ''], ['POST', '/dead/reset-failed', ''], ['POST', '/dead/wake', ''], ['GET', '', ''], ['GET', '/one', ''],
    ] as const) {
      expect((await asked(method, path, body)).stdout).toMatch(/^\{"error":\{"code":"ERR_WAKESOCK_FORBIDDEN","message":".*control socket only.*"\}\}\n403$/);
    }
    for (const verb of [['sleep', '--force', 'one'], ['wake', 'dead']]) {
      expect(await asFront(...scene.product.command(...verb, `--control=${lease}`))).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_WAKESOCK_FORBIDDEN') });
    }
    expect(await startOf('one.example')).toBe(start);
    expect(await scene.status('dead')).toMatchObject({ state: 'failed', wakes: 1 });
    expect((await asked('GET', '/dead/state')).stdout).toMatch(/^\{"state":"failed","error":\{"code":"ERR_WAKESOCK_EXITED","retryAt":"[^"]+"\}\}\n200$/);
  });

  test('may have leases: all that the front door does is done with them', async () => {
    const holder = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${lease}"); s.sendall(b"POST /v1/sites/one/lease HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n"); print(next(line for line in s.makefile() if line[0] == "{"), end="")`;
    expect(await asFront('python3', '-c', holder)).toMatchObject({ code: 0, stdout: '{"family":"ipv4","address":"127.0.0.1:8291"}\n' });
    expect((await asked('POST', '/one/lease', '{"cause":{"agent":"\\u001b[31m"}}')).stdout).toMatch(/ERR_WAKESOCK_USAGE.*400$/s);
    for (const site of ['one', 'named']) await scene.product.run('sleep', '--force', site);
    expect([await statusOf('one.example'), await statusOf('named.example')]).toEqual(['200', '200']);
    expect((await scene.status('named')).lastWake).toMatchObject({ by: 'front', cause: { client: '127.0.0.1', host: 'named.example' } });
  });
});

test('the lease socket comes and goes with the control socket', async () => {
  const states = async () => [await scene.show('wakesock.socket', 'ActiveState'), await scene.show('wakesock-lease.socket', 'ActiveState', 'Result')];
  await scene.box.run(['systemctl', 'stop', 'wakesock.socket', 'wakesock.service']);
  expect(await states()).toMatchObject([{ ActiveState: 'inactive' }, { ActiveState: 'inactive' }]);
  await scene.box.run(['systemctl', 'start', 'wakesock.socket']);
  expect(await states()).toMatchObject([{ ActiveState: 'active' }, { ActiveState: 'active', Result: 'success' }]);
  expect(await statusOf('one.example')).toBe('200');
});

describe('a machine that was installed before', () => {
  /** Paths and texts, in the order in which `install` writes them. */
  let files: [path: string, text: string][];
  beforeAll(async () => {
    const { files: written } = JSON.parse(await scene.product.run('install', '--json')) as { files: { path: string }[] };
    files = [];
    for (const { path } of written) files.push([path, await scene.box.run(['cat', path])]);
    expect(files.filter(([path, text]) => before(path, text) !== text).map(([path]) => path.replace(/.*\//, ''))).toEqual([
      'wakesock.conf', 'wakesock-lease.socket', 'wakesock.socket', 'wakesock-front.service', 'wakesock-relay@.service',
    ]);
  });
  afterAll(async () => {
    for (const [path, text] of files) await setFile(path, text);
    await boot();
  });

  test('serves with the new program and its own units, and is installed anew in use: nobody is lost, awake sites stay awake', async () => {
    for (const [path, text] of files) await setFile(path, before(path, text));
    await boot();
    expect(await statusOf('one.example')).toBe('200');
    expect(await frontGroups()).toMatch(/^wakesock:/m);
    expect((await scene.box.exec(['test', '-e', lease])).code).toBe(1);
    const client = scene.clients.open('127.0.0.1:8294', 'hello\n');
    const { start } = await client.answer();
    const meanwhile = scene.box.run(['sh', '-c', 'until [ -e /run/installed ]; do curl --silent --max-time 20 --output /dev/null --write-out "%{http_code} " --header "Host: named.example" http://127.0.0.1/; done; rm /run/installed']);
    await scene.product.run('install');
    await scene.box.run(['touch', '/run/installed']);
    expect((await meanwhile).trim().split(' ')).toSatisfy((codes: string[]) => codes.length > 0 && codes.every((code) => code === '200'));
    expect((await client.ask('still')).start).toBe(start);
    client.close();
    expect(await scene.show('wakesock-lease.socket', 'ActiveState')).toEqual({ ActiveState: 'active' });
    expect(await statusOf('one.example')).toBe('200');
    expect(await frontGroups()).toMatch(/^wakesock-lease:/m);
    expect(await frontGroups()).not.toMatch(/^wakesock:/m);
  });

  test('serves wherever the power was cut while it was installed anew', async () => {
    for (let written = 0; written <= files.length; written++) {
      const [path, text] = files[written - 1] ?? ['', ''];
      if (written > 0 && before(path, text) === text) continue;
      for (const [index, [each, now]] of files.entries()) await setFile(each, index < written ? now : before(each, now));
      await boot();
      expect({ written: path, status: await statusOf('one.example') }).toEqual({ written: path, status: '200' });
    }
  });
});
