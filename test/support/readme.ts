/** Commands and files of README, as somebody who reads it would use them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../README.md'), 'utf8');

/** The code blocks below a heading `## TITLE`, in order. */
export function readmeBlocks(title: string): string[] {
  const [, section = ''] = new RegExp(`^## ${title}$(.*?)(?=^## |(?![^]))`, 'ms').exec(readme) ?? [];
  const blocks = [...section.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, text = '']) => text);
  if (blocks.length === 0) throw new Error(`Expected code blocks below "## ${title}" in README, found none`);
  return blocks;
}
