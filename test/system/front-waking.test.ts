/** What the front door answers for sites that sleep: state, waiting page, who wakes nothing; and sites without a socket of their own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeldDownload } from '../support/held-download.ts';
import { testBox } from '../support/test-box.ts';
import { wholeLines } from '../box/whole-lines.ts';
import { pollUntil, python, Scene, scopeUnit, service, siteFile, tcpSite } from '../support/scene.ts';
import { programs } from '../support/product.ts';

const front = 'wakesock-front.service';
const frontSocket = 'wakesock-front.socket';
const gate = '/tmp/front-gate';
const files = '/srv/front-files';
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(testBox());
  await scene.box.writeFile(`/etc/systemd/system/${front}.d/test.conf`, [
    '[Service]', 'ExecStart=', `ExecStart=${scene.product.command('front', '--exit-idle-time=1s').join(' ').replace('node', process.execPath)}`, '',
  ].join('\n'));
  await scene.box.run(['mkdir', '-p', gate]);
  await scene.box.writeFile(`${files}/robots.txt`, 'User-agent: *\n');
  await scene.box.writeFile(`${files}/wait.html`, '<h1>just a moment</h1>');
  const gated = { Container: { Volume: [`${programs}:/programs:ro`, `${gate}:/gate`] } };
  const slow = `${python('http_all.py')} /gate/start`;
  await scene.enable({
    quiet: tcpSite(python('http_all.py'), 8291, { 'X-Wakesock': {
      Host: 'quiet.example',
      NoWake: [`path:/robots.txt file:${files}/robots.txt`, 'agent:*uptime* method:HEAD status:204', 'path:/gone status:410', 'client:10.0.0.0/8', 'path:/rare woken:1/1h', 'path:/feed* cached:1h'],
    } }),
    slow: tcpSite(slow, 8292, { ...gated, 'X-Wakesock': { Host: 'slow.example', WaitPageAfterSec: '100ms' } }),
    ownpage: tcpSite(slow, 8293, { ...gated, 'X-Wakesock': { Host: 'own.example', WaitPageAfterSec: '100ms', WaitPage: `${files}/wait.html` } }),
    few: tcpSite(slow, 8294, { ...gated, 'X-Wakesock': { Host: 'few.example', MaxPending: 2 } }),
    dead: tcpSite('/bin/false', 8295, { 'X-Wakesock': { Host: 'dead.example' } }),
    bare: siteFile(python('http_all.py'), { 'X-Wakesock': { Host: 'bare.example', Port: 3000 } }),
    hesitant: siteFile(slow, { ...gated, 'X-Wakesock': { Host: 'hesitant.example', Port: 3000 } }),
  });
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.box.run(['systemctl', 'start', frontSocket]);
});
afterAll(async () => {
  await scene.box.run(['systemctl', 'stop', frontSocket, front]);
  await scene.box.run(['rm', '-rf', `/etc/systemd/system/${front}.d`, gate, files]);
  await scene.box.run(['systemctl', 'daemon-reload']);
  await scene.close();
});

const curl = (host: string, path: string, ...args: readonly string[]) =>
  scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--header', `Host: ${host}`, ...args, `http://127.0.0.1${path}`]);
const whole = (host: string, path: string, ...args: readonly string[]) => curl(host, path, '--include', ...args);
const page = async (host: string, path = '/', ...args: readonly string[]) => JSON.parse(await curl(host, path, ...args)) as { start: string; path: string; headers: Record<string, string> };
const browser = ['--header', 'Accept: text/html,application/xhtml+xml,*/*;q=0.8', '--user-agent', 'Mozilla/5.0'];
const sleep = (site: string) => scene.product.run('sleep', '--force', site);
const state = async (host: string) => JSON.parse(await curl(host, '/.well-known/wakesock')) as { state: string; healthy: boolean };
const loopbackSockets = async () => (await scene.box.run(['ss', '--listening', '--tcp', '--numeric', '--no-header'])).split('\n').filter((line) => /127\.0\.0\.1:\d{5}/.test(line));
const openGate = () => scene.box.run(['touch', `${gate}/start`]);
const shutGate = () => scene.box.run(['rm', '-f', `${gate}/start`]);

