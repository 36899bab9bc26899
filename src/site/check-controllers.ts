import { readFileSync } from 'node:fs';
import type { Site } from '../base/site.ts';
import type { Diagnostic } from '../unitfile/diagnostic.ts';
import { resourceOf } from './resources.ts';

/** What systemd may use: of these it hands on to the sites what they need (cgroup.subtree_control). */
const controllersFile = '/sys/fs/cgroup/cgroup.controllers';

/**
 * Limits that systemd takes and that hold nobody, since the machine's cgroups lack the controller: one warning for all of a site.
 * @param available controllers as the kernel lists them; null where that cannot be read, and then nothing is known
 */
export function checkControllers({ resources }: Site, file: string, available: string | null = readControllers()): Diagnostic[] {
  if (available === null) return [];
  const there = new Set(available.trim().split(' '));
  const without = resources.flatMap(({ name }) => resourceOf(name) ?? []).filter(({ controller }) => !there.has(controller));
  if (without.length === 0) return [];
  const keys = [...new Set(without.map(({ key }) => `${key}=`))];
  const missing = [...new Set(without.map(({ controller }) => controller))];
  const message = `${listed(keys)} ${keys.length === 1 ? 'has' : 'have'} no effect: this machine's control groups lack the ${missing.length === 1 ? 'controller' : 'controllers'} ${listed(missing)} (${controllersFile})`;
  return [{ severity: 'warning', code: 'no-controller', file, line: 0, column: 0, text: '', message, suggestion: null }];
}

function readControllers(): string | null {
  try {
    return readFileSync(controllersFile, 'utf8');
  } catch {
    return null;
  }
}

function listed(words: readonly string[]): string {
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
