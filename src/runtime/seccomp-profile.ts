/**
 * Which system calls a container may make: one table for all sites, with reasons.
 *
 * Everything the kernel had up to {@link reviewedMax} is allowed unless it stands here, or the distribution's own profile refuses it; what
 * came later answers ENOSYS, on which every libc falls back. Refused is what podman's default profile refuses, what may be done only with a capability
 * that a site does not have, and what would harm the listening socket, which the program shares with us and systemd.
 */
import { systemCallNumbers } from '../linux/libseccomp.ts';
import { decisionsOf, type DistributionProfile } from './distribution-profile.ts';
import { createFilter, type FilterRule } from './seccomp-filter.ts';

export type Architecture = 'x64' | 'arm64';

export interface SeccompChoice {
  readonly architecture: Architecture;
  /** The program's own: each lifts what only it makes useful. Names with `CAP_`. */
  readonly capabilities: ReadonlySet<string>;
  readonly notifyBind: boolean;
  readonly notifyListen: boolean;
  readonly notifyShutdown: boolean;
  /** Null: the machine has none, or the site is to be without. */
  readonly distribution: DistributionProfile | null;
}

interface RefusedCalls {
  readonly why: string;
  /** Any one of these in the container's set lifts the refusal. */
  readonly unless: readonly string[];
  /** Numbers on x86-64 and arm64; null: not there. */
  readonly calls: Readonly<Record<string, readonly [x64: number | null, arm64: number | null]>>;
}

/** Answered with EPERM. */
export const refusedCalls: readonly RefusedCalls[] = [
  {
    why: 'changes what is mounted', unless: ['CAP_SYS_ADMIN'],
    calls: {
      mount: [165, 40], umount2: [166, 39], pivot_root: [155, 41], open_tree: [428, 428], move_mount: [429, 429], fsopen: [430, 430],
      fsconfig: [431, 431], fsmount: [432, 432], fspick: [433, 433], mount_setattr: [442, 442], open_tree_attr: [467, 467],
    },
  },
  { why: 'makes or enters a namespace: a new user namespace has every capability in it', unless: ['CAP_SYS_ADMIN'], calls: { unshare: [272, 97], setns: [308, 268] } },
  {
    why: 'loads code into the kernel', unless: ['CAP_SYS_MODULE'],
    calls: { init_module: [175, 105], finit_module: [313, 273], delete_module: [176, 106], create_module: [174, null], query_module: [178, null], get_kernel_syms: [177, null] },
  },
  { why: 'replaces or ends the kernel', unless: ['CAP_SYS_BOOT'], calls: { kexec_load: [246, 104], kexec_file_load: [320, 294], reboot: [169, 142] } },
  { why: 'loads programs into the kernel', unless: ['CAP_SYS_ADMIN', 'CAP_BPF'], calls: { bpf: [321, 280] } },
  { why: 'looks into the kernel and other processes', unless: ['CAP_SYS_ADMIN', 'CAP_PERFMON'], calls: { perf_event_open: [298, 241], lookup_dcookie: [212, 18] } },
  {
    why: 'looks into and changes other processes', unless: ['CAP_SYS_PTRACE'],
    calls: { ptrace: [101, 117], process_vm_readv: [310, 270], process_vm_writev: [311, 271], process_madvise: [440, 440], kcmp: [312, 272] },
  },
  { why: 'keyrings are not namespaced', unless: [], calls: { add_key: [248, 217], request_key: [249, 218], keyctl: [250, 219] } },
  { why: 'system calls that this filter never sees', unless: [], calls: { io_uring_setup: [425, 425], io_uring_enter: [426, 426], io_uring_register: [427, 427] } },
  { why: 'holds the kernel up at a page fault, the lever of many exploits', unless: [], calls: { userfaultfd: [323, 282] } },
  { why: 'opens files past every mount and directory mode', unless: ['CAP_DAC_READ_SEARCH'], calls: { open_by_handle_at: [304, 265] } },
  { why: 'watches and holds up file access of the whole machine', unless: ['CAP_SYS_ADMIN'], calls: { fanotify_init: [300, 262] } },
  { why: 'belongs to the machine', unless: ['CAP_SYS_ADMIN'], calls: { swapon: [167, 224], swapoff: [168, 225], quotactl: [179, 60], quotactl_fd: [443, 443], sethostname: [170, 161], setdomainname: [171, 162] } },
  { why: 'sets the clock of the machine', unless: ['CAP_SYS_TIME'], calls: { settimeofday: [164, 170], clock_settime: [227, 112] } },
  { why: 'reaches the hardware', unless: ['CAP_SYS_RAWIO'], calls: { ioperm: [173, null], iopl: [172, null] } },
  { why: 'only 16-bit code needs it', unless: [], calls: { modify_ldt: [154, null] } },
  { why: 'writes a log of every process of the machine', unless: ['CAP_SYS_PACCT'], calls: { acct: [163, 89] } },
  { why: 'takes terminals from others', unless: ['CAP_SYS_TTY_CONFIG'], calls: { vhangup: [153, 58] } },
  { why: 'the kernel log is not namespaced', unless: ['CAP_SYSLOG', 'CAP_SYS_ADMIN'], calls: { syslog: [103, 116] } },
  {
    why: 'moves memory between nodes of the machine', unless: ['CAP_SYS_NICE'],
    calls: {
      mbind: [237, 235], set_mempolicy: [238, 237], get_mempolicy: [239, 236], migrate_pages: [256, 238], move_pages: [279, 239], set_mempolicy_home_node: [450, 450],
    },
  },
  { why: 'old, unused, and refused by podman', unless: [], calls: { uselib: [134, null], ustat: [136, null], sysfs: [139, null], _sysctl: [156, null], nfsservctl: [180, 42], vmsplice: [278, 75] } },
];

