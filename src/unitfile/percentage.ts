import { parseInteger } from './integer.ts';
import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** Whether the text is meant as a share (percent, per mille, permyriad) and not as a number. */
export function isPercentage(text: string): boolean {
  return /[%‰‱]$/.test(text);
}

const whole = (digits: string): number => Number(parseInteger(digits, -1n, 2_147_483_647n));

/**
 * Reads `50%`, `12.25%`, `125‰`, `1250‱` (systemd's parse_permyriad_unbounded()); whole numbers as in C, so that `010%` is 8%.
 * @returns ten-thousandths: 5000 for `50%`. May exceed 10000.
 * @throws UnitValueError
 */
export function parsePermyriad(text: string): number {
  const match = text.length > 64 ? null : /^(?:(\w+)(?:\.(\d{1,2}))?%|(\w+)(?:\.(\d))?‰|(\w+)‱)$/.exec(text);
  if (match === null) throw new UnitValueError(`Expected a percentage such as 50%, found ${quote(text)}`, /^\d+$/.test(text) ? { suggestion: `${text.slice(0, 20)}%` } : {});
  const [, percent, hundredths, mille, tenth, myriad] = match;
  const value = percent !== undefined ? whole(percent) * 100 + Number((hundredths ?? '').padEnd(2, '0'))
    : mille !== undefined ? whole(mille) * 10 + Number(tenth ?? 0) : whole(myriad as string);
  if (value > 2_147_483_647) throw new UnitValueError(`Expected a smaller percentage, found ${quote(text)}`);
  return value;
}