describe('/.well-known/wakesock', () => {
  test('tells dormant from awake, with nothing running and nothing woken', async () => {
    await sleep('quiet');
    await pollUntil('the end of the activator', async () => (await scene.show(service, 'ActiveState'))['ActiveState'] === 'inactive');
    expect(await whole('quiet.example', '/.well-known/wakesock')).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Cache-Control: no-store\r\n(?:.*\r\n)*\r\n\{"state":"dormant","healthy":true\}\n$/);
    expect(await scene.show(service, 'ActiveState')).toEqual({ ActiveState: 'inactive' });
    await page('quiet.example');
    expect(await state('quiet.example')).toEqual({ state: 'awake', healthy: true });
  });

  test('is 503 for a site whose last start failed, also for HEAD', async () => {
    const failed = await whole('dead.example', '/', ...browser);
    expect(failed).toMatch(/^HTTP\/1\.1 502 /);
    expect(failed).toContain('ERR_WAKESOCK_EXITED');
    expect(failed).toMatch(/^Retry-After: \d+\r$/m);
    expect(failed).toContain('<main>');
    expect(failed).not.toContain('/bin/false');
    const answer = await whole('dead.example', '/.well-known/wakesock');
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/^Retry-After: \d+\r$/m);
    expect(answer).toContain('{"state":"failed","healthy":false,"error":"ERR_WAKESOCK_EXITED","retryAt":"');
    expect(await whole('dead.example', '/.well-known/wakesock', '--head')).toMatch(/^HTTP\/1\.1 503 /);
    expect(JSON.parse(await curl('dead.example', '/'))).toMatchObject({ error: { code: 'ERR_WAKESOCK_EXITED' } });
  });
});

describe('NoWake=', () => {
  test('answers instead while the site sleeps, and passes on while it is awake', async () => {
    await sleep('quiet');
    expect(await whole('quiet.example', '/robots.txt')).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Content-Type: text\/plain; charset=utf-8\r\n(?:.*\r\n)*\r\nUser-agent: \*\n$/);
    expect(await whole('quiet.example', '/x', '--head', '--user-agent', 'MyUptime/2')).toMatch(/^HTTP\/1\.1 204 /);
    expect(await whole('quiet.example', '/gone?really', '--request', 'POST')).toMatch(/^HTTP\/1\.1 410 /);
    expect(await scene.status('quiet')).toMatchObject({ state: 'dormant' });
    expect((await page('quiet.example', '/x', '--user-agent', 'MyUptime/2')).path).toBe('/x');
    expect((await page('quiet.example', '/gone')).path).toBe('/gone');
    // It was woken within the hour.
    await sleep('quiet');
    expect(await whole('quiet.example', '/rare')).toMatch(/^HTTP\/1\.1 503 (?:.*\r\n)*Retry-After: 60\r\n/);
    expect(await scene.status('quiet')).toMatchObject({ state: 'dormant' });
  });
});

describe('NoWake=… cached:', () => {
  const answers = '/var/cache/wakesock-front/answers/quiet';
  const kept = async () => (await scene.box.run(['sh', '-c', `ls ${answers} | wc -l`])).trim();

  test('the site\'s own last answer while it sleeps, from one front door to the next', async () => {
    const awake = await whole('quiet.example', '/feed.xml');
    await sleep('quiet');
    await scene.box.run(['systemctl', 'stop', front]);
    expect(await scene.box.run(['stat', '--format=%a', '/var/cache/wakesock-front/'])).toBe('700\n');
    const asleep = await whole('quiet.example', '/feed.xml');
    expect(asleep).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Age: \d+\r\nCache-Status: wakesock; hit\r\n/);
    expect(asleep.split('\r\n\r\n')[1]).toBe(awake.split('\r\n\r\n')[1]);
    expect(await scene.status('quiet')).toMatchObject({ state: 'dormant' });
    // Neither for one person, nor of another path, which wakes the site.
    expect((await page('quiet.example', '/feed.xml', '--header', 'Cookie: id=1')).headers).toMatchObject({ Cookie: 'id=1' });
    await sleep('quiet');
    expect((await page('quiet.example', '/feeds')).path).toBe('/feeds');
    await sleep('quiet');
  });

  test('is that of the site as it was prepared last', async () => {
    await scene.product.run('prepare', 'quiet');
    expect(await whole('quiet.example', '/feed.xml')).not.toContain('Cache-Status');
    await sleep('quiet');
    expect(await whole('quiet.example', '/feed.xml')).toContain('Cache-Status');
  });

  test('is swept away when the site is no more', async () => {
    expect(await kept()).not.toBe('0');
    await scene.product.run('disable', 'quiet');
    // As it ends it knows that.
    await pollUntil('the route to be gone', async () => (await whole('quiet.example', '/.well-known/wakesock')).startsWith('HTTP/1.1 404'));
    await scene.box.run(['systemctl', 'stop', front]);
    expect(await scene.box.run(['ls', '/var/cache/wakesock-front/answers'])).toBe('');
    await scene.product.run('enable', 'quiet');
    await pollUntil('the route', async () => (await whole('quiet.example', '/.well-known/wakesock')).startsWith('HTTP/1.1 200'));
  });
});

