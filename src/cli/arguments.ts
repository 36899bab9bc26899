import { parseArgs, type ParseArgsConfig } from 'node:util';
import { WakesockError } from '../base/errors.ts';
import type { VerbValues } from './verb.ts';

/** Thrown for an option that the verb does not have; `known` is what it could have meant. */
export class UnknownOptionError extends WakesockError {
  readonly option: string;
  readonly known: readonly string[];

  constructor(option: string, known: readonly string[]) {
    super('ERR_WAKESOCK_USAGE', `Unknown option ${option}`);
    this.option = option;
    this.known = known;
  }
}

/**
 * `node:util` parseArgs in its lenient mode, judged here: its own messages give advice (`To specify a positional
 * argument…`) that no user of ours wants, and name no alternative.
 * @throws WakesockError ERR_WAKESOCK_USAGE
 */
export function parseArguments(
  args: readonly string[], verbOptions: ParseArgsConfig['options'],
): { values: VerbValues; positionals: string[] } {
  // `wakesock run`, as the service calls it: Node loads its parser when it is first used, which takes a millisecond.
  if (args.length === 0) return { values: {}, positionals: [] };
  const options: NonNullable<ParseArgsConfig['options']> = { ...verbOptions, help: { type: 'boolean', short: 'h' } };
  const { values, positionals, tokens } = parseArgs({
    args: [...args], options, strict: false, allowPositionals: true, tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) {
      throw new UnknownOptionError(token.rawName, Object.keys(options).map((known) => `--${known}`));
    }
    if (option.type === 'boolean' && token.value !== undefined) {
      throw new WakesockError('ERR_WAKESOCK_USAGE', `Option ${token.rawName} takes no value, got "${token.value}"`);
    }
    if (option.type === 'string') requireValue(token);
  }
  return { values: values as VerbValues, positionals };
}

function requireValue(token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined }): void {
  const { rawName, value } = token;
  if (value === undefined || value === '') {
    throw new WakesockError('ERR_WAKESOCK_USAGE', `Option ${rawName} needs a value: ${rawName}=VALUE`);
  }
  if (token.inlineValue !== true && value.startsWith('-')) {
    throw new WakesockError('ERR_WAKESOCK_USAGE',
      `Option ${rawName} needs a value, got what looks like the option ${value}; if it is meant: ${rawName}=${value}`);
  }
}
