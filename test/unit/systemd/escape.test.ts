import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unitObjectPath } from '../../../src/systemd/escape.ts';
import { escapeUnitName, unescapeUnitName } from '../../../src/unitfile/index.ts';

/** The real one; it needs no running systemd. */
function systemdEscape(texts: readonly string[]): string[] {
  return execFileSync('systemd-escape', ['--', ...texts], { encoding: 'utf8' }).trimEnd().split(' ');
}

const examples = ['blog', 'a/b', '/a', '.hidden', 'a.b', 'a-b', 'a b', 'ü', 'a\\x2d', '%i', 'a:b_c', '-', '/', 'tmpl@inst', '..', '€/\u{1F600}'];

test('as systemd-escape', () => {
  expect(examples.map(escapeUnitName)).toEqual(systemdEscape(examples));
});

test('as systemd-escape, whatever the text', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => !value.includes('\0'));
  const texts = fc.sample(text, 2000);
  expect(texts.map(escapeUnitName)).toEqual(systemdEscape(texts));
});

test('is undone by unescapeUnitName', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }).filter((value) => value.isWellFormed() && !value.includes('\0')), (text) => {
    expect(unescapeUnitName(escapeUnitName(text))).toBe(text);
  }));
});

test.each([
  ['wakesock.service', '/org/freedesktop/systemd1/unit/wakesock_2eservice'],
  ['wakesock-site-a_b.scope', '/org/freedesktop/systemd1/unit/wakesock_2dsite_2da_5fb_2escope'],
  ['wakesock-site-tmpl@inst.scope', '/org/freedesktop/systemd1/unit/wakesock_2dsite_2dtmpl_40inst_2escope'],
  ['9p.mount', '/org/freedesktop/systemd1/unit/_39p_2emount'],
])('object path of %s', (unit, path) => {
  expect(unitObjectPath(unit)).toBe(path);
});
