/** What a program is given in the end: words, specifiers and variables, by systemd that really starts it. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { expandCommand, formatCommandLine, parseCommandLines, parseEnvironmentFile } from '../../../src/unitfile/index.ts';
import { testBox } from '../../support/test-box.ts';
import { oracleTest } from '../../support/oracle.ts';

const box = testBox();
const environment = { A: 'one', B: 'two  words', C: '"in quotes" and\\ one', D: '', E: "it's open" };

/** Runs the commands one after the other; each prints its arguments, in angle brackets. */
async function printed(commands: readonly string[], more = ''): Promise<string[]> {
  const lines = commands.map((command) => `ExecStart=${command}\nExecStart=/usr/bin/printf "\\n"\n`).join('');
  await box.writeFile('/run/systemd/system/expand-oracle.service', `[Service]\nType=oneshot\nStandardOutput=truncate:/run/expand-oracle.out\nUnsetEnvironment=LANG\n${more}${lines}`);
  // Truncated once, appended to by what follows.
  await box.run(['sh', '-c', 'sed -i s/truncate:/append:/ /run/systemd/system/expand-oracle.service && rm -f /run/expand-oracle.out && systemctl daemon-reload && systemctl start expand-oracle.service'], { timeoutMs: 120_000 });
  const text = await box.readFile('/run/expand-oracle.out');
  await box.run(['sh', '-c', 'rm /run/systemd/system/expand-oracle.service && systemctl daemon-reload']);
  return text.split('\n').slice(0, -1);
}

oracleTest('variables in arguments', 120_000, async (seed) => {
  const piece = fc.constantFrom('$A', '${A}', '$B', '${B}', '$C', '${C}', '$D', '${D}', '$E', '${E}', '$$', '$', '$NONE', '${NONE}', '${', '}', '${A', '$A-x', 'x$A', '${A:-b}', '$$A', '$${A}', 'x', '"', ' ', '${}', '$1');
  const word = fc.array(piece, { minLength: 1, maxLength: 3 }).map((all) => all.join('').replaceAll('"', '\\"'));
  const commands = [...new Set(fc.sample(fc.array(word, { minLength: 1, maxLength: 3 }), { numRuns: 150, seed }).map((words) => `/usr/bin/printf "<%%s>" [ ${words.map((each) => `"${each}"`).join(' ')}`))];
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${formatCommandLine(['x', `${name}=${value}`]).slice(2).replaceAll('$$', '$')}\n`).join('');
  const theirs = await printed(commands, variables);
  const ours = commands.map((command) => expandCommand(parseCommandLines(command)[0] as never, environment).slice(2).map((each) => `<${each}>`).join(''));
  expect(commands.map((command, i) => [command, ours[i]])).toEqual(commands.map((command, i) => [command, theirs[i]]));
});

oracleTest('what formatCommandLine writes arrives as it was', 120_000, async (seed) => {
  const argument = fc.oneof(fc.constantFrom('', ';', '$A', '%n', '%%', '\\', '"', "'", ' ', '$$', '\\;', '-x', 'ä'), fc.string({ unit: 'grapheme', maxLength: 8 })).filter((text) => text.isWellFormed() && !/[\0\n]/.test(text));
  const all = fc.sample(fc.array(argument, { minLength: 1, maxLength: 4 }), { numRuns: 150, seed });
  const theirs = await printed(all.map((words) => formatCommandLine(['/usr/bin/printf', '<%s>', ...words])));
  expect(theirs).toEqual(all.map((words) => words.map((word) => `<${word}>`).join('')));
});

oracleTest('EnvironmentFile=', 120_000, async (seed) => {
  const piece = fc.constantFrom('A', 'B_1', '=', 'x', ' ', '\t', '"', "'", '\\', '\\\n', '\n', '\n', '#', ';', '$', '`', '1', 'ä', '\\n', '\r', 'A=b\n', 'C="d e"\n');
  const found = ['A=b \\\n', 'A=\\\nB_1\t\\\n'];
  const files = [...found, ...fc.sample(fc.array(piece, { minLength: 3, maxLength: 14 }).map((all) => all.join('')), { numRuns: 120, seed })]
    // Before 254 a backslash continued a comment.
    .filter((text) => box.info.target === 'debian13' || !/[#;].*\\$/m.test(text));
  const units = files.map((_text, i) => `env-oracle-${i}`);
  await box.run(['node', '-e', `const fs = require('fs'); const files = JSON.parse(fs.readFileSync(0, 'utf8')); fs.mkdirSync('/run/env-oracle', { recursive: true });
    files.forEach((text, i) => { fs.writeFileSync('/run/env-oracle/' + i, text);
      fs.writeFileSync('/run/systemd/system/env-oracle-' + i + '.service', '[Service]\\nType=oneshot\\nEnvironmentFile=/run/env-oracle/' + i + '\\nStandardOutput=truncate:/run/env-oracle/out-' + i + '\\nExecStart=/usr/bin/env -0\\n'); });`], { input: JSON.stringify(files) });
  await box.run(['sh', '-c', 'systemctl daemon-reload; systemctl start "$@" || :', 'sh', ...units], { timeoutMs: 120_000 });
  const own = new Set(['LANG', 'PATH', 'INVOCATION_ID', 'SYSTEMD_EXEC_PID', 'HOME', 'LOGNAME', 'USER', 'SHELL', 'JOURNAL_STREAM', 'MEMORY_PRESSURE_WATCH', 'MEMORY_PRESSURE_WRITE', 'LC_ALL']);
  const texts = JSON.parse(await box.run(['node', '-e', `const fs = require('fs'); console.log(JSON.stringify(Array.from({ length: ${files.length} }, (_, i) => { try { return fs.readFileSync('/run/env-oracle/out-' + i, 'utf8'); } catch { return null; } })));`])) as (string | null)[];
  const differences = files.flatMap((text, i) => {
    const theirs = texts[i]?.split('\0').filter((line) => line !== '' && !own.has(line.slice(0, line.indexOf('=')))).toSorted() ?? null;
    const ours = [...new Map(parseEnvironmentFile(text))].map(([name, value]) => `${name}=${value}`).toSorted();
    return theirs !== null && JSON.stringify(ours) !== JSON.stringify(theirs) ? [{ text, ours, theirs }] : [];
  });
  await box.run(['sh', '-c', 'rm -rf /run/env-oracle /run/systemd/system/env-oracle-*.service; systemctl daemon-reload']);
  expect(texts.filter((text) => text !== null).length).toBeGreaterThan(files.length / 2);
  expect(differences).toEqual([]);
});
