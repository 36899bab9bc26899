import { quote } from './quote.ts';
import { UnitValueError } from './value-error.ts';

/** Whether the text is meant as a share (percent, per mille, permyriad) and not as a number. */
export function isPercentage(text: string): boolean {
  return /[%‰‱]$/.test(text);
}

/**
 * Reads `50%`, `12.25%`, `125‰`, `1250‱` (systemd's parse_permyriad_unbounded()).
 * @returns ten-thousandths: 5000 for `50%`. May exceed 10000.
 * @throws UnitValueError
 */
export function parsePermyriad(text: string): number {
  const match = /^(?:(\d{1,8})(?:\.(\d{1,2}))?%|(\d{1,9})(?:\.(\d))?‰|(\d{1,10})‱)$/.exec(text);
  if (match === null) throw new UnitValueError(`Expected a percentage such as 50%, found ${quote(text)}`, /^\d+$/.test(text) ? { suggestion: `${text.slice(0, 20)}%` } : {});
  const [, percent, hundredths, mille, tenth, myriad] = match;
  const value = percent !== undefined ? Number(percent) * 100 + Number((hundredths ?? '').padEnd(2, '0'))
    : mille !== undefined ? Number(mille) * 10 + Number(tenth ?? 0) : Number(myriad);
  if (value > 2_147_483_647) throw new UnitValueError(`Expected a smaller percentage, found ${quote(text)}`);
  return value;
}
