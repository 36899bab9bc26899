import { afterEach, beforeEach, expect, test } from 'vitest';
import { SiteFiles } from '../site/site-files.ts';
import { verb } from '../../../src/cli/check.ts';
import { FakeContext } from './fake-context.ts';

let files: SiteFiles;
beforeEach(() => { files = new SiteFiles(); });
afterEach(() => files.remove());

async function check(args: readonly string[], values: Record<string, boolean> = {}): Promise<{ code: number; out: string }> {
  const context = new FakeContext({ paths: files.paths });
  const code = await verb.run(context, values, args);
  return { code, out: context.out.replaceAll(files.base, '') };
}
function add(name: string, lines = ''): void {
  files.write('root/bin/app', '', 0o755);
  files.write(`etc/${name}.container`, `[Container]\nRootfs=${files.base}/root\nExec=/bin/app\n${lines}[X-Wakesock]\nListenStream=8081\n`);
}

test('a good site: nothing to say, exit code 0', async () => {
  add('blog');
  expect(await check(['blog'])).toEqual({ code: 0, out: '' });
  expect(await check(['blog'], { json: true })).toEqual({ code: 0, out: '{"problems":[],"errors":0,"warnings":0}\n' });
});

test('problems as a compiler prints them', async () => {
  add('blog', 'Enviroment=A=b\n\tStopSignal=SIGTREM\n');
  expect(await check(['blog'])).toEqual({ code: 1, out: `\
/etc/blog.container:4:1: warning: Expected a key of [Container], found "Enviroment", which is ignored [unknown-key]
  4 | Enviroment=A=b
    | ^
    = help: Environment=

/etc/blog.container:5:13: error: StopSignal=: Expected a signal such as SIGTERM, found "SIGTREM" [bad-value]
  5 |  StopSignal=SIGTREM
    |             ^
    = help: SIGTERM

1 error, 1 warning
` });
});

test('the caret stays below its column in a long line', async () => {
  add('blog', `Environment=${'A=b '.repeat(100)}oops\n`);
  const { out } = await check(['blog']);
  const [, line, caret] = out.split('\n') as [string, string, string];
  expect(line.slice(caret.indexOf('^'))).toBe('oops');
  expect(line.length).toBeLessThan(140);
});

test('warnings alone are exit code 0', async () => {
  add('blog', 'Label=a=b\n');
  expect((await check(['blog'])).code).toBe(0);
});

test('files: anywhere, templates, other units, names that are none', async () => {
  add('blog');
  const other = files.write('elsewhere/shop.container', '[Container]\nRootfs=/none\nExec=/x\n[X-Wakesock]\nListenStream=80\n');
  expect((await check([other])).out).toContain('[ERR_WAKESOCK_ROOTFS]');
  const template = files.write('elsewhere/t@.container', '[Container]\nRootfs=/srv/%i\nExec=/x\nUserNS=keep-id\n[X-Wakesock]\nHost=%i.example\nPort=80\n');
  expect((await check([template])).out).toMatch(/t@\.container:4:8: error: .*UserNS/);
  expect((await check([files.write('elsewhere/x.socket', '[Socket\n')])).out).toContain('[section-header]');
  expect((await check([files.write('elsewhere/Big.container', '')])).out).toContain('[ERR_WAKESOCK_SITE_NAME]');
  await expect(check(['/nothing.container'])).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
  await expect(check(['nobody'])).rejects.toMatchObject({ code: 'ERR_WAKESOCK_SITE_NOT_FOUND' });
});

const template = (lines: string, container = ''): string => `[Container]\nRootfs=/srv/%i\nExec=/x\n${container}[X-Wakesock]\n${lines}`;

test('templates whose instances are numbers or names; what is wrong with every instance is said once', async () => {
  files.write('etc/number@.container', template('ListenStream=127.0.0.1:%i\nPort=%i\nIdleSec=%is\n', 'Ulimit=nofile=%i\n'));
  files.write('etc/name@.container', template('ListenStream=/run/%i.sock\nPort=/run/x\nHost=%i.example\n'));
  expect(await check([])).toEqual({ code: 0, out: '' });
  files.write('etc/wrong@.container', template('ListenStream=127.0.0.1:x%i\nPort=3000\n'));
  const { code, out } = await check([]);
  expect([code, out.split('\n').filter((line) => line.includes('error'))]).toEqual([1, [expect.stringMatching(/^\/etc\/wrong@\.container:5:\d+: error: ListenStream=/), '1 error, 0 warnings']]);
});

test('without arguments: all sites, templates, and what is between them', async () => {
  add('blog');
  add('shop');
  files.write('etc/t@.container', '[Container]\nRootfs=/srv/%i\nExec=/x\n[X-Wakesock]\nPort=80\nPrt=1\n');
  const { code, out } = await check([], { json: true });
  const { problems, errors, warnings } = JSON.parse(out) as { problems: { code: string }[]; errors: number; warnings: number };
  expect({ code, errors, warnings }).toEqual({ code: 1, errors: 1, warnings: 1 });
  expect(problems.map((problem) => problem.code)).toEqual(['unknown-key', 'conflict']);
  expect(problems[1]).toEqual({
    severity: 'error', code: 'conflict', file: '/etc/shop.container', line: 5, column: 14, text: 'ListenStream=8081',
    message: 'Expected an address of its own for site shop, found 0.0.0.0:8081, which is of site blog', suggestion: null,
  });
});
