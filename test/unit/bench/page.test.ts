import { expect, test } from 'vitest';
import { curves, distributions, stacks } from '../../../src/bench/charts.ts';
import { page, table } from '../../../src/bench/page.ts';

const hostile = '</title><script>alert(1)</script>&"';

function everything(name: string): string {
  return page({
    title: name, lead: [name],
    sections: [{
      title: name, notes: [name],
      body: distributions([{ name, samplesMs: [1, 2, 300], ours: true }, { name, samplesMs: [], ours: false }]) + stacks([{ name, parts: { [name]: 3, b: 4 } }])
        + curves([{ title: name, lines: [{ name, points: [{ x: 10, y: 0 }, { x: 1_000, y: 5e9 }] }, { name: 'none', points: [] }] }, { title: name, lines: [] }]) + table({ head: [name], rows: [[name], ['1.5']] }),
    }],
  });
}

test('nothing that was measured becomes markup', () => {
  const html = everything(hostile);
  expect(html).not.toContain('<script');
  expect(html.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(8);
});

test('it asks for nothing from elsewhere, and knows light and dark', () => {
  const html = everything('site');
  expect(html).not.toMatch(/\b(?:src|href)=|url\(|@import|https?:/);
  expect(html).toContain('prefers-color-scheme: dark');
});

test('no number in it is none', () => {
  expect(everything('site')).not.toMatch(/NaN|Infinity|undefined/);
});

test('a picture has a line for each that was measured, and no label over another', () => {
  const svg = curves([{ title: 'memory', lines: [{ name: 'a', points: [{ x: 10, y: 1 }, { x: 9_900, y: 2 }] }, { name: 'b', points: [{ x: 0, y: 3 }, { x: 10_000, y: 4 }] }, { name: 'c', points: [] }] }]);
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect([...svg.matchAll(/text-anchor="middle">([^<]*)</g)].map(([, text]) => text)).toEqual(['10k', '10', '0']);
  expect(svg).not.toContain('>c<');
});
