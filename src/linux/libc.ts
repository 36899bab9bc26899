/**
 * The C library through koffi: the one place that declares its functions. No policy here or beside it.
 *
 * Calls return their value or throw a {@link SyscallError} that names the call and errno.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { WakesockError } from '../base/errors.ts';
import type koffiModule from 'koffi';

const require = createRequire(import.meta.url);
const koffi = loadKoffi();
const libc = koffi.load(null);

/** Its own loader looks for the addon in a dozen places, which takes 3 ms of every cold start: where npm puts it comes first. */
function loadKoffi(): typeof koffiModule {
  const { arch } = process;
  try {
    return require(`@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`) as typeof koffiModule;
  } catch {
    return require('koffi') as typeof koffiModule;
  }
}

/** The first name counts: EWOULDBLOCK is EAGAIN, EOPNOTSUPP is ENOTSUP. */
const errnoNames = new Map<number, string>(
  Object.entries(constants.errno).toReversed().map(([name, number]) => [number, name]),
);

/** A failed system call: `errno` is the kernel's number, `errnoName` e.g. `EMFILE`. */
export class SyscallError extends WakesockError {
  readonly errno: number;
  readonly errnoName: string;

  constructor(call: string, errno: number) {
    const errnoName = errnoNames.get(errno) ?? `errno ${errno}`;
    super('ERR_WAKESOCK_SYSCALL', `${call}: ${errnoName}`);
    this.errno = errno;
    this.errnoName = errnoName;
  }
}

/** True for a {@link SyscallError} or a Node error of this name, e.g. `ENOENT`. */
export function isErrno(error: unknown, name: string): boolean {
  if (error instanceof SyscallError) return error.errnoName === name;
  return error instanceof Error && (error as NodeJS.ErrnoException).code === name;
}

const c = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const void *, uint32_t)'),
  listen: libc.func('int listen(int, int)'),
  accept4: libc.func('int accept4(int, void *, void *, int)'),
  connect: libc.func('int connect(int, const void *, uint32_t)'),
  getsockname: libc.func('int getsockname(int, void *, void *)'),
  getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const void *, uint32_t)'),
  shutdown: libc.func('int shutdown(int, int)'),
  sendmsg: libc.func('int64_t sendmsg(int, const void *, int)'),
  recvmsg: libc.func('int64_t recvmsg(int, void *, int)'),
  recv: libc.func('int64_t recv(int, void *, uint64_t, int)'),
  send: libc.func('int64_t send(int, const void *, uint64_t, int)'),
  read: libc.func('int64_t read(int, void *, uint64_t)'),
  write: libc.func('int64_t write(int, const void *, uint64_t)'),
  pipe2: libc.func('int pipe2(void *, int)'),
  fcntl: libc.func('int fcntl(int, int, int64_t)'),
  ioctl: libc.func('int ioctl(int, uint64_t, void *)'),
  poll: libc.func('int poll(void *, uint64_t, int)'),
  mkfifo: libc.func('int mkfifo(const char *, uint32_t)'),
  umask: libc.func('uint32_t umask(uint32_t)'),
  memfd_create: libc.func('int memfd_create(const char *, uint32_t)'),
  eventfd: libc.func('int eventfd(uint32_t, int)'),
  epoll_create1: libc.func('int epoll_create1(int)'),
  epoll_ctl: libc.func('int epoll_ctl(int, int, int, void *)'),
  epoll_wait: libc.func('int epoll_wait(int, void *, int, int)'),
  close: libc.func('int close(int)'),
  unshare: libc.func('int unshare(int)'),
  setns: libc.func('int setns(int, int)'),
  mount: libc.func('int mount(const char *, const char *, const char *, uint64_t, const char *)'),
  fchdir: libc.func('int fchdir(int)'),
  chroot: libc.func('int chroot(const char *)'),
  dup3: libc.func('int dup3(int, int, int)'),
  setfsuid: libc.func('uint32_t setfsuid(uint32_t)'),
  setfsgid: libc.func('uint32_t setfsgid(uint32_t)'),
  capget: libc.func('int capget(void *, void *)'),
  capset: libc.func('int capset(void *, void *)'),
  flock: libc.func('int flock(int, int)'),
  clone: libc.func('int clone(void *, void *, int, void *)'),
  // These return an error's number.
  posix_spawn: libc.func('int posix_spawn(void *, const char *, const void *, const void *, const char **, const char **)'),
  posix_spawn_file_actions_init: libc.func('int posix_spawn_file_actions_init(void *)'),
  posix_spawn_file_actions_addopen: libc.func('int posix_spawn_file_actions_addopen(void *, int, const char *, int, uint32_t)'),
  posix_spawn_file_actions_adddup2: libc.func('int posix_spawn_file_actions_adddup2(void *, int, int)'),
  posix_spawn_file_actions_destroy: libc.func('int posix_spawn_file_actions_destroy(void *)'),
  posix_spawnattr_init: libc.func('int posix_spawnattr_init(void *)'),
  posix_spawnattr_setflags: libc.func('int posix_spawnattr_setflags(void *, short)'),
  posix_spawnattr_setsigdefault: libc.func('int posix_spawnattr_setsigdefault(void *, const void *)'),
  waitpid: libc.func('int waitpid(int, void *, int)'),
  /** Only for calls that glibc 2.36 does not wrap. All arguments are integers. */
  syscall: libc.func('int64_t syscall(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)'),
};

type Call = keyof typeof c;

/** Calls `name`; a negative result becomes a {@link SyscallError}. EINTR is tried again. */
export function call(name: Call, ...args: unknown[]): number {
  for (;;) {
    const result = Number((c[name] as (...args: unknown[]) => number | bigint)(...args));
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno !== constants.errno.EINTR) throw new SyscallError(name, errno);
  }
}

/** The same in a thread of libuv's pool; EINTR is the caller's. */
export function callAsync(name: 'epoll_wait', ...args: unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    (c[name] as unknown as { async: (...args: unknown[]) => void }).async(...args, (error: Error | null, value: number) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

/** The address of a buffer, for structures that hold pointers. Keep the buffer referenced until the call is over. */
export function addressOf(buffer: Buffer): bigint {
  return BigInt(koffi.address(buffer) as unknown as bigint);
}

const dlsym = libc.func('void *dlsym(void *, const char *)') as (handle: null, name: string) => unknown;

/** A function of the C library as a value, for calls that take one. */
export function addressOfFunction(name: string): unknown {
  return dlsym(null, name);
}

/** Another library. @throws Error where it is not there */
export function loadLibrary(file: string): ReturnType<typeof koffiModule.load> {
  return koffi.load(file);
}

export function closeFd(fd: number): void {
  call('close', fd);
}
