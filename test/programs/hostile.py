"""hostile.py PORT: root in its container, tries to get out of it. `try NAME ARGUMENT…` says `done`, or by which error it was kept from it.

hostile.py once: reads lines of the same from standard input and answers each with a line: what they do where there is no wall.
"""
import ctypes
import errno
import json
import os
import socket
import struct
import subprocess
import sys
import time
import answering

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    'x86_64': {
        'ptrace': 101, 'unshare': 272, 'clone': 56, 'setns': 308, 'pivot_root': 155, 'init_module': 175, 'finit_module': 313, 'delete_module': 176, 'kexec_load': 246,
        'reboot': 169, 'settimeofday': 164, 'clock_settime': 227, 'adjtimex': 159, 'clock_adjtime': 305, 'bpf': 321, 'perf_event_open': 298, 'add_key': 248, 'keyctl': 250, 'userfaultfd': 323,
        'syslog': 103, 'acct': 163, 'swapon': 167, 'quotactl': 179, 'iopl': 172, 'process_vm_readv': 310, 'open_by_handle_at': 304, 'umount2': 166,
    },
    'aarch64': {
        'ptrace': 117, 'unshare': 97, 'clone': 220, 'setns': 268, 'pivot_root': 41, 'init_module': 105, 'finit_module': 273, 'delete_module': 106, 'kexec_load': 104,
        'reboot': 142, 'settimeofday': 170, 'clock_settime': 112, 'adjtimex': 171, 'clock_adjtime': 266, 'bpf': 280, 'perf_event_open': 241, 'add_key': 217, 'keyctl': 219, 'userfaultfd': 282,
        'syslog': 116, 'acct': 89, 'swapon': 224, 'quotactl': 60, 'iopl': -1, 'process_vm_readv': 270, 'open_by_handle_at': 265, 'umount2': 39,
    },
}[os.uname().machine] | {
    'open_tree': 428, 'move_mount': 429, 'fsopen': 430, 'mount_setattr': 442, 'clone3': 435, 'io_uring_setup': 425, 'pidfd_open': 434,
}


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), '')
    return result


def call(name, *arguments):
    """Numbers in any base; other words are text."""
    values = []
    for argument in arguments:
        try:
            values.append(ctypes.c_long(int(argument, 0)))
        except ValueError:
            values.append(ctypes.c_char_p(argument.encode()))
    checked(libc.syscall(ctypes.c_long(CALLS[name]), *values))


def mount(kind, target, source='none', flags='0'):
    checked(libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(int(flags, 0)), None))
    libc.umount2(target.encode(), 2)


def set_clock():
    """To what it says already."""
    checked(libc.clock_settime(0, ctypes.byref(TimeSpec(*divmod(time.clock_gettime_ns(0), 10 ** 9)))))


class TimeSpec(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]


def adjust_clock():
    """ADJ_OFFSET of 0 in a struct timex of 208 bytes."""
    timex = ctypes.create_string_buffer(struct.pack('I', 1), 208)
    checked(libc.syscall(ctypes.c_long(CALLS['adjtimex']), timex))


def connect(family, *address):
    kinds = {'tcp': socket.AF_INET, 'unix': socket.AF_UNIX}
    to = (address[0], int(address[1])) if family == 'tcp' else address[0].replace('@', '\0', 1)
    with socket.socket(kinds[family], socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(to)


def open_socket(family, kind, protocol='0'):
    socket.socket(int(family), int(kind), int(protocol)).close()


def write(path, text):
    with open(path, 'r+b', buffering=0) as file:
        file.write(text.encode())


def make_node(path, kind, major, minor):
    os.mknod(path, 0o666 | {'b': 0o060000, 'c': 0o020000}[kind], os.makedev(int(major), int(minor)))
    os.unlink(path)


def set_limit(hard):
    import resource
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, int(hard)))
    except ValueError as error:
        raise OSError(errno.EPERM, '') from error


def read(path):
    with open(path, 'rb') as file:
        if file.read(1) == b'':
            raise OSError(errno.ENODATA, '')


ATTEMPTS = {
    'call': call,
    'mount': mount,
    'set-clock': set_clock,
    'adjust-clock': adjust_clock,
    'connect': connect,
    'socket': open_socket,
    'write': write,
    'read': read,
    'list': os.listdir,
    'mkdir': lambda path: (os.mkdir(path), os.rmdir(path)),
    'make-node': make_node,
    'signal': lambda pid, number='0': os.kill(int(pid), int(number)),
    'become': lambda uid: subprocess.run(['true'], user=int(uid), check=True),
    'hostname': lambda name: socket.sethostname(name),
    'chmod': lambda path, mode: os.chmod(path, int(mode, 8)),
    'chown': lambda path, uid: os.chown(path, int(uid), int(uid)),
    'chmod-stdin': lambda: os.fchmod(0, 0o600),
    'chown-stdin': lambda: os.fchown(0, 1, 1),
    'limit': set_limit,
    'nice': lambda by: os.nice(int(by)),
}


def attempt(_, name, *arguments):
    try:
        ATTEMPTS[name](*arguments)
        return 'done'
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    except subprocess.SubprocessError as error:
        return str(error)


def stay_behind(_, marker):
    """Twice forked, in a session of its own, deaf to all that can be refused; resolves when it is."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.execv('/bin/sh', ['sh', '-c', f'trap "" HUP INT QUIT TERM; echo x >&{writing}; while :; do sleep 1000; done; : {marker}'])
    os.waitpid(child, 0)
    os.read(reading, 1)
    return 'done'


def facts(_):
    """What its kernel says of it."""
    status = dict(line.split(':\t', 1) for line in open('/proc/self/status').read().splitlines())
    return {
        'status': status,
        'namespaces': {name: os.readlink(f'/proc/self/ns/{name}') for name in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup')},
        'processes': sorted(int(name) for name in os.listdir('/proc') if name.isdigit()),
        'cgroup': open('/proc/self/cgroup').read().strip(),
        'interfaces': [name for _, name in socket.if_nameindex()],
        'hostname': socket.gethostname(),
        'environment': dict(os.environ),
        'descriptors': sorted(os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')),
    }


def main():
    if sys.argv[1] == 'once':
        for line in sys.stdin:
            # What one does to itself is not the next one's.
            if os.fork() == 0:
                print(json.dumps(attempt(None, *line.split())), flush=True)
                os._exit(0)
            os.wait()
        return
    answering.COMMANDS.update({
        'try': attempt, 'facts': facts, 'stay': stay_behind,
        'run': lambda _, *command: subprocess.run(command, capture_output=True, text=True).stdout,
        'put': lambda _, path: open(path, 'w').close(),
    })
    answering.end_on_sigterm()
    answering.serve_all([answering.tcp(int(sys.argv[1]))])


main()
