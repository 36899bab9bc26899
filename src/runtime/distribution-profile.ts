/**
 * The distribution's seccomp profile for containers (seccomp.json of containers-common), as podman applies it: what it refuses to a
 * site, our own table does not give.
 */
import { existsSync, readFileSync } from 'node:fs';
import { WakesockError } from '../base/errors.ts';
import type { NumberOf } from '../linux/libseccomp.ts';
import type { Architecture } from './seccomp-profile.ts';

/** The administrator's comes first, as with podman. */
export const distributionProfilePaths: readonly string[] = ['/etc/containers/seccomp.json', '/usr/share/containers/seccomp.json'];

/** A rule of the file; what it does not say holds for all. */
interface ProfileRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | null;
  readonly args?: readonly unknown[] | null;
  readonly includes?: ProfileCondition | null;
  readonly excludes?: ProfileCondition | null;
}

interface ProfileCondition {
  readonly caps?: readonly string[] | null;
  /** GOARCH */
  readonly arches?: readonly string[] | null;
}

export interface DistributionProfile {
  readonly defaultErrno: number;
  readonly rules: readonly ProfileRule[];
}

const EPERM = 1;
const architectureNames: Record<Architecture, string> = { x64: 'amd64', arm64: 'arm64' };

/** Null: there is none. @throws WakesockError `ERR_WAKESOCK_RUNTIME` */
export function readDistributionProfile(paths: readonly string[] = distributionProfilePaths): DistributionProfile | null {
  const path = paths.find((candidate) => existsSync(candidate));
  return path === undefined ? null : parseDistributionProfile(readFileSync(path, 'utf8'), path);
}

/** @throws WakesockError `ERR_WAKESOCK_RUNTIME` */
export function parseDistributionProfile(text: string, path: string): DistributionProfile {
  const { defaultAction, defaultErrnoRet, syscalls } = jsonObject(text);
  if (defaultAction !== 'SCMP_ACT_ERRNO' || !Array.isArray(syscalls) || !syscalls.every(isRule)) {
    throw new WakesockError('ERR_WAKESOCK_RUNTIME', `${path}: expected a seccomp profile for containers, with SCMP_ACT_ERRNO as its defaultAction, found something else`);
  }
  return { defaultErrno: typeof defaultErrnoRet === 'number' ? defaultErrnoRet : EPERM, rules: syscalls };
}

/** Empty for what is none. */
function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) as Readonly<Record<string, unknown>> | null) ?? {};
  } catch {
    return {};
  }
}

function isRule(value: unknown): value is ProfileRule {
  const { names, action } = (value ?? {}) as Partial<ProfileRule>;
  return Array.isArray(names) && names.every((name) => typeof name === 'string') && typeof action === 'string';
}

export interface RefusalsChoice {
  readonly architecture: Architecture;
  readonly capabilities: ReadonlySet<string>;
  readonly numberOf: NumberOf;
}

/**
 * What the profile says of each call that it names: 0 is allowed, else the error. Calls that it does not name are refused with
 * {@link DistributionProfile.defaultErrno}. One that is allowed with some arguments only is refused unless `inspected` has it, which
 * looks at the arguments itself.
 */
export function decisionsOf(profile: DistributionProfile, { architecture, capabilities, numberOf }: RefusalsChoice, inspected: ReadonlySet<number>): Map<number, number> {
  const decisions = new Map<number, number>();
  for (const { names, action, errnoRet, args, includes, excludes } of profile.rules) {
    if (!applies(includes ?? {}, excludes ?? {}, architectureNames[architecture], capabilities)) continue;
    const allowed = action === 'SCMP_ACT_ALLOW';
    for (const name of names) {
      const number = numberOf(name);
      if (number === null) continue;
      const decision = allowed ? 0 : errnoRet ?? EPERM;
      if ((args ?? []).length === 0) decisions.set(number, decision);
      else if (inspected.has(number)) decisions.set(number, 0);
    }
  }
  return decisions;
}

/** containers/common, pkg/seccomp: all that is included must be there, and nothing that is excluded. */
function applies(includes: ProfileCondition, excludes: ProfileCondition, architecture: string, capabilities: ReadonlySet<string>): boolean {
  if ((includes.arches ?? []).length > 0 && !includes.arches?.includes(architecture)) return false;
  if (excludes.arches?.includes(architecture)) return false;
  return (includes.caps ?? []).every((name) => capabilities.has(name)) && !(excludes.caps ?? []).some((name) => capabilities.has(name));
}
