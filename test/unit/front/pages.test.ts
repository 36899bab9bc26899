/** The pages of the front door, as far as it takes no browser. */
import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { ownAnswer } from '../../../src/front/answer.ts';
import { style } from '../../../src/front/page-style.ts';
import { waitPage, waitPageRefreshS, waitScript } from '../../../src/front/wait-page.ts';
import { leaseHoldMs } from '../../../src/base/limits.ts';

const wait = waitPage('blog.example.com', 2_500);
const failure = ownAnswer({ status: 502, message: 'Not <b>now</b>', code: 'ERR_WAKESOCK_EXITED' }, { ofHead: false, html: true, host: 'blog.example.com' }).toString();

const settle = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** The script between a page and a server that the test plays; `fire` lets all timers go off that were set. */
function play(answers: readonly string[]): { shown: () => string; reloads: () => number; fire: () => Promise<void>; asked: string[] } {
  const left = [...answers];
  const status = { textContent: '' };
  const timer = { textContent: '2 s' };
  const asked: string[] = [];
  let reloads = 0;
  let timers: (() => void)[] = [];
  runInNewContext(waitScript, {
    document: { querySelector: (selector: string) => (selector === '[role=status]' ? status : timer) },
    location: { reload: () => { reloads++; } },
    Date, Math, Promise, parseInt,
    setInterval: () => {},
    setTimeout: (what: () => void, ms: number) => { if (ms < 30_000) timers.push(what); },
    fetch: (url: string) => {
      asked.push(url);
      const state = left.shift();
      return state === undefined ? Promise.reject(new Error('offline')) : Promise.resolve({ json: () => Promise.resolve({ state }) });
    },
  });
  return {
    shown: () => status.textContent, reloads: () => reloads, asked,
    fire: async () => {
      await settle();
      const due = timers;
      timers = [];
      for (const each of due) each();
      await settle();
    },
  };
}

const luminance = (colour: string): number => {
  const hex = colour.length === 4 ? Array.from(colour.slice(1), (digit) => digit + digit) : (colour.slice(1).match(/../g) ?? []);
  const [r = 0, g = 0, b = 0] = hex.map((part) => Number.parseInt(part, 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string): number => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};

describe.each([['waiting', wait.html, wait.policy], ['failure', failure, /Policy: (.*)\r/.exec(failure)?.[1] ?? '']])('the %s page', (_, html, policy) => {
  test('has a language, a title, one main with one heading, and fits a phone', () => {
    for (const one of ['<!doctype html>', '<html lang="en">', '<title>', '<main>', '<h1>', 'width=device-width, initial-scale=1', 'content="light dark"', 'content="noindex"']) {
      expect(html.split(one)).toHaveLength(2);
    }
    expect(html.length).toBeLessThan(8 * 1024);
  });

  test('needs nothing from elsewhere, and its policy allows what is in it and no more', () => {
    expect(html).not.toMatch(/(?:src|href)="(?!data:,|")|url\(|@import|\son\w+=|style="/);
    expect(policy).toMatch(/^default-src 'none'; /);
    for (const [, kind = '', text = ''] of html.matchAll(/<(style|script)>([\s\S]*?)<\/\1>/g)) {
      expect(policy).toContain(`${kind}-src 'sha256-${createHash('sha256').update(text).digest('base64')}'`);
    }
  });
});

test('what is shown of a failure is text', () => {
  expect(failure).toContain('Not &lt;b&gt;now&lt;/b&gt;.');
});

test('the waiting page works without a script, and comes again before the lease is over', () => {
  expect(wait.html).toContain(`<noscript><meta http-equiv="refresh" content="${waitPageRefreshS}"></noscript>`);
  expect(waitPageRefreshS * 1000).toBeLessThan(leaseHoldMs);
  expect(wait.html).toContain('<p role="status">');
  expect(wait.html).toContain('<span role="timer">2 s</span>');
  expect(wait.html).toContain('aria-hidden="true"');
});

describe('its script', () => {
  test('says what is going on, and opens the page when it is ready', async () => {
    const page = play(['waking', 'waking', 'awake']);
    await page.fire();
    expect(page.shown()).toBe('Its program is starting.');
    expect(page.reloads()).toBe(0);
    await page.fire();
    expect(page.shown()).toBe('It is ready. Opening it now.');
    expect(page.reloads()).toBe(1);
    expect(new Set(page.asked)).toEqual(new Set(['/.well-known/wakesock']));
    await page.fire();
    expect(page.asked).toHaveLength(3);
  });

  test('asks for the page when it failed, or is not woken any more, and goes on asking when nobody answers', async () => {
    const failed = play(['failed']);
    await failed.fire();
    expect(failed.reloads()).toBe(1);
    const forgotten = play(Array.from({ length: 9 }, () => 'dormant'));
    for (let i = 0; i < 6; i++) await forgotten.fire();
    expect(forgotten.reloads()).toBe(1);
    const offline = play([]);
    for (let i = 0; i < 3; i++) await offline.fire();
    expect(offline.asked.length).toBeGreaterThan(2);
    expect(offline.reloads()).toBe(0);
  });
});

describe('colours', () => {
  const schemes = [...style.matchAll(/:root\{([^}]*)\}/g)].map(([, text = '']) => Object.fromEntries([...text.matchAll(/--(\w+):(#\w+)/g)].map(([, name = '', colour = '']) => [name, colour])));
  test.each([['light', 0], ['dark', 1]])('have contrast enough (%s)', (_, index) => {
    const { card = '', text = '', soft = '', bar = '', track = '' } = schemes[index] ?? {};
    expect(contrast(text, card)).toBeGreaterThanOrEqual(7);
    expect(contrast(soft, card)).toBeGreaterThanOrEqual(7);
    // Links have its colour, too.
    expect(contrast(bar, card)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(bar, track)).toBeGreaterThanOrEqual(3);
  });

  test('nothing moves for who does not want it', () => {
    expect(style).toMatch(/@media \(prefers-reduced-motion:reduce\)\{\.bar i\{[^}]*animation:none/);
  });
});
