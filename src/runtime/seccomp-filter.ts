/**
 * Compiles rules by system call number to classic BPF, seccomp(2): a binary search over the number, then a look at arguments.
 *
 * Ours rather than crun's (libseccomp), since crun 1.8.1 compiles the profile at every start: 2.6 ms for an allow-list. This one
 * is compiled once, when the site is prepared. It also lets the kernel see at once that most calls are always allowed
 * (its action cache), and compares 32 bits of `int` arguments, as the kernel does, so that high bits hide nothing.
 */

export type FilterAction = 'allow' | 'notify' | { readonly errno: number };

/** On the lower 32 bits of an argument. */
export type FilterCondition = { readonly argument: number } & (
  | { readonly isOneOf: readonly number[] }
  | { readonly hasAnyOf: number }
  | { readonly isAtLeast: number }
);

/** The first case whose conditions all hold decides; the last element is what is left. */
export type FilterCases = readonly [...{ readonly when: readonly FilterCondition[]; readonly action: FilterAction }[], FilterAction];
export type FilterRule = FilterAction | FilterCases;

export interface Filter {
  readonly auditArchitecture: number;
  /** Numbers that are allowed where no rule says otherwise: inclusive, ascending, apart. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly rules: ReadonlyMap<number, FilterRule>;
  /** For every other number. */
  readonly otherwise: FilterAction;
}

/** `struct sock_filter` of linux/filter.h. */
interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

const LOAD_WORD = 0x20;
const JUMP_ALWAYS = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
/** Conditional jumps have eight bits. */
const JUMP_MAX = 255;

/** Offsets in `struct seccomp_data`; the lower half of an argument comes first on both machines. */
const OFFSET_NUMBER = 0;
const OFFSET_ARCHITECTURE = 4;
const OFFSET_ARGUMENTS = 16;
const ARGUMENT_BYTES = 8;

const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const USER_NOTIFICATION = 0x7fc0_0000;
const ERRNO = 0x0005_0000;

export function createFilter(filter: Filter): Buffer {
  const program = [
    instruction(LOAD_WORD, OFFSET_ARCHITECTURE),
    instruction(JUMP_EQUAL, filter.auditArchitecture, 1, 0),
    instruction(RETURN, KILL_PROCESS),
    instruction(LOAD_WORD, OFFSET_NUMBER),
    ...search(spansOf(filter)),
  ];
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, whenTrue, whenFalse, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return bytes;
}

/** From this number on, up to the next span. */
interface Span {
  readonly from: number;
  readonly rule: FilterRule;
}

/** All numbers in ascending spans of equal treatment. */
function spansOf({ ranges, rules, otherwise }: Filter): Span[] {
  const within = (number: number): boolean => ranges.some(([first, last]) => number >= first && number <= last);
  const ruleOf = (number: number): FilterRule => rules.get(number) ?? (within(number) ? 'allow' : otherwise);
  const borders = new Set([0, ...ranges.flatMap(([first, last]) => [first, last + 1]), ...[...rules.keys()].flatMap((number) => [number, number + 1])]);
  const spans: Span[] = [];
  for (const from of [...borders].toSorted((a, b) => a - b)) {
    const rule = ruleOf(from);
    const before = spans.at(-1);
    if (!before || !sameRule(before.rule, rule)) spans.push({ from, rule });
  }
  return spans;
}

function sameRule(a: FilterRule, b: FilterRule): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function search(spans: readonly Span[]): Instruction[] {
  const [first] = spans;
  if (first === undefined) throw new Error('A filter without spans decides nothing');
  if (spans.length === 1) return decide(first.rule);
  const middle = spans.length >> 1;
  const lower = search(spans.slice(0, middle));
  const upper = search(spans.slice(middle));
  const border = spans[middle]?.from ?? 0;
  if (lower.length <= JUMP_MAX) return [instruction(JUMP_AT_LEAST, border, lower.length, 0), ...lower, ...upper];
  return [instruction(JUMP_AT_LEAST, border, 0, 1), instruction(JUMP_ALWAYS, lower.length), ...lower, ...upper];
}

function decide(rule: FilterRule): Instruction[] {
  if (!isCases(rule)) return [finish(rule)];
  const program: Instruction[] = [];
  for (const part of rule) program.push(...isAction(part) ? [finish(part)] : decideCase(part.when, part.action));
  return program;
}

/** Falls through where a condition does not hold. */
function decideCase(conditions: readonly FilterCondition[], action: FilterAction): Instruction[] {
  // Written backwards: how far a failed test jumps is known only once what follows it is.
  const backwards = [finish(action)];
  for (const condition of conditions.toReversed()) {
    backwards.push(...test(condition, backwards.length).toReversed(), instruction(LOAD_WORD, OFFSET_ARGUMENTS + condition.argument * ARGUMENT_BYTES));
  }
  return backwards.toReversed();
}

/** Goes on behind itself where the condition holds, else skips `rest` instructions more. */
function test(condition: FilterCondition, rest: number): Instruction[] {
  if ('hasAnyOf' in condition) return [instruction(JUMP_ANY_BIT, condition.hasAnyOf, 0, rest)];
  if ('isAtLeast' in condition) return [instruction(JUMP_AT_LEAST, condition.isAtLeast, 0, rest)];
  const { length } = condition.isOneOf;
  return condition.isOneOf.map((value, index) => instruction(JUMP_EQUAL, value, length - 1 - index, index === length - 1 ? rest : 0));
}

function finish(action: FilterAction): Instruction {
  if (action === 'allow') return instruction(RETURN, ALLOW);
  if (action === 'notify') return instruction(RETURN, USER_NOTIFICATION);
  return instruction(RETURN, ERRNO | action.errno);
}

function isCases(rule: FilterRule): rule is FilterCases {
  return Array.isArray(rule);
}

function isAction(part: FilterCases[number]): part is FilterAction {
  return typeof part === 'string' || 'errno' in part;
}

function instruction(code: number, k: number, whenTrue = 0, whenFalse = 0): Instruction {
  return { code, whenTrue, whenFalse, k: k >>> 0 };
}
