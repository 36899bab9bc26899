import { expect, test } from 'vitest';
import { scopeName, siteOfUnit, socketSliceName, socketUnitName } from '../../../src/systemd/unit-names.ts';

test.each(['blog', 'a.b-c_d', 'tmpl@inst'])('%s and its units', (site) => {
  expect(scopeName(site)).toBe(`wakesock-site-${site.replace('@', ':')}.scope`);
  expect(socketUnitName(site)).toBe(`wakesock-site-${site}.socket`);
  expect(siteOfUnit(scopeName(site))).toBe(site);
  expect(siteOfUnit(socketUnitName(site))).toBe(site);
});

test.each(['wakesock.service', 'wakesock.socket', 'wakesock-site-.scope', 'wakesock-site-a.service', 'x-wakesock-site-a.scope'])('%s is of no site', (unit) => {
  expect(siteOfUnit(unit)).toBeNull();
});

test.each([['bench-', 10_000], ['shop@customer', 1_000], ['', 500]])('the sockets of %s1 and so on are spread over slices', (prefix, sites) => {
  const counts = new Map<string, number>();
  for (let index = 1; index <= sites; index++) {
    const slice = socketSliceName(`${prefix}${index}`);
    // One level below system-wakesock.slice.
    expect(slice).toMatch(/^system-wakesock-\d+\.slice$/);
    counts.set(slice, (counts.get(slice) ?? 0) + 1);
  }
  expect(counts.size).toBe(64);
  expect(Math.max(...counts.values())).toBeLessThan((sites / 64) * 2);
});

test('a site\'s socket stays in its slice', () => {
  expect(['blog', 'shop@alice'].map(socketSliceName)).toEqual(['system-wakesock-49.slice', 'system-wakesock-29.slice']);
});
