/** Named networks of podman's: names, addresses, and what is left of them, whoever was killed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Internet, remoteAddress, remoteName } from '../support/internet.ts';
import { Scene, pollUntil, python, tcpSite, type SiteKeys } from '../support/scene.ts';
import { testBox } from '../support/test-box.ts';

let scene: Scene;
let internet: Internet;
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script]);
const ask = async (port: number, say: string): Promise<string> => String((await scene.clients.ask(`127.0.0.1:${port}`, say)).result);
/** The program also answers at 8080, on whatever network there is. */
const site = (port: number, keys: NonNullable<SiteKeys['Container']>): string => tcpSite(`/bin/sh -c '/usr/bin/python3 /programs/says_who.py 0.0.0.0 8080 & exec ${python('plain.py 3000')}'`, port, { Container: keys });
const fetch = (port: number, url: string): Promise<string> => ask(port, `run curl --silent --max-time 5 --retry 20 --retry-connrefused --retry-delay 0 --retry-max-time 5 --write-out %{exitcode} ${url}`);
const addressOf = async (port: number): Promise<string> => /inet (10[\d.]+)/.exec(await ask(port, 'run ip -oneline -4 addr show eth0'))?.[1] ?? 'none';
/** Interfaces, rules, names, services, processes: all that a network is made of. What the firewall keeps without rules of a network does not count. */
const traces = (): Promise<string> => run(`
  ip -oneline link | grep -o 'podman[0-9]*\\|veth[0-9]*' || :
  nft list ruleset 2>/dev/null | grep '10\\.89\\.' || :
  ls /run/containers/networks/aardvark-dns 2>/dev/null || :
  pgrep --list-name 'aardvark|netavark' || :
  systemctl list-units --all --no-legend 'wakesock-net-*'
`);
const nothingLeft = async (): Promise<void> => {
  let left = '';
  await pollUntil('nothing of the network to be left', async () => (left = await traces()) === '').catch((error: unknown) => { throw new Error(`${String(error)}: ${left}`); });
};
const sleep = (...sites: string[]): Promise<string> => scene.product.run('sleep', '--force', ...sites);

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  internet = await Internet.open(scene.box);
  await run('podman network create --subnet=10.89.7.0/24 shops; podman network create --subnet=10.89.8.0/29 --ip-range=10.89.8.0/30 small; podman network create --subnet=10.89.9.0/24 systemd-quad');
  await run('mkdir -p /etc/containers/systemd && echo "[Network]" >/etc/containers/systemd/quad.network');
});
afterAll(async () => {
  await scene.close();
  await internet.close();
  await run('podman network rm shops small systemd-quad >/dev/null; rm -r /etc/containers/systemd');
});

describe('two sites on one network', () => {
  test('each wakes by its own socket, and reaches the other by its names, and what is outside', async () => {
    await scene.enable({ one: site(8521, { Network: 'shops', NetworkAlias: 'eins' }), two: site(8522, { Network: 'shops:alias=zwei' }) });
    await ask(8522, 'hello');
    expect(await addressOf(8521)).toBe('10.89.7.254');
    expect(await ask(8521, 'read /etc/resolv.conf')).toContain('nameserver 10.89.7.1\n');
    expect(await fetch(8521, 'http://two:8080/')).toBe('hello 10.89.7.254\n0');
    expect(await fetch(8521, 'http://zwei:8080/')).toBe('hello 10.89.7.254\n0');
    expect(await fetch(8522, 'http://eins:8080/')).toBe('hello 10.89.7.253\n0');
    expect(await fetch(8521, `http://${remoteAddress}/`)).toBe('hello 192.0.2.2\n0');
    expect(await fetch(8521, `http://${remoteName}/`)).toBe('hello 192.0.2.2\n0');
  });

  test('one that sleeps has gone from the network, and comes back to its address', async () => {
    await sleep('two');
    await pollUntil('its service to be gone', async () => !(await traces()).includes('wakesock-net-two'));
    expect(await traces()).toContain('podman');
    expect(await ask(8521, 'run getent ahostsv4 two')).toBe('');
    await ask(8522, 'hello');
    expect(await addressOf(8522)).toBe('10.89.7.253');
    expect(await fetch(8521, 'http://two:8080/')).toMatch(/^hello/);
  });

  test('with the last one asleep nothing is left', async () => {
    await sleep('one', 'two');
    await nothingLeft();
  });
});

