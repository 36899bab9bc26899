import { expect, test } from 'vitest';
import { scopeName, siteOfUnit, socketUnitName } from '../../../src/systemd/unit-names.ts';

test.each(['blog', 'a.b-c_d', 'tmpl@inst'])('%s and its units', (site) => {
  expect(scopeName(site)).toBe(`wakesock-site-${site.replace('@', ':')}.scope`);
  expect(socketUnitName(site)).toBe(`wakesock-site-${site}.socket`);
  expect(siteOfUnit(scopeName(site))).toBe(site);
  expect(siteOfUnit(socketUnitName(site))).toBe(site);
});

test.each(['wakesock.service', 'wakesock.socket', 'wakesock-site-.scope', 'wakesock-site-a.service', 'x-wakesock-site-a.scope'])('%s is of no site', (unit) => {
  expect(siteOfUnit(unit)).toBeNull();
});
