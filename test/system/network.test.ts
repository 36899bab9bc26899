/** Network=host and Network=pasta: what a site reaches, what it does not, and what is left of it afterwards. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoxProcess } from '../box/machine.ts';
import { Internet, remoteAddress, remoteName, serve } from '../support/internet.ts';
import { buildImage, imageSite, makeContext } from '../support/images.ts';
import { programs } from '../support/product.ts';
import { Scene, pollUntil, python, tcpSite, type SiteKeys } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

let scene: Scene;
let internet: Internet;
let onLoopback: BoxProcess;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (port: number, say: string): Promise<string> => String((await scene.clients.ask(`127.0.0.1:${port}`, say)).result);
const site = (port: number, keys: NonNullable<SiteKeys['Container']>, wakesock: SiteKeys['X-Wakesock'] = {}): string => tcpSite(python('plain.py 3000'), port, { Container: keys, 'X-Wakesock': wakesock });
const fetch = (port: number, url: string, seconds = 5): Promise<string> => ask(port, `run curl --silent --max-time ${seconds} --write-out %{exitcode} ${url}`);
const pastas = async (): Promise<string> => run('pgrep --full ^/usr/bin/pasta || :');
const nothingLeft = (): Promise<void> => pollUntil('pasta and its service to be gone', async () => await pastas() === '' && await run('systemctl list-units --all --no-legend "wakesock-net-*"') === '');
/** curl's own: connection refused. */
const refused = '7';

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  internet = await Internet.open(scene.box);
  onLoopback = await serve(scene.box, null, '/usr/bin/python3', `${programs}/says_who.py`, '127.0.0.1', '8099');
});
afterAll(async () => {
  onLoopback.kill('SIGKILL');
  await scene.close();
  await internet.close();
});

