"""consumes.py: takes as much of the machine as it is told to: memory, processes, CPU time, its disk."""
import errno
import mmap
import os
import signal
import answering

held = []
work = []


def allocate(_, megabytes):
    """Every page is touched. Who asks for too much is not answered."""
    held.append(bytearray(b'x') * (int(megabytes) << 20))
    return 'allocated'


def allocate_apart(_, megabytes):
    """As above, in a process of its own: how that ended."""
    child = os.fork()
    if child == 0:
        allocate(_, megabytes)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def fork(_, count):
    """Processes that stay. How many there could be, and why no more."""
    for made in range(int(count)):
        try:
            child = os.fork()
        except OSError as error:
            return [made, errno.errorcode[error.errno]]
        if child == 0:
            while True:
                signal.pause()
    return [int(count), None]


def busy(once):
    """From now on a process of its own does this over and over, and counts."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        while True:
            once()
            os.write(writing, b'.')
    os.close(writing)
    work.append(reading)


def count():
    for _ in range(200_000):
        pass


def spin(_):
    """Uses all the CPU time it gets."""
    busy(count)
    return 'spinning'


def transfer(_, direction):
    """Reads or writes a block of /data/block, past all caches."""
    block = mmap.mmap(-1, 1 << 16)
    file = os.open('/data/block', os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o600)
    os.pwrite(file, block, 0)
    busy(lambda: os.preadv(file, [block], 0) if direction == 'read' else os.pwrite(file, block, 0))
    return 'transferring'


def worked(_, rounds):
    """Answers when it has come around so many times more from now on."""
    while len(os.read(work[0], 1 << 16)) == 1 << 16:
        pass
    for _ in range(int(rounds)):
        os.read(work[0], 1)
    return 'worked'


def cache(_, megabytes):
    """A file of its own, of which the kernel keeps in memory what it may."""
    with open('/data/cached', 'wb') as file:
        for _ in range(int(megabytes)):
            file.write(bytes(1 << 20))
            # What is not yet on the disk cannot be given up.
            file.flush()
            os.fdatasync(file.fileno())
    return 'cached'


answering.COMMANDS.update({'allocate': allocate, 'allocate-apart': allocate_apart, 'fork': fork, 'spin': spin, 'worked': worked, 'transfer': transfer, 'cache': cache})
answering.end_on_sigterm()
answering.serve(answering.tcp(3000))
