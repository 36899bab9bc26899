import { describe, expect, test } from 'vitest';
import { BlockingModes } from '../../../src/activator/blocking-modes.ts';
import type { Container } from '../../../src/activator/container.ts';
import type { Program } from '../../../src/activator/program.ts';

interface Scene {
  readonly modes: BlockingModes;
  readonly container: Container;
  readonly done: string[];
  readonly logged: string[];
}

/** @param freeze what comes of freezing the program */
function frozenBy(freeze: () => Promise<boolean>): Scene {
  const done: string[] = [];
  const logged: string[] = [];
  const cgroup = { freeze: () => { done.push('freeze'); return freeze(); }, thaw: () => void done.push('thaw') };
  const modes = new BlockingModes({ unsettled: false }, { name: 'blog' } as Program, { error: (text: string) => logged.push(text) } as never);
  return { modes, container: { cgroup } as unknown as Container, done, logged };
}

describe('a program whose calls are made anew', () => {
  test('is thawed when it is frozen', async () => {
    const { modes, container, done } = frozenBy(() => Promise.resolve(true));
    modes.interrupt(container);
    expect(done).toEqual(['freeze']);
    await modes.interrupted;
    modes.end();
    expect(done).toEqual(['freeze', 'thaw']);
  });

  test('is not left frozen by an activator that ends meanwhile', () => {
    const { modes, container, done } = frozenBy(() => new Promise(() => {}));
    modes.interrupt(container);
    modes.end();
    expect(done).toEqual(['freeze', 'thaw']);
    // Nor frozen while that takes its time to end.
    modes.interrupt(container);
    expect(done).toEqual(['freeze', 'thaw']);
  });

  test('that cannot be frozen goes on, and can be stopped later', async () => {
    const { modes, container, done, logged } = frozenBy(() => Promise.reject(new Error('no descriptors left')));
    modes.interrupt(container);
    await modes.interrupted;
    expect(done).toEqual(['freeze', 'thaw']);
    expect(logged).toHaveLength(1);
  });
});
