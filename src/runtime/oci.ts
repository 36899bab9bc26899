/** What we use of the OCI runtime specification's `config.json` (1.0.2, and `rro` of 1.1). */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
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

export interface OciLinux {
  readonly namespaces: readonly { readonly type: string }[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly seccomp: {
    readonly defaultAction: string;
    readonly listenerPath?: string;
    readonly listenerMetadata?: string;
  };
}
