"""consumes.py: takes as much of the machine as it is told to: memory, processes, CPU time."""
import errno
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


def spin(_):
    """From now on a process of its own uses all the CPU time it gets, and counts."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        while True:
            for _ in range(200_000):
                pass
            os.write(writing, b'.')
    os.close(writing)
    work.append(reading)
    return 'spinning'


def worked(_, rounds):
    """Answers when it has come around so many times more."""
    for _ in range(int(rounds)):
        os.read(work[0], 1)
    return 'worked'


answering.COMMANDS.update({'allocate': allocate, 'allocate-apart': allocate_apart, 'fork': fork, 'spin': spin, 'worked': worked})
answering.end_on_sigterm()
answering.serve(answering.tcp(3000))
