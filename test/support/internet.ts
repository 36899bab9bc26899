/** A stand-in for the internet: another network namespace of the box, behind a default route. */
import type { BoxProcess, Machine } from '../box/machine.ts';
import { programs } from './product.ts';

export const remoteAddress = '198.51.100.1';
export const remoteName = 'remote.example.com';
const resolver = '198.51.100.53';

export class Internet {
  readonly #box: Machine;
  readonly #resolvConf: string;
  readonly #servers: readonly BoxProcess[];

  private constructor(box: Machine, resolvConf: string, servers: readonly BoxProcess[]) {
    this.#box = box;
    this.#resolvConf = resolvConf;
    this.#servers = servers;
  }

  /** A web server at {@link remoteAddress} port 80 that says who asked, and a name server, which becomes the box's. */
  static async open(box: Machine): Promise<Internet> {
    await box.run(['sh', '-ec', `
      ip netns add remote
      ip link add up0 type veth peer name eth0 netns remote
      ip addr add 192.0.2.2/24 dev up0
      ip link set up0 up
      ip -n remote link set lo up
      ip -n remote link set eth0 up
      for address in 192.0.2.1/24 ${remoteAddress}/32 ${resolver}/32; do ip -n remote addr add $address dev eth0; done
      ip route add default via 192.0.2.1
    `]);
    const resolvConf = await box.run(['sh', '-c', 'cat /etc/resolv.conf 2>/dev/null || :']);
    const internet = new Internet(box, resolvConf, await Promise.all([
      serve(box, 'remote', '/usr/bin/python3', `${programs}/says_who.py`, remoteAddress, '80'),
      serve(box, 'remote', '/usr/bin/python3', `${programs}/dns_server.py`, resolver, `${remoteName}=${remoteAddress}`),
    ]));
    await internet.resolver(resolver);
    return internet;
  }

  /** The box's name server from now on. */
  async resolver(address: string): Promise<void> {
    await this.#box.writeFile('/etc/resolv.conf', `nameserver ${address}\n`);
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.kill('SIGKILL');
    await this.#box.run(['ip', 'netns', 'delete', 'remote']);
    await this.#box.writeFile('/etc/resolv.conf', this.#resolvConf);
  }
}

/** Runs a program until it says "ready". @param namespace null: the box's own */
export async function serve(box: Machine, namespace: string | null, ...command: readonly string[]): Promise<BoxProcess> {
  const server = box.spawn([...namespace === null ? [] : ['ip', 'netns', 'exec', namespace], ...command]);
  await new Promise<void>((resolve, reject) => {
    let said = '';
    server.child.stdout?.on('data', (chunk: Buffer) => { if ((said += chunk.toString()).includes('ready')) resolve(); });
    server.child.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    void server.exited.then((code) => reject(new Error(`Expected ${command.join(' ')} to say "ready", it ended with ${code}: ${said}`)));
  });
  return server;
}