/** Calls looked at by their arguments. */
const inspected = {
  clone: [56, 220], clone3: [435, 435], personality: [135, 92], socket: [41, 198], socketpair: [53, 199], setsockopt: [54, 208],
  bind: [49, 200], listen: [50, 201], shutdown: [48, 210],
} as const satisfies Record<string, readonly [number, number]>;

/** AUDIT_ARCH_* of linux/audit.h. Calls by any other (32-bit, x32) end the process: their numbers mean other things. */
const auditArchitecture: Record<Architecture, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** Numbers that exist: the machine's own, and from 424 on those common to all. */
const ownMax: Record<Architecture, number> = { x64: 334, arm64: 294 };
const commonMin = 424;
/** `removexattrat` of Linux 6.13, the last that was looked at. */
export const reviewedMax = 466;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME fits into clone3 and unshare only. */
const cloneNamespaces = 0x7e02_0000;
/** Linux, SVR4-era Linux32 and both with UNAME26, and 0xffffffff, which asks. Others take protections away. */
const personalities = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];
/** UNIX, INET, INET6, NETLINK, PACKET (needs CAP_NET_RAW). Of the others most are not namespaced (VSOCK, ALG, BLUETOOTH, …). */
const socketFamilies = [1, 2, 10, 16, 17];
const AF_NETLINK = 16;
const NETLINK_AUDIT = 9;
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const SOL_IP = 0;
const IP_OPTIONS = 4;
/**
 * By level: what would outlive the program on the shared listening socket and cannot be put back (sockets/baseline.ts puts
 * back what can), or take our own SYN filter off it.
 *
 * TCP: a listener takes no window clamp of 0 back; keys (MD5, AO) make it deaf to whom they are for, and cannot be read.
 * Not TCP_ULP, which programs set on their own connections (kernel TLS): a listener takes none that it would hand on.
 */
export const refusedSocketOptions: readonly { readonly level: number; readonly options: Readonly<Record<string, number>> }[] = [
  {
    level: SOL_SOCKET,
    options: {
      SO_BINDTODEVICE: 25, SO_ATTACH_FILTER: 26, SO_DETACH_FILTER: 27, SO_LOCK_FILTER: 44, SO_ATTACH_BPF: 50,
      SO_ATTACH_REUSEPORT_CBPF: 51, SO_ATTACH_REUSEPORT_EBPF: 52, SO_BINDTOIFINDEX: 62,
    },
  },
  {
    level: IPPROTO_TCP,
    options: { TCP_WINDOW_CLAMP: 10, TCP_MD5SIG: 14, TCP_MD5SIG_EXT: 32, TCP_AO_ADD_KEY: 38, TCP_AO_DEL_KEY: 39, TCP_AO_INFO: 40 },
  },
];
/** `sockaddr_in` is the shortest that can hold a TCP port; name look-ups bind netlink sockets of 12. */
const tcpAddressBytesMin = 16;
const SHUT_WR = 1;

