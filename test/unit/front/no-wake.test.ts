import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesGlob } from '../../../src/front/glob.ts';
import { rulesOf } from '../../../src/front/no-wake.ts';
import { parseNoWake } from '../../../src/site/front-keys.ts';
import { UnitValueError } from '../../../src/unitfile/value-error.ts';

describe('globs', () => {
  test('mean what the same regular expression means', () => {
    const few = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '/'), maxLength: 12 });
    fc.assert(fc.property(few, fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 20 }), (pattern, text) => {
      expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text));
    }), { numRuns: 3_000 });
  });

  test('take time of their length times that of the text, not more: a count of its characters', () => {
    let looks = 0;
    const text = 'a'.repeat(2_000);
    const counting = {
      length: text.length,
      charCodeAt: (at: number) => {
        looks++;
        return text.charCodeAt(at);
      },
      indexOf: (wanted: string, from: number) => {
        const found = text.indexOf(wanted, from);
        looks += (found === -1 ? text.length : found + 1) - from;
        return found;
      },
    };
    expect(matchesGlob(`${'*a'.repeat(20)}*b`, counting as unknown as string)).toBe(false);
    expect(looks).toBeLessThan(2_000 * 42 * 3);
  });
});

const now = Date.parse('2026-01-01T12:00:00Z');
const ago = (...minutes: readonly number[]) => minutes.map((minute) => now - minute * 60_000);

describe('lines', () => {
  const facts = { method: 'GET', path: '/', agent: '', navigation: false };
  const fits = (line: string, changes: Partial<typeof facts> = {}, client = '192.0.2.1', wokenAtMs: readonly number[] = []): boolean =>
    rulesOf([parseNoWake(line)], { ...facts, ...changes }, client, wokenAtMs, now).length > 0;

  test('of one kind any, of each kind one', () => {
    const line = 'path:/a path:/b* method:GET method:HEAD';
    expect(fits(line, { path: '/a' })).toBe(true);
    expect(fits(line, { path: '/bcd', method: 'HEAD' })).toBe(true);
    expect(fits(line, { path: '/a', method: 'POST' })).toBe(false);
    expect(fits(line, { path: '/c' })).toBe(false);
  });

  test('agents in any case, quoted where they have spaces', () => {
    expect(fits('"agent:*Uptime Kuma*"', { agent: 'My UPTIME kuma/2' })).toBe(true);
    expect(fits('agent:*bot*', { agent: 'Mozilla' })).toBe(false);
  });

  test.each([
    ['192.0.2.0/24', '192.0.2.9', true], ['192.0.2.9', '192.0.2.9', true], ['192.0.2.0/24', '192.0.3.9', false],
    ['2001:db8::/32', '2001:db8::1', true], ['2001:db8::/32', '192.0.2.9', false], ['192.0.2.0/24', 'unknown', false], ['0.0.0.0/0', '192.0.2.9', true],
  ])('client:%s and %s: %s', (prefix, client, expected) => {
    expect(fits(`client:${prefix}`, {}, client)).toBe(expected);
  });

  test('woken so often within so long', () => {
    expect(fits('woken:2/1h', {}, '::1', ago(30, 70))).toBe(false);
    expect(fits('woken:2/1h', {}, '::1', ago(30, 50, 70))).toBe(true);
  });

  test.each([
    ['', 'at least one of'], ['status:404', 'at least one of'], ['path:/a stauts:404', 'found "stauts:404"'], ['path:a', 'Expected a path'], ['method:get', 'in capitals'],
    ['client:300.1.1.1', 'Expected an IP address'], ['woken:21/1h', 'from 1 to 20'], ['woken:3', 'TIMES/TIME-SPAN'], ['path:/a status:404 file:/x', 'once'],
    ['path:/a status:404 cached:1h', 'Expected status:, file: or cached: once'], ['path:/a cached:soon', 'time'], ['method:POST cached:1h', 'Expected GET or HEAD'],
    ['path:/a status:304', 'Expected the status'], ['path:/a status:200x', 'Expected the status'], ['path:/a file:x', 'absolute path'], ['path:', 'found nothing'], ['"path:/a', 'closing'],
  ])('%j is refused', (line, message) => {
    expect(() => parseNoWake(line)).toThrow(UnitValueError);
    expect(() => parseNoWake(line)).toThrow(message);
  });
});

test('the examples of docs/front.md are understood', () => {
  const text = readFileSync(new URL('../../../docs/front.md', import.meta.url), 'utf8');
  const lines = [...text.matchAll(/^NoWake=(.+)$/gm)].map(([, line]) => line as string);
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(() => parseNoWake(line)).not.toThrow();
});
