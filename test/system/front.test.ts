/** The front door as installed: port 80, real clients, sites that sleep. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeldDownload } from '../support/held-download.ts';
import { testBox } from '../support/test-box.ts';
import { refused } from '../unit/front/attacks.ts';
import { pollUntil, python, Scene, scopeUnit, tcpSite } from '../support/scene.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.box.writeFile(`/etc/systemd/system/${front}.d/test.conf`, [
    '[Service]', 'ExecStart=', `ExecStart=${scene.product.command('front', '--exit-idle-time=1s').join(' ').replace('node', process.execPath)}`, '',
  ].join('\n'));
  await scene.enable({
    one: tcpSite(python('http_all.py'), 8281, { 'X-Wakesock': { Host: 'one.example *.one.example' } }),
    two: tcpSite(python('http_all.py'), 8282, { 'X-Wakesock': { Host: 'two.example' } }),
    broken: tcpSite(python('never_listens.sh').replace('/usr/bin/python3', '/bin/sh'), 8283, { 'X-Wakesock': { Host: 'broken.example' }, Service: { TimeoutStartSec: '300ms' } }),
    dead: tcpSite('/bin/false', 8284, { 'X-Wakesock': { Host: 'dead.example' } }),
  });
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.box.run(['rm', '-rf', `/etc/systemd/system/${front}.d`]);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.close();
});

interface Page { readonly start: string; readonly path: string; readonly headers: Readonly<Record<string, string>> }

const curl = (host: string, path: string, ...args: readonly string[]) =>
  scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', `Host: ${host}`, ...args, `http://127.0.0.1${path}`]);
const page = async (host: string, path = '/'): Promise<Page> => JSON.parse(await curl(host, path)) as Page;
const statusOf = (host: string) => curl(host, '/', '--output', '/dev/null', '--write-out', '%{http_code}');
const sleep = (site: string) => scene.product.run('sleep', '--force', site);

describe('the units', () => {
  test('are understood by systemd, and not enabled by install', async () => {
    const { code, stderr } = await scene.box.exec(['systemd-analyze', 'verify', `/etc/systemd/system/${front}`, `/etc/systemd/system/${frontSocket}`]);
    expect(stderr.split('\n').filter((line) => line.includes('wakesock-front'))).toEqual([]);
    expect(code).toBe(0);
    expect(await scene.show(frontSocket, 'UnitFileState')).toEqual({ UnitFileState: 'disabled' });
  });
});

describe('a request', () => {
  test('wakes the site it names, with nothing running before; the program hears who asked', async () => {
    await sleep('one');
    const { path, headers } = await page('one.example', '/a?b');
    expect(path).toBe('/a?b');
    expect(headers).toMatchObject({ Host: 'one.example', 'X-Forwarded-For': '127.0.0.1', 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'one.example' });
    expect(await scene.status('one')).toMatchObject({ state: 'awake' });
    expect(await scene.status('two')).toMatchObject({ state: 'dormant' });
  });

  test('by another of its names reaches the same start; a name that nobody has is 404 and wakes nothing', async () => {
    const { start } = await page('one.example');
    expect((await page('deep.sub.one.example')).start).toBe(start);
    expect(await statusOf('nobody.example')).toBe('404');
    expect(await scene.status('two')).toMatchObject({ state: 'dormant' });
  });

  test('runs without privileges: as a user of its own, with no capabilities', async () => {
    await page('one.example');
    const { MainPID: pid = '' } = await scene.show(front, 'MainPID');
    const status = await scene.box.run(['cat', `/proc/${pid}/status`]);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).not.toMatch(/^Uid:\t0\t/m);
  });

  test('of thirty at once to a sleeping site all are answered, by one start', async () => {
    await sleep('two');
    const answers = await scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', 'Host: two.example', '--parallel', '--parallel-max', '30', 'http://127.0.0.1/[1-30]']);
    const starts = [...answers.matchAll(/"start": "(\d+)"/g)].map(([, start]) => start);
    expect(starts).toHaveLength(30);
    expect(new Set(starts).size).toBe(1);
  });
});

describe('attacks', () => {
  /** The first line of each answer. */
  const client = `
import base64, json, socket
for attack in json.load(open('/tmp/attacks')):
    with socket.create_connection(('127.0.0.1', 80), 20) as connection:
        connection.sendall(base64.b64decode(attack))
        connection.shutdown(socket.SHUT_WR)
        answer = b''
        try:
            while data := connection.recv(65536): answer += data
        except ConnectionResetError: pass
        print(answer.split(b'\\r\\n')[0].decode('latin1'))
`;

  test('are refused one like the other, and wake nothing', async () => {
    await sleep('two');
    const attacks = Object.entries(refused).filter(([what]) => what !== 'chunks' && what !== 'trailers').flatMap(([, all]) => all.map((bytes) => bytes.replaceAll('a.example', 'two.example')));
    await scene.box.writeFile('/tmp/attacks', JSON.stringify(attacks.map((bytes) => Buffer.from(bytes, 'latin1').toString('base64'))));
    const answers = (await scene.box.run(['python3', '-c', client])).trimEnd().split('\n');
    expect(answers).toHaveLength(attacks.length);
    expect(answers.filter((line) => !/^HTTP\/1\.1 (?:400|417|431|501|505) /.test(line))).toEqual([]);
    expect(await scene.status('two')).toMatchObject({ state: 'dormant' });
  });
});

