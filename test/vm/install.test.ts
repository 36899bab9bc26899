/** A user's own view: README's first site, word by word, on a whole machine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readmeBlocks } from '../support/readme.ts';
import { bootInstalled } from '../support/virtual-machine.ts';
import type { VirtualMachine } from './machine/machine.ts';

let machine: VirtualMachine;

beforeAll(async () => { machine = await bootInstalled(); });
afterAll(() => machine.stop());

/** Times and amounts differ from machine to machine, and with them the width of columns; how long ago something was is not said of less than a second. */
function shape(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'WHEN').replaceAll(/\d+(\.\d+)? (ms|s|min|B|KiB|MiB)\b/g, 'AMOUNT').replaceAll(/ for AMOUNT(?=, since)/g, '').replaceAll(/ +/g, ' ').trim();
}

/** What follows on each `# COMMAND`. */
function transcript(block: string): { command: string; output: string }[] {
  return block.split(/^# /m).filter(Boolean).map((part) => {
    const [command = '', ...lines] = part.split('\n');
    return { command, output: lines.join('\n') };
  });
}

test('README: a first site', async () => {
  const [files = '', site = '', session = ''] = readmeBlocks('A first site');
  await machine.run(['sh', '-ec', files]);
  await machine.writeFile('/etc/wakesock/sites/hello.container', site);
  const commands = transcript(session);
  expect(commands.map(({ command }) => command)).toEqual(expect.arrayContaining(['wakesock check hello', 'wakesock enable hello', 'wakesock status hello']));
  for (const { command, output } of commands) {
    const result = await machine.exec(['sh', '-c', command]);
    // curl shows how far it is.
    expect({ command, code: result.code, stdout: shape(result.stdout), stderr: command.startsWith('curl') ? '' : result.stderr }).toEqual({ command, code: 0, stdout: shape(output), stderr: '' });
  }
  expect(await machine.run(['journalctl', '-t', 'hello', '--output=cat'])).toMatch(/^Serving HTTP on 0\.0\.0\.0 port 8081.*\n.*"GET \/ HTTP\/1\.1" 200/);
});

test('what it takes back: the site, and all of it', async () => {
  expect(await machine.run(['wakesock', 'disable', 'hello'])).toContain('hello');
  expect((await machine.exec(['curl', '--silent', 'http://127.0.0.1:8081/'])).code).toBe(7);
  await machine.run(['wakesock', 'uninstall']);
  expect(await machine.run(['sh', '-c', 'find /etc/systemd /etc/sysusers.d /run/systemd -name "wakesock*" ! -name "wakesock-test*"; systemctl list-units --all --no-legend "wakesock*" | grep -v test-agent || :'])).toBe('');
});

test('the expedited wait is asked for by each wake, and taken back', async () => {
  await machine.run(['wakesock', 'install']);
  await machine.run(['wakesock', 'enable', 'hello']);
  const tracing = '/sys/kernel/tracing';
  // What is written into /sys/kernel/rcu_expedited, as the kernel sees it.
  await machine.run(['sh', '-ec', `echo 'p:wakesock/expedited rcu_expedited_store value=+0($arg3):string' >${tracing}/kprobe_events && echo 1 >${tracing}/events/wakesock/expedited/enable`]);
  const written = async (): Promise<string[]> => {
    await machine.run(['curl', '--silent', 'http://127.0.0.1:8081/']);
    await machine.run(['wakesock', 'sleep', '--force', 'hello']);
    const text = await machine.run(['sh', '-c', `cat ${tracing}/trace; echo >${tracing}/trace`]);
    return [...text.matchAll(/value="(\d+)/g)].map(([, value = '']) => value);
  };
  const values = await written();
  // Whoever starts from nothing asks ahead, and again when the client is seen.
  expect(values.slice(0, 2)).toEqual(['2002873189', '0']);
  expect(values).toEqual(values.map((_, index) => (index % 2 === 0 ? '2002873189' : '0')));
  expect(values.length % 2).toBe(0);
  expect(await machine.readFile('/sys/kernel/rcu_expedited')).toBe('0\n');
  // An administrator's own setting is left alone, also by an activator that runs already.
  await machine.run(['sh', '-c', 'echo 1 >/sys/kernel/rcu_expedited']);
  expect(await written()).toEqual(['1']);
  expect(await machine.readFile('/sys/kernel/rcu_expedited')).toBe('1\n');
});
