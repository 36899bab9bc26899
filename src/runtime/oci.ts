/** What we use of the OCI runtime specification's `config.json` (1.0.2, and `rro` of 1.1). */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  /** Absent where there are none. */
  readonly hooks?: OciHooks;
  readonly linux: OciLinux;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface OciProcess {
  readonly terminal: false;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[]; readonly umask: number };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly noNewPrivileges: boolean;
  /** 64 bits, written as such by {@link ociText}. */
  readonly rlimits: readonly OciRlimit[];
}

/** setrlimit(2); `type` with RLIMIT_. The limits are decimal strings, so that this is plain data. */
export interface OciRlimit {
  readonly type: string;
  readonly soft: string;
  readonly hard: string;
}

/** capabilities(7); names with `CAP_`. */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciDevice {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Run by crun, outside of the container, once its namespaces are there. Each is waited for, and fails the start unless it ends with 0. */
export interface OciHooks {
  readonly createRuntime: readonly { readonly path: string; readonly args: readonly string[] }[];
}

export interface OciLinux {
  readonly namespaces: readonly { readonly type: string }[];
  /** Absent where there are none. */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly uidMappings?: readonly OciIdMapping[];
  readonly gidMappings?: readonly OciIdMapping[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly devices: readonly OciDevice[];
  readonly seccomp: {
    readonly defaultAction: string;
    readonly listenerPath?: string;
    readonly listenerMetadata?: string;
  };
}

export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** `config.json`. JSON of JavaScript has no 64-bit numbers, so those are put in as text. */
export function ociText(config: OciConfig): string {
  const rlimits = config.process.rlimits.map(({ type, soft, hard }) => `{"type":${JSON.stringify(type)},"soft":${soft},"hard":${hard}}`);
  // The first key that reads so: within a string its quotes would be escaped.
  return JSON.stringify(config, (key, value: unknown) => (key === 'rlimits' ? [] : value)).replace('"rlimits":[]', () => `"rlimits":[${rlimits.join()}]`);
}