describe('who caused a wake', () => {
  test('is in status and in the log, whatever stands in the request', async () => {
    await sleep('quiet');
    const from = await scene.mark();
    await page('quiet.example', '/a?secret=1', '--user-agent', 'Evil\tagent é');
    const { lastWake } = await scene.status('quiet');
    expect(lastWake).toMatchObject({ by: 'front', cause: { client: '127.0.0.1', method: 'GET', host: 'quiet.example', path: '/a', agent: 'Evil?agent ??' } });
    await scene.journal.until(({ unit, text, fields }) => unit === service && text === 'quiet is woken for 127.0.0.1' && fields['path'] === '/a', { from, what: 'the cause in the log' });
    expect(await scene.product.run('status', 'quiet')).toContain('for 127.0.0.1 GET quiet.example/a, Evil?agent ??');
  });
});

describe('the waiting page', () => {
  test('is for a browser that opens a page, and for nobody else; the reload finds the site awake', async () => {
    await shutGate();
    await sleep('slow');
    const waiting = whole('slow.example', '/plain');
    const shown = await whole('slow.example', '/', ...browser);
    expect(shown).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(shown).toMatch(/^Retry-After: 3\r$/m);
    expect(shown).toMatch(/^Cache-Control: no-store\r$/m);
    expect(shown).toContain('slow.example is starting');
    expect(await state('slow.example')).toEqual({ state: 'waking', healthy: true });
    const post = whole('slow.example', '/', ...browser, '--data', 'x');
    await openGate();
    expect(await waiting).toMatch(/^HTTP\/1\.1 200 /);
    expect(await post).toMatch(/^HTTP\/1\.1 200 /);
    expect(await state('slow.example')).toEqual({ state: 'awake', healthy: true });
    expect((await page('slow.example', '/', ...browser)).path).toBe('/');
    expect((await scene.status('slow')).wakes).toBe(1);
  });

  test('alone wakes the site; one of the user\'s own is shown in its place', async () => {
    await shutGate();
    await sleep('ownpage');
    const shown = await whole('own.example', '/', ...browser);
    expect(shown).toMatch(/^HTTP\/1\.1 503 /);
    expect(shown).toMatch(/^Refresh: 3\r$/m);
    expect(shown).toContain('<h1>just a moment</h1>');
    const from = await scene.mark();
    await openGate();
    await scene.inState('ownpage', 'awake', from);
    expect((await page('own.example', '/', ...browser)).path).toBe('/');
    expect((await scene.status('ownpage')).wakes).toBe(1);
  });
});

describe('MaxPending=', () => {
  test('those beyond are told to come again', async () => {
    await shutGate();
    await sleep('few');
    const { child: { stderr }, exited } = scene.box.spawn(['curl', '--silent', '--max-time', '20', '--header', 'Host: few.example', '--parallel', '--parallel-immediate', '--output', '/dev/null',
      '--write-out', '%{stderr}\nstatus %{http_code}\n', 'http://127.0.0.1/[1-5]']);
    const statuses: string[] = [];
    // It says there how far it is, too.
    await new Promise<void>((resolve) => { if (stderr) wholeLines(stderr, (line) => { if (line.startsWith('status ') && statuses.push(line.slice('status '.length)) === 3) resolve(); }); });
    expect(statuses).toEqual(['503', '503', '503']);
    expect(await whole('few.example', '/')).toContain('ERR_WAKESOCK_LIMIT');
    const from = await scene.mark();
    await openGate();
    expect(await exited).toBe(0);
    expect(statuses.slice(3)).toEqual(['200', '200']);
    await scene.inState('few', 'awake', from);
  });
});

