"""Sets on its listener whatever would outlive it, and tells what was let through."""
import ctypes
import socket
import struct
import answering

IP_OPTIONS, TCP_WINDOW_CLAMP, TCP_MD5SIG = 4, 10, 14
IP_MINTTL, SO_ATTACH_FILTER, SO_LOCK_FILTER, SO_ATTACH_REUSEPORT_CBPF, SO_BINDTODEVICE = 21, 26, 44, 51, 25
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('0.0.0.0', 3000))

drop_all = ctypes.create_string_buffer(struct.pack('HBBI', 0x06, 0, 0, 0))
program = struct.pack('HxxxxxxP', 1, ctypes.addressof(drop_all))
attempts = {
    'SO_ATTACH_FILTER': (socket.SOL_SOCKET, SO_ATTACH_FILTER, program),
    'SO_ATTACH_REUSEPORT_CBPF': (socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program),
    'SO_LOCK_FILTER': (socket.SOL_SOCKET, SO_LOCK_FILTER, struct.pack('i', 1)),
    'SO_BINDTODEVICE': (socket.SOL_SOCKET, SO_BINDTODEVICE, b'lo\0'),
    'TCP_WINDOW_CLAMP': (socket.IPPROTO_TCP, TCP_WINDOW_CLAMP, struct.pack('i', 2048)),
    # For everybody on this machine: who does not sign is not heard.
    'TCP_MD5SIG': (socket.IPPROTO_TCP, TCP_MD5SIG, struct.pack('=HH4s120xBBHI80s', socket.AF_INET, 0, bytes([127, 0, 0, 1]), 0, 0, 4, 0, b'key!')),
    'IP_OPTIONS': (socket.IPPROTO_IP, IP_OPTIONS, bytes([7, 7, 4, 0, 0, 0, 0, 0])),
    'SO_LINGER': (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)),
    'SO_RCVBUF': (socket.SOL_SOCKET, socket.SO_RCVBUF, struct.pack('i', 4096)),
    'SO_RCVTIMEO': (socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('qq', 1, 0)),
    'TCP_DEFER_ACCEPT': (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, struct.pack('i', 60)),
    'TCP_USER_TIMEOUT': (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, struct.pack('i', 1)),
}


def attempt(level, option, value):
    try:
        listener.setsockopt(level, option, value)
    except OSError as error:
        return error.strerror
    return 'done'


results = {name: attempt(*arguments) for name, arguments in attempts.items()}
listener.listen(1)


def mean(_):
    """Would keep everybody out who is further away than the next wire: only when it has been asked to."""
    return attempt(socket.IPPROTO_IP, IP_MINTTL, struct.pack('i', 255))


answering.COMMANDS.update({'results': lambda _: results, 'minttl': mean})
answering.end_on_sigterm()


def serve():
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            continue
        answering.answer(connection, listener)


serve()
