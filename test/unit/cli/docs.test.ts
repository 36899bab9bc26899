import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../src/base/errors.ts';
import { overallHelp, verbHelp } from '../../../src/cli/help.ts';
import { verbs } from '../../../src/cli/verbs.ts';

const docs = new URL('../../../docs/', import.meta.url);

test('docs/errors.md has one row for each code, in the order of src/base/errors.ts', async () => {
  const text = await readFile(new URL('errors.md', docs), 'utf8');
  expect([...text.matchAll(/^\| `(ERR_\w+)` \| \S.* \| \S.* \|$/gm)].map(([, code]) => code)).toEqual(Object.keys(errorCodes));
});

test('docs/control-api.md names only codes that there are', async () => {
  const text = await readFile(new URL('control-api.md', docs), 'utf8');
  for (const [code] of text.matchAll(/ERR_\w+/g)) expect(Object.keys(errorCodes)).toContain(code);
});

/** `npx vitest run test/unit/cli/docs.test.ts -u` writes it anew. */
test('docs/cli.md is what the verbs say of themselves', async () => {
  const sections = await Promise.all(Object.values(verbs).map(async (load) => {
    const { verb } = await load();
    return `## wakesock ${verb.name}\n\n\`\`\`\n${verbHelp(verb)}\`\`\`\n`;
  }));
  const manual = `# Command line

<!-- Written by test/unit/cli/docs.test.ts from the verbs' own help. -->

\`\`\`
${await overallHelp()}\`\`\`

**Exit codes.** 0: done. 1: failed; the reason is on standard error with its code ([errors.md](errors.md)). 2: the command line
was not understood. 70: a bug in wakesock.

**\`--json\`.** Standard output is then exactly one JSON value and a newline. If the verb fails as a whole that value is
\`{"error":{"code","message"}}\`; the message for people goes to standard error all the same.

**Environment.** \`NO_COLOR\` takes colours away from a terminal's output, as \`TERM=dumb\` does; a locale that is not
UTF-8 takes the symbols. Elsewhere than on a terminal there are neither.

**Embedded.** \`--sites=DIR\` moves state, runtime directory and control socket below DIR, so that every verb finds an
activator that was started with \`wakesock run --sites=DIR\` by the same option.

${sections.join('\n')}`;
  await expect(manual).toMatchFileSnapshot(new URL('cli.md', docs).pathname);
});
