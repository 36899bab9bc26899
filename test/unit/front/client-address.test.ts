import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forwardedElement } from '../../../src/front/client-address.ts';
import { regexpSteps } from '../../support/counted-regexp.ts';

test('elements of Forwarded: a comma in quotes parts nothing, and quotes that are not closed end with the list', () => {
  expect('for=a;by="x,y", for="[::1]:80" ,for=c'.match(forwardedElement)).toEqual(['for=a;by="x,y"', ' for="[::1]:80" ', 'for=c']);
  expect('for=a, for="b, for=c'.match(forwardedElement)).toEqual(['for=a', ' for="b, for=c']);
  expect('for="a\\", for=b", for=c'.match(forwardedElement)).toEqual(['for="a\\", for=b"', ' for=c']);
});

/** Of all matches, one after the other. */
function stepsOf(text: string): number {
  let steps = 0;
  for (let from = 0; ;) {
    forwardedElement.lastIndex = from;
    const found = forwardedElement.exec(text);
    steps += regexpSteps(forwardedElement, text, from, found);
    if (found === null) return steps;
    from = found.index + found[0].length;
  }
}

test('whatever a client sends, twice as much of it takes no more than twice the steps', () => {
  for (const part of ['\\"', '"', '"a', 'a"\\', ';"']) {
    const [once, twice] = [50, 100].map((times) => stepsOf(`"${part.repeat(times)}`)) as [number, number];
    expect(twice, part).toBeLessThan(2.2 * once);
  }
});

test('nothing but commas outside of quotes is lost', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('"', '\\', ',', 'a', ';') }), (text) => {
    const kept = (text.match(forwardedElement) ?? []).join('');
    expect(kept.replaceAll(',', '')).toBe(text.replaceAll(',', ''));
  }));
});
