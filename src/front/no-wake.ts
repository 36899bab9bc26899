import { BlockList, isIPv6 } from 'node:net';
import type { NoWakeRule } from '../site/front-keys.ts';
import { matchesGlob } from './glob.ts';
import type { RequestFacts } from './request-facts.ts';

const networks = new WeakMap<NoWakeRule, BlockList>();

/**
 * The rules that the request fits, in order: none, it wakes the site.
 * @param wokenAtMs when the site was woken, milliseconds since the epoch
 */
export function rulesOf(rules: readonly NoWakeRule[], facts: RequestFacts, client: string, wokenAtMs: readonly number[], nowMs = Date.now()): NoWakeRule[] {
  const asked = { ...facts, agent: facts.agent.toLowerCase() };
  return rules.filter((rule) => fits(rule, asked, client) && (rule.woken === null || wokenOften(rule.woken, wokenAtMs, nowMs)));
}

function fits(rule: NoWakeRule, { method, path, agent }: RequestFacts, client: string): boolean {
  const { paths, methods, agents, clients, answer } = rule;
  // A file is an answer to nothing else.
  if ('file' in answer && method !== 'GET' && method !== 'HEAD') return false;
  return (methods.length === 0 || methods.includes(method))
    && (paths.length === 0 || paths.some((glob) => matchesGlob(glob, path)))
    && (agents.length === 0 || agents.some((glob) => matchesGlob(glob, agent)))
    && (clients.length === 0 || networkOf(rule).check(client, isIPv6(client) ? 'ipv6' : 'ipv4'));
}

/** A clock that was set back makes wakes of the future: they count. */
function wokenOften({ times, withinMs }: NonNullable<NoWakeRule['woken']>, wokenAtMs: readonly number[], nowMs: number): boolean {
  return wokenAtMs.filter((atMs) => nowMs - atMs < withinMs).length >= times;
}

function networkOf(rule: NoWakeRule): BlockList {
  let network = networks.get(rule);
  if (network === undefined) {
    network = new BlockList();
    for (const { address, length, family } of rule.clients) network.addSubnet(address, length, family);
    networks.set(rule, network);
  }
  return network;
}