describe('killed', () => {
  test('the activator: the sites stay on the network; the next one\'s stop leaves nothing', async () => {
    await ask(8522, 'hello');
    await fetch(8521, 'http://two:8080/');
    await scene.killActivator();
    expect(await fetch(8521, 'http://two:8080/')).toMatch(/^hello/);
    await sleep('one', 'two');
    await nothingLeft();
  });

  test('all of the site, and the activator, with none to come', async () => {
    await ask(8521, 'hello');
    await run('systemctl stop wakesock.service; systemctl kill --signal=KILL wakesock-site-one.scope');
    await nothingLeft();
    expect(await fetch(8521, `http://${remoteAddress}/`)).toMatch(/^hello/);
  });

  test('the service that holds the network: what it left is taken down all the same', async () => {
    await run('systemctl kill --kill-whom=main --signal=KILL wakesock-net-one.service');
    await pollUntil('the service to be there again', async () => (await run('systemctl show --property=NRestarts,ActiveState wakesock-net-one.service')).split('\n').toSorted().join(' ').trim() === 'ActiveState=active NRestarts=1');
    await sleep('one');
    await nothingLeft();
    expect(await fetch(8521, `http://${remoteAddress}/`)).toMatch(/^hello/);
    await sleep('one');
    await nothingLeft();
  });

  test('the site while its network is being made', async () => {
    await run('mv /usr/lib/podman/netavark /usr/lib/podman/netavark.real && printf \'#!/bin/sh\\necho begun >&2; mkfifo /run/gate; read -r x </run/gate; exec /usr/lib/podman/netavark.real "$@"\\n\' >/usr/lib/podman/netavark && chmod +x /usr/lib/podman/netavark');
    try {
      const client = scene.clients.open('127.0.0.1:8521', 'hello\n');
      await pollUntil('netavark to be in the middle', async () => (await scene.box.exec(['test', '-p', '/run/gate'])).code === 0);
      await run('systemctl kill --signal=KILL wakesock-site-one.scope');
      await client.closed.catch(() => {});
    } finally {
      await run('mv /usr/lib/podman/netavark.real /usr/lib/podman/netavark; timeout 5 sh -c "echo x >/run/gate"; rm /run/gate');
    }
    await nothingLeft();
    await scene.healed('127.0.0.1:8521');
    await sleep('one');
    await nothingLeft();
  });
});

test('podman\'s own containers are on the same network', async () => {
  await run('mkdir -p /srv/peer/bin && cp /bin/busybox /srv/peer/bin && cd /srv/peer && printf "FROM scratch\\nCOPY bin /bin\\n" >Containerfile && podman build --quiet --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 --tag localhost/peer:1 . >/dev/null');
  await run('podman run --detach --name=peer --cgroups=disabled --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 --network=shops localhost/peer:1 /bin/busybox httpd -f -p 8080 >/dev/null');
  expect(await fetch(8521, 'http://peer:8080/bin/')).toMatch(/404 Not Found[^]*0$/);
  await sleep('one');
  // It has the network still.
  expect(await traces()).toContain('podman');
  expect(await run('podman inspect --format "{{.NetworkSettings.Networks.shops.IPAddress}}" peer')).toBe('10.89.7.2\n');
  await run('podman rm --force --time=0 peer >/dev/null; podman rmi --force localhost/peer:1 >/dev/null');
  await nothingLeft();
});

describe('addresses', () => {
  test('are kept out of what podman hands out itself, and given back by disable', async () => {
    await scene.enable({ three: site(8523, { Network: 'small' }) });
    expect(await addressOf(8523)).toBe('10.89.8.6');
    expect(await run('readlink /var/lib/wakesock/networks/small/10.89.8.6')).toBe('three\n');
    await scene.write({ four: site(8524, { Network: 'small', IP: '10.89.8.6' }) });
    expect((await scene.product.exec('enable', 'four')).stderr).toMatch(/10\.89\.8\.6 is that of three.*ERR_WAKESOCK_NETWORK/);
    await scene.enable({ four: site(8524, { Network: 'small', IP: '10.89.8.5' }) });
    expect(await addressOf(8524)).toBe('10.89.8.5');
    await scene.write({ five: site(8525, { Network: ['small', 'shops'] }) });
    expect((await scene.product.exec('enable', 'five')).code).toBe(0);
    const addresses = await ask(8525, 'run ip -oneline -4 addr');
    expect(addresses).toMatch(/eth0 +inet 10\.89\.8\.4\/29/);
    expect(addresses).toMatch(/eth1 +inet 10\.89\.7\.252\/24/);
    await scene.product.run('disable', 'three', 'four', 'five');
    expect(await run('ls /var/lib/wakesock/networks/small')).toBe('');
    await nothingLeft();
  });

  test('a Quadlet network by the name of its file; one that is not there', async () => {
    await scene.enable({ six: site(8526, { Network: 'quad.network' }) });
    expect(await addressOf(8526)).toBe('10.89.9.254');
    await scene.write({ seven: site(8527, { Network: 'nowhere' }) });
    expect((await scene.product.exec('enable', 'seven')).stderr).toMatch(/podman network create nowhere.*ERR_WAKESOCK_NETWORK/);
    expect((await scene.product.exec('check', 'seven')).stdout).toMatch(/seven\.container:\d+:\d+: error: .*\[ERR_WAKESOCK_NETWORK\]\n.*Network=nowhere/);
  });
});