describe('bodies', () => {
  const size = 32 * 1024 * 1024;
  const bytes = Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  test('a large download arrives whole', async () => {
    const sum = await scene.box.run(['sh', '-c', `curl --silent --show-error --max-time 30 --header 'Host: one.example' http://127.0.0.1/big/${size} | sha256sum`]);
    expect(sum).toContain(sha256);
  });

  test.each([['with its length', ''], ['in chunks', '--header "Transfer-Encoding: chunked"']])('a large upload arrives whole, %s, at a site that sleeps', async (_, option) => {
    await sleep('one');
    const answer = await scene.box.run(['sh', '-c',
      `curl --silent --show-error --max-time 30 --header 'Host: two.example' http://127.0.0.1/big/${size} > /tmp/upload
      curl --silent --show-error --max-time 30 ${option} --header 'Host: one.example' --data-binary @/tmp/upload http://127.0.0.1/; rm /tmp/upload`]);
    expect(JSON.parse(answer)).toEqual({ sha256 });
  });

  test('of a client that sends slowly, at a site that sleeps; Python\'s clients', async () => {
    await sleep('one');
    const program = `
import hashlib, http.client, json, time, urllib.request
def pieces():
    for number in range(5):
        time.sleep(0.1)
        yield bytes([number]) * 1000
whole = b''.join(bytes([number]) * 1000 for number in range(5))
connection = http.client.HTTPConnection('127.0.0.1', 80, timeout=20)
connection.request('POST', '/', body=pieces(), headers={'Host': 'one.example', 'Content-Length': '5000'})
answer = json.loads(connection.getresponse().read())
connection.request('GET', '/again', headers={'Host': 'one.example'})
again = json.loads(connection.getresponse().read())
with urllib.request.urlopen(urllib.request.Request('http://127.0.0.1/lib', headers={'Host': 'one.example'}), timeout=20) as response:
    lib = json.loads(response.read())
print(json.dumps([answer['sha256'] == hashlib.sha256(whole).hexdigest(), again['path'], lib['path']]))`;
    expect(JSON.parse(await scene.box.run(['/usr/bin/python3', '-c', program]))).toEqual([true, '/again', '/lib']);
  });

  test('of a page with thirty resources, over six connections as browsers have, at a site that sleeps', async () => {
    await sleep('one');
    const paths = (await scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', 'Host: one.example', '--parallel', '--parallel-max', '6', '--parallel-immediate',
      'http://127.0.0.1/resource/[1-30]'])).match(/"path": "[^"]*"/g);
    expect(new Set(paths).size).toBe(30);
  });

  test('an event stream', async () => {
    expect(await curl('one.example', '/events', '--no-buffer')).toBe('data: 0\n\ndata: 1\n\ndata: 2\n\n');
  });

  test('a WebSocket, of a site that sleeps', async () => {
    await sleep('one');
    const program = `const socket = new WebSocket('ws://one.example/ws');
      socket.onopen = () => socket.send('hello'); socket.onmessage = ({ data }) => { console.log(data); socket.close(); };
      socket.onerror = ({ message }) => { console.error(message); process.exit(1); };`;
    await scene.box.run(['sh', '-c', 'grep -q one.example /etc/hosts || echo 127.0.0.1 one.example >> /etc/hosts']);
    expect(await scene.box.run([process.execPath, '--experimental-websocket', '--no-warnings', '--eval', program])).toBe('hello\n');
  });
});

describe('what goes wrong', () => {
  test('a site that cannot start is 502 with its code', async () => {
    for (const [host, code] of [['dead.example', 'ERR_WAKESOCK_EXITED'], ['broken.example', 'ERR_WAKESOCK_START_TIMEOUT']] as const) {
      const answer = await curl(host, '/', '--include');
      expect(answer).toMatch(/^HTTP\/1\.1 502 /);
      expect(answer).toContain(code);
    }
  });

  test('the activator is killed: a download goes on, and a sleeping site is woken all the same', async () => {
    const download = await HeldDownload.begin(scene.box, 'one.example');
    await sleep('two');
    await scene.killActivator();
    const { path } = await page('two.example', '/after');
    expect(path).toBe('/after');
    expect(await download.isWhole()).toBe(true);
  });

  test('the site is stopped between two requests: the next one wakes it', async () => {
    const { start } = await page('one.example');
    await sleep('one');
    expect((await page('one.example')).start).not.toBe(start);
  });

  test('a changed site file is picked up, and connections stay', async () => {
    await page('two.example');
    const { MainPID: pid } = await scene.show(front, 'MainPID');
    await scene.write({ two: tcpSite(python('http_all.py'), 8282, { 'X-Wakesock': { Host: 'two.example new.example' } }) });
    await pollUntil('the new name to be served', async () => await statusOf('new.example') === '200');
    expect(await scene.show(front, 'MainPID')).toEqual({ MainPID: pid });
  });
});

describe('when nobody asks', () => {
  test('the site can sleep, the front door ends, and the next request starts both', async () => {
    await page('one.example');
    await pollUntil('the end of the front door', async () => (await scene.show(front, 'ActiveState'))['ActiveState'] === 'inactive');
    expect(await scene.show(frontSocket, 'ActiveState')).toEqual({ ActiveState: 'active' });
    await scene.product.run('sleep', 'one');
    await pollUntil('the end of the scope', async () => (await scene.show(scopeUnit('one'), 'ActiveState'))['ActiveState'] === 'inactive');
    expect((await page('one.example')).path).toBe('/');
  });
});
