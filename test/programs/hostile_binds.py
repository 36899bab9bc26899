"""Mistreats bind(2) and listen(2) in every way it knows, says what came of it, and then serves as if nothing had been."""
import ctypes
import os
import socket
import struct
import threading
import answering

libc = ctypes.CDLL(None, use_errno=True)
results = {}
tcp = lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)
address_of = lambda port: ctypes.create_string_buffer(struct.pack('=H', socket.AF_INET) + struct.pack('!H', port) + bytes(12), 16)


def bind(fd, address, length):
    return 'bound' if libc.bind(fd, address, length) == 0 else os.strerror(ctypes.get_errno())


def at_once(count, act):
    """`act` in as many threads, released together; what each returned."""
    barrier, returned = threading.Barrier(count), [None] * count

    def one(index):
        barrier.wait()
        returned[index] = act(index)
    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return returned


# The same port from many threads, each with a socket of its own; all of them are the site's.
listeners = [tcp() for _ in range(16)]
results['threads'] = sorted(set(at_once(16, lambda index: bind(listeners[index].fileno(), address_of(3000), 16))))
results['one socket'] = len({os.readlink(f'/proc/self/fd/{listener.fileno()}') for listener in listeners})
# One descriptor from many threads.
shared = tcp()
results['one descriptor'] = sorted(set(at_once(8, lambda _: bind(shared.fileno(), address_of(3000), 16))))
# The port in memory changes all the while.
raced, stop = address_of(3000), threading.Event()


def flip():
    while not stop.is_set():
        for port in (3000, 4000):
            struct.pack_into('!H', raced, 2, port)


flipping = threading.Thread(target=flip)
flipping.start()
outcomes = set()
for _ in range(200):
    with tcp() as one:
        outcomes.add(bind(one.fileno(), raced, 16))
stop.set()
flipping.join()
results['raced'] = outcomes <= {'bound', os.strerror(98)}
# What is no address, no socket, no length.
plain, file = tcp(), os.open('/programs/hostile_binds.py', os.O_RDONLY)
results['nonsense'] = [
    bind(plain.fileno(), None, 16), bind(plain.fileno(), ctypes.c_void_p(0xdead0000), 16), bind(plain.fileno(), address_of(3000), 0x7fffffff),
    bind(-1, address_of(3000), 16), bind(9999, address_of(3000), 16), bind(file, address_of(3000), 16),
    os.strerror(ctypes.get_errno()) if libc.listen(-1, 1) else 'listens', os.strerror(ctypes.get_errno()) if libc.listen(file, 1) else 'listens',
]
# The path at which another site's program listens, in that one's container.
results['unix'] = answering.unix('/run/app.sock').getsockname()
# The last of many is closed, and all begins anew; with no backlog at all.
for one in [*listeners, shared]:
    one.close()
listener = answering.tcp(3000, backlog=0)
answering.COMMANDS['results'] = lambda _: results
storm = threading.Event()


def rage():
    """Notifications without end, from many threads."""
    def one():
        while not storm.is_set():
            with tcp() as other:
                bind(other.fileno(), address_of(3000), 16)
                libc.listen(other.fileno(), 1)
    for _ in range(32):
        threading.Thread(target=one, daemon=True).start()
    return 'raging'


answering.COMMANDS['rage'] = lambda _: rage()
answering.COMMANDS['calm'] = lambda _: storm.set()
answering.end_on_sigterm()
answering.serve(listener)
