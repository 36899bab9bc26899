import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { takeOver, type Found } from '../../../src/activator/taking-over.ts';

const noted = { listening: true, stopping: false, toldMs: null, process: { pid: 7 } };
/** Awake, and nothing of it is lost. */
const awake: Found = { noted, scope: true, alive: true, handoff: 'adopt', notify: true, complete: false, serves: () => false };

const looked = (): never => {
  throw new Error('looked');
};

const found = fc.record<Found>({
  noted: fc.option(fc.record({ listening: fc.boolean(), stopping: fc.boolean(), toldMs: fc.option(fc.nat()), process: fc.constantFrom(null, { pid: 7 }) })),
  scope: fc.boolean(), alive: fc.boolean(), handoff: fc.constantFrom('adopt', 'listen-fds', null), notify: fc.boolean(), complete: fc.boolean(),
  serves: fc.boolean().map((serves) => () => serves),
});

describe('what is alive and whole', () => {
  test('is awake where it was noted to listen, and nobody looks through the connections for that', () => {
    expect(takeOver({ ...awake, serves: looked })).toEqual({ kind: 'takeOver', as: 'awake', crippled: false, listening: true, starting: false });
  });

  test('is still being started where it listens on nothing, and has its time anew', () => {
    expect(takeOver({ ...awake, noted: { ...noted, listening: false } })).toEqual({ kind: 'takeOver', as: 'waking', crippled: false, listening: false, starting: true });
  });

  test.each<[string, Partial<Found>]>([
    ['it has clients', { serves: () => true }],
    ['it had asked for its last socket when the activator died', { complete: true }],
    ['it was handed its sockets: it may have accepted somebody', { handoff: 'listen-fds', notify: false }],
  ])('is awake though that was not noted: %s', (_, differs) => {
    expect(takeOver({ ...awake, noted: { ...noted, listening: false }, ...differs })).toMatchObject({ as: 'awake', crippled: false, listening: true });
  });

  test('is draining where its stop was noted, whatever else was', () => {
    for (const listening of [true, false]) expect(takeOver({ ...awake, noted: { ...noted, listening, stopping: true } })).toMatchObject({ kind: 'takeOver', as: 'draining' });
  });

  test('has its time to start anew where crun had not told its process', () => {
    expect(takeOver({ ...awake, noted: { ...noted, process: null } })).toMatchObject({ as: 'awake', starting: true });
  });
});

test.each<[string, Partial<Found>]>([
  ['its notify descriptor was not kept', { notify: false }],
  ['nothing of it was noted', { noted: null }],
  ['what is prepared of it cannot be read', { handoff: null }],
])('what is not whole is ended, or where it has clients when those have gone: %s', (_, differs) => {
  expect(takeOver({ ...awake, ...differs })).toEqual({ kind: 'end', hold: true });
  expect(takeOver({ ...awake, ...differs, serves: () => true })).toMatchObject({ kind: 'takeOver', as: 'awake', crippled: true });
});

test('who comes while it is ended is held where anything could accept him', () => {
  expect(takeOver({ ...awake, alive: false })).toEqual({ kind: 'end', hold: true });
  expect(takeOver({ ...awake, alive: false, scope: false })).toEqual({ kind: 'end', hold: false });
});

test('whatever was found: what has clients is not ended, what is dead not taken over, a stop is not forgotten', () => {
  fc.assert(fc.property(found, (all) => {
    const outcome = takeOver(all);
    if (!all.alive) expect(outcome.kind).toBe('end');
    if (all.alive && all.serves()) expect(outcome.kind).toBe('takeOver');
    if (outcome.kind === 'end') expect(outcome.hold).toBe(all.alive || all.scope);
    else expect(outcome.as === 'draining').toBe(all.noted?.stopping === true);
  }));
});