describe('a site without a socket of its own', () => {
  test('is enabled without a unit, sleeps without a socket, and is woken by the front door', async () => {
    expect(await scene.status('bare')).toMatchObject({ state: 'dormant', unit: null, listen: [] });
    expect(await loopbackSockets()).toEqual([]);
    const { headers } = await page('bare.example');
    expect(headers).toMatchObject({ 'X-Forwarded-For': '127.0.0.1' });
    expect(await scene.status('bare')).toMatchObject({ state: 'awake', listen: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)], hosts: ['bare.example'] });
    expect(await loopbackSockets()).toHaveLength(1);
    await sleep('bare');
    await pollUntil('its socket to be closed', async () => (await loopbackSockets()).length === 0);
    expect(await scene.status('bare')).toMatchObject({ state: 'dormant', wakes: 1 });
    await page('bare.example');
    await scene.product.run('wake', 'bare');
    expect(await scene.status('bare')).toMatchObject({ state: 'awake', wakes: 2 });
  });

  test('outlives a killed activator, and is adopted by the next', async () => {
    const { start } = await page('bare.example');
    await scene.killActivator();
    expect((await page('bare.example')).start).toBe(start);
    expect(await scene.status('bare')).toMatchObject({ state: 'awake', wakes: 2 });
    expect(await loopbackSockets()).toHaveLength(1);
  });

  test('whose activator is killed while it is being woken, twice, answers who waits', async () => {
    await shutGate();
    const waiting = Promise.all(Array.from({ length: 5 }, (_, i) => page('hesitant.example', `/${i}`)));
    for (let kills = 0; kills < 2; kills++) {
      await pollUntil('the site to be waking', async () => (await scene.status('hesitant')).state === 'waking');
      await scene.killActivator();
    }
    await pollUntil('the site to be waking again', async () => (await scene.status('hesitant')).state === 'waking');
    await openGate();
    expect((await waiting).map(({ path }) => path)).toEqual(['/0', '/1', '/2', '/3', '/4']);
  });

  test('that is awake goes on when another is enabled, and the activator steps aside', async () => {
    const { start } = await page('hesitant.example');
    const download = await HeldDownload.begin(scene.box, 'hesitant.example');
    await scene.enable({ another: tcpSite(python('http_all.py'), 8297, { 'X-Wakesock': { Host: 'another.example' } }) });
    expect((await page('hesitant.example')).start).toBe(start);
    expect(await download.isWhole()).toBe(true);
    await sleep('hesitant');
  });

  test('which had one is stopped and closed there, and has one again, when it is enabled anew', async () => {
    const keys = { 'X-Wakesock': { Host: 'moving.example', Port: 3000 } };
    const served = async () => (await scene.box.exec(['curl', '--silent', '--max-time', '20', 'http://127.0.0.1:8298/'])).code;
    await scene.enable({ moving: tcpSite(python('http_all.py'), 8298, keys) });
    expect(await served()).toBe(0);
    await scene.enable({ moving: siteFile(python('http_all.py'), keys) });
    expect(await scene.status('moving')).toMatchObject({ state: 'dormant', unit: null, listen: [] });
    // CURLE_COULDNT_CONNECT
    expect(await served()).toBe(7);
    await pollUntil('the front door to have it', async () => (await whole('moving.example', '/')).startsWith('HTTP/1.1 200'));
    await scene.enable({ moving: tcpSite(python('http_all.py'), 8298, keys) });
    expect(await served()).toBe(0);
    expect((await page('moving.example', '/y')).path).toBe('/y');
    expect((await scene.status('moving')).listen).toEqual(['0.0.0.0:8298']);
  });

  test('five hundred requests to a hundred of one template that sleep are all answered, and nothing is left of them afterwards', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `storm@s${i}`);
    await scene.box.writeFile('/etc/wakesock/sites/storm@.container', siteFile(`/usr/bin/busybox httpd -f -p 3000 -h ${files}`, {
      Container: { Volume: `${files}:${files}:ro` }, 'X-Wakesock': { Host: '%i.storm.example', Port: 3000, IdleSec: '1s', NoWake: 'path:/favicon.ico status:404' },
    }));
    await scene.product.run('enable', ...names);
    await pollUntil('the routes', async () => (await whole('s99.storm.example', '/.well-known/wakesock')).startsWith('HTTP/1.1 200'));
    const requests = (path: string) => names.map((name) => [`url = http://127.0.0.1${path}`, `header = "Host: ${name.slice('storm@'.length)}.storm.example"`, 'output = /dev/null', 'silent', 'max-time = 60', 'write-out = "%{http_code}\\n"'].join('\n'));
    const statuses = async (...all: readonly string[]) => {
      await scene.box.writeFile('/tmp/storm', all.join('\nnext\n'));
      return (await scene.box.run(['curl', '--parallel', '--parallel-immediate', '--parallel-max', '300', '--config', '/tmp/storm'], { timeoutMs: 60_000 })).trim().split('\n');
    };
    const others = await loopbackSockets();
    expect(new Set(await statuses(...requests('/favicon.ico')))).toEqual(new Set(['404']));
    expect(await loopbackSockets()).toEqual(others);
    const answers = await statuses(...Array.from({ length: 5 }, () => requests('/robots.txt')).flat());
    expect(answers).toHaveLength(500);
    expect(new Set(answers)).toEqual(new Set(['200']));
    await pollUntil('all to sleep', async () => (await loopbackSockets()).length === others.length, 30_000);
    expect(await scene.box.run(['systemctl', 'list-units', '--no-legend', 'wakesock-site-storm*'])).toBe('');
    await scene.product.run('disable', ...names);
    await scene.box.run(['rm', '/etc/wakesock/sites/storm@.container']);
  });

  test('is ended when what was kept of it is lost, and woken anew', async () => {
    const { start } = await page('bare.example');
    await scene.box.run(['systemctl', 'stop', service]);
    await scene.box.run(['sh', '-c', 'systemctl clean --what=fdstore wakesock.service 2>/dev/null || true']);
    expect((await page('bare.example')).start).not.toBe(start);
    await sleep('bare');
    await pollUntil('the end of the scope', async () => (await scene.show(scopeUnit('bare'), 'ActiveState'))['ActiveState'] === 'inactive');
    await pollUntil('its socket to be closed', async () => (await loopbackSockets()).length === 0);
  });

  test('disabled while it is awake it is ended, and not served any more', async () => {
    await page('bare.example');
    await scene.product.run('disable', 'bare');
    expect(await loopbackSockets()).toEqual([]);
    expect(await scene.show(scopeUnit('bare'), 'ActiveState')).toEqual({ ActiveState: 'inactive' });
    await pollUntil('the route to be gone', async () => (await whole('bare.example', '/.well-known/wakesock')).startsWith('HTTP/1.1 404'));
    const { stderr, code } = await scene.product.exec('wake', 'bare');
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_WAKESOCK_SITE_NOT_FOUND');
  });

  test('without systemd is woken all the same', async () => {
    await scene.box.writeFile('/srv/embedded-front/solo.container', siteFile(python('http_all.py'), { 'X-Wakesock': { Host: 'solo.example', Port: 3000 } }));
    const from = await scene.mark();
    const there = ['--sites=/srv/embedded-front', '--state-dir=/var/lib/wakesock/embedded-front'];
    const activator = scene.box.spawn(['systemd-cat', '--identifier=embedded-front', ...scene.product.command('run', ...there)]);
    await scene.journal.until(({ text }) => text.includes('solo sleeps, and is woken through the front door'), { from, what: 'the embedded activator' });
    const door = scene.box.spawn(['systemd-cat', '--identifier=embedded-door', ...scene.product.command('front', '--listen=127.0.0.1:8299', ...there)]);
    await scene.journal.until(({ identifier, text }) => identifier === 'embedded-door' && text.includes('1 host names'), { from, what: 'the routes' });
    const answer = await scene.box.run(['curl', '--silent', '--show-error', '--max-time', '20', '--retry', '5', '--retry-connrefused', '--header', 'Host: solo.example', 'http://127.0.0.1:8299/x']);
    expect(JSON.parse(answer)).toMatchObject({ path: '/x' });
    door.kill('SIGTERM');
    activator.kill('SIGTERM');
    await scene.journal.until(({ identifier, text }) => identifier === 'embedded-front' && text.includes('Ending with status 0'), { from, what: 'its end' });
    expect(await loopbackSockets()).toEqual([]);
  });
});