const EPERM = { errno: 1 } as const;
const EINVAL = { errno: 22 } as const;
const ENOSYS = { errno: 38 } as const;
const EAFNOSUPPORT = { errno: 97 } as const;

/** The filter as base64 of `struct sock_filter[]`, fit for {@link bpfAnnotation}. */
export function seccompFilter(choice: SeccompChoice): string {
  const { architecture } = choice;
  return createFilter({
    auditArchitecture: auditArchitecture[architecture],
    ranges: rangesOf(architecture),
    otherwise: ENOSYS,
    rules: withDistribution(seccompRules(choice), choice),
  }).toString('base64');
}

const rangesOf = (architecture: Architecture): readonly (readonly [number, number])[] => [[0, ownMax[architecture]], [commonMin, reviewedMax]];

/** A call is let through only by both. */
function withDistribution(rules: Map<number, FilterRule>, { architecture, capabilities, distribution }: SeccompChoice): Map<number, FilterRule> {
  if (distribution === null) return rules;
  const column = architecture === 'x64' ? 0 : 1;
  const numberOf = systemCallNumbers(auditArchitecture[architecture]);
  const decisions = decisionsOf(distribution, { architecture, capabilities, numberOf }, new Set(Object.values(inspected).map((numbers) => numbers[column])));
  const numbers = rangesOf(architecture).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
  for (const number of new Set([...numbers, ...rules.keys()])) {
    const error = decisions.get(number) ?? distribution.defaultErrno;
    const own = rules.get(number) ?? 'allow';
    // What refuses stays: its error is chosen with care.
    if (error !== 0 && !(typeof own === 'object' && 'errno' in own)) rules.set(number, { errno: error });
  }
  return rules;
}

/** What differs from "allowed", by number. */
export function seccompRules({ architecture, capabilities, notifyBind, notifyListen, notifyShutdown }: SeccompChoice): Map<number, FilterRule> {
  const column = architecture === 'x64' ? 0 : 1;
  const rules = new Map<number, FilterRule>();
  for (const { unless, calls } of refusedCalls) {
    const lifted = unless.some((capability) => capabilities.has(capability));
    for (const numbers of Object.values(calls)) {
      const number = numbers[column];
      if (typeof number === 'number') rules.set(number, lifted ? 'allow' : EPERM);
    }
  }
  const inspect = (call: keyof typeof inspected, rule: FilterRule): void => { rules.set(inspected[call][column], rule); };
  // Its flags are in memory, where a filter cannot look: libc falls back to clone, whose flags are an argument.
  inspect('clone3', ENOSYS);
  if (!capabilities.has('CAP_SYS_ADMIN')) inspect('clone', [{ when: [{ argument: 0, hasAnyOf: cloneNamespaces }], action: EPERM }, 'allow']);
  inspect('personality', [{ when: [{ argument: 0, isOneOf: personalities }], action: 'allow' }, EPERM]);
  inspect('socketpair', [{ when: [{ argument: 0, isOneOf: socketFamilies }], action: 'allow' }, EAFNOSUPPORT]);
  inspect('socket', [
    ...capabilities.has('CAP_AUDIT_WRITE') ? [] : [{ when: [{ argument: 0, isOneOf: [AF_NETLINK] }, { argument: 2, isOneOf: [NETLINK_AUDIT] }], action: EINVAL }],
    { when: [{ argument: 0, isOneOf: socketFamilies }], action: 'allow' },
    EAFNOSUPPORT,
  ]);
  inspect('setsockopt', [
    ...refusedSocketOptions.map(({ level, options }) => (
      { when: [{ argument: 1, isOneOf: [level] }, { argument: 2, isOneOf: Object.values(options) }], action: EPERM }
    )),
    // Source routes and the like leave their mark on a listener (its segment size). Taking them off, as some do for safety, is fine.
    { when: [{ argument: 1, isOneOf: [SOL_IP] }, { argument: 2, isOneOf: [IP_OPTIONS] }, { argument: 4, isAtLeast: 1 }], action: EPERM },
    'allow',
  ]);
  if (notifyBind) inspect('bind', [{ when: [{ argument: 2, isAtLeast: tcpAddressBytesMin }], action: 'notify' }, 'allow']);
  if (notifyListen) inspect('listen', 'notify');
  if (notifyShutdown) inspect('shutdown', [{ when: [{ argument: 1, isOneOf: [SHUT_WR] }], action: 'allow' }, 'notify']);
  return rules;
}