describe('Network=pasta', () => {
  test('the site reaches others, by address and by name; its own socket is the one it was given', async () => {
    await scene.enable({ out: site(8501, { Network: 'pasta' }) });
    expect(await fetch(8501, `http://${remoteAddress}/`)).toMatch(/^hello 192\.0\.2\.2\n0$/);
    expect(await fetch(8501, `http://${remoteName}/`)).toMatch(/^hello/);
    expect(await ask(8501, 'read /etc/resolv.conf')).toBe('nameserver 198.51.100.53\n');
    expect((await scene.status('out')).state).toBe('awake');
  });

  test('it does not reach what listens on the loopback of the host, by no address that leads there', async () => {
    expect(await run('curl --silent http://127.0.0.1:8099/')).toBe('hello 127.0.0.1\n');
    for (const address of ['127.0.0.1', '192.0.2.2', '192.0.2.1', '[::1]', '169.254.1.1', '169.254.1.2']) {
      expect(await fetch(8501, `http://${address}:8099/`, 1), address).not.toContain('hello');
    }
    expect(await fetch(8501, 'http://127.0.0.1:8099/')).toBe(refused);
  });

  test('it ends with the site, and is there again with the next client', async () => {
    expect(await pastas()).toMatch(/^\d+\n$/);
    await scene.product.run('sleep', '--force', 'out');
    await nothingLeft();
    expect(await fetch(8501, `http://${remoteAddress}/`)).toMatch(/^hello/);
  });

  test('nothing of it is in the activator\'s control group or in the site\'s, which ends with the program', async () => {
    const groups = await run('for pid in $(pgrep --full ^/usr/bin/pasta); do cat /proc/$pid/cgroup; done');
    expect(groups).toContain('/wakesock.slice/wakesock-net-out.service');
    expect(groups).not.toMatch(/wakesock\.service|\.scope/);
    // What it may do it may do to the site's own namespaces.
    const users = await run('readlink /proc/1/ns/user /proc/$(pgrep --full ^/usr/bin/pasta)/ns/user');
    expect(users.trim().split('\n')[1]).toBe(await ask(8501, 'link /proc/self/ns/user'));
    expect(users.trim().split('\n')[0]).not.toBe(users.trim().split('\n')[1]);
    await run('systemctl kill --signal=KILL wakesock-site-out.scope');
    await nothingLeft();
    expect(await fetch(8501, `http://${remoteAddress}/`)).toMatch(/^hello/);
  });

  test('an activator that is killed leaves it be; the next one\'s stop ends it', async () => {
    const before = await pastas();
    await scene.killActivator();
    expect(await fetch(8501, `http://${remoteAddress}/`)).toMatch(/^hello/);
    expect(await pastas()).toBe(before);
    await scene.product.run('sleep', '--force', 'out');
    await nothingLeft();
  });

  test('everything killed at once, the activator too, while no activator can come', async () => {
    await fetch(8501, `http://${remoteAddress}/`);
    await run('systemctl stop wakesock.service; systemctl kill --signal=KILL wakesock-site-out.scope');
    await nothingLeft();
    expect(await fetch(8501, `http://${remoteAddress}/`)).toMatch(/^hello/);
  });

  test('a program that uses the network first of all finds it there', async () => {
    await scene.enable({ first: tcpSite(`/bin/sh -c 'curl --silent --fail --max-time 5 http://${remoteAddress}/ || exit 1; exec ${python('plain.py 3000')}'`, 8502, { Container: { Network: 'pasta' } }) });
    for (let i = 0; i < 5; i += 1) {
      await ask(8502, 'hello');
      await scene.product.run('sleep', '--force', 'first');
    }
  });

  test('a site without a user namespace', async () => {
    await scene.enable({ hostids: site(8507, { Network: 'pasta', UserNS: 'host' }) });
    expect(await fetch(8507, `http://${remoteName}/`)).toMatch(/^hello/);
    expect(await ask(8507, 'link /proc/self/ns/user')).toBe((await run('readlink /proc/1/ns/user')).trim());
  });

  test('where the host has a loopback resolver only, pasta asks it in the site\'s stead', async () => {
    const local = await serve(scene.box, null, '/usr/bin/python3', `${programs}/dns_server.py`, '127.0.0.53', `inside.example.com=${remoteAddress}`);
    await internet.resolver('127.0.0.53');
    try {
      await scene.product.run('sleep', '--force', 'out');
      expect(await ask(8501, 'read /etc/resolv.conf')).toBe('nameserver 169.254.1.1\n');
      expect(await fetch(8501, 'http://inside.example.com/')).toMatch(/^hello/);
    } finally {
      local.kill('SIGKILL');
      await internet.resolver('198.51.100.53');
    }
  });

  test('what pasta says of why it cannot is told', async () => {
    await scene.enable({ wrong: site(8506, { Network: 'pasta:--interface,nosuch0' }) });
    await scene.expectFailed('wrong', 'ERR_WAKESOCK_NETWORK', '127.0.0.1:8506', /The network could not be made: .*nosuch0/);
    await run('ip link add nosuch0 type veth peer name nosuch1 && ip addr add 203.0.113.1/24 dev nosuch0 && ip link set nosuch0 up && ip link set nosuch1 up && ip route add default via 203.0.113.2 dev nosuch0 metric 500');
    await scene.healed('127.0.0.1:8506');
    await run('ip link delete nosuch0');
  });

  test('DNS=, DNSSearch=, DNSOption=, AddHost=, Sysctl=', async () => {
    await scene.enable({ lines: site(8503, { Network: 'pasta:--mtu,1400', DNS: ['192.0.2.53', '2001:db8::53'], DNSSearch: 'example.com', DNSOption: 'ndots:2', AddHost: 'db;db2:10.1.2.3', Sysctl: 'net.ipv4.ip_default_ttl=77' }) });
    expect(await ask(8503, 'read /etc/resolv.conf')).toBe('search example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions ndots:2\n');
    expect(await ask(8503, 'read /etc/hosts')).toMatch(/^10\.1\.2\.3 db db2\n127\.0\.0\.1 localhost\n/);
    expect(await ask(8503, 'read /proc/sys/net/ipv4/ip_default_ttl')).toBe('77\n');
    expect(await ask(8503, 'run ip -oneline link')).toContain('mtu 1400');
    expect(await run('cat /proc/sys/net/ipv4/ip_default_ttl')).not.toBe('77\n');
  });

  test('an image whose /etc/resolv.conf is a link out of it', async () => {
    await makeContext(scene.box);
    await run('ln -sf /run/outside /srv/build/root/etc/resolv.conf');
    await buildImage(scene.box, 'localhost/linked:1', ['FROM scratch', 'COPY root /']);
    await scene.enable({ linked: imageSite('localhost/linked:1', 8504, { Container: { Network: 'pasta', Exec: python('plain.py 3000') }, 'X-Wakesock': { Port: 3000 } }) });
    expect(await fetch(8504, `http://${remoteName}/`)).toMatch(/^hello/);
    expect((await scene.box.exec(['test', '-e', '/run/outside'])).code).toBe(1);
    await run('podman rmi --force localhost/linked:1 >/dev/null; rm /srv/build/root/etc/resolv.conf');
  });

  test('traffic of its own does not keep it awake', async () => {
    const from = await scene.mark();
    await scene.enable({ talks: tcpSite(`/bin/sh -c 'while curl --silent --max-time 5 http://${remoteAddress}/; do :; done & exec ${python('plain.py 3000')}'`, 8505, { Container: { Network: 'pasta' }, 'X-Wakesock': { IdleSec: '300ms' } }) });
    await ask(8505, 'hello');
    await scene.inState('talks', 'dormant', from);
  });

  test('a program that is missing is told when the site is checked and enabled', async () => {
    await run('mv /usr/bin/pasta /usr/bin/pasta.away');
    try {
      expect((await scene.product.exec('check', 'out')).stdout).toMatch(/out\.container:\d+:\d+: error: .*apt-get install passt.*\[ERR_WAKESOCK_NETWORK\]\n.*Network=pasta/);
      expect((await scene.product.exec('enable', 'out')).stderr).toMatch(/apt-get install passt/);
    } finally {
      await run('mv /usr/bin/pasta.away /usr/bin/pasta');
    }
  });
});

describe('Network=host', () => {
  test('the machine\'s own network; the socket is handed over all the same', async () => {
    await scene.enable({ host: site(8511, { Network: 'host' }) });
    expect(await fetch(8511, `http://${remoteName}/`)).toMatch(/^hello 192\.0\.2\.2/);
    expect(await fetch(8511, 'http://127.0.0.1:8099/')).toMatch(/^hello 127/);
    expect(await ask(8511, 'link /proc/self/ns/net')).toBe((await run('readlink /proc/1/ns/net')).trim());
    // Its port was never bound on the host.
    expect(await scene.clients.turnedAway('127.0.0.1:3000')).toMatch('ECONNREFUSED');
    await scene.product.run('sleep', '--force', 'host');
    expect(await ask(8511, 'hostname')).toBe('host');
  });
});

test('none is as it was: its socket and nothing else', async () => {
  await scene.enable({ alone: site(8512, { AddHost: 'db:10.1.2.3' }) });
  expect(await ask(8512, 'interfaces')).toBe('lo');
  expect(await fetch(8512, `http://${remoteAddress}/`)).toBe(refused);
  expect(await ask(8512, 'read /etc/hosts')).toContain('10.1.2.3 db');
  expect(await ask(8512, 'read /etc/resolv.conf')).toBe('');
});
