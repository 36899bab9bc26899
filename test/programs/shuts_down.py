"""shuts_down.py HOW ADDRESS: shuts its listener down when it is told to, and when it ends: `shutdown`, `twice` or `unspec`."""
import ctypes
import os
import socket
import sys
import answering

how, address = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)


def stop(listener):
    if how == 'shutdown':
        try:
            listener.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            return error.strerror
        return 'done'
    if how == 'twice':
        for _ in range(2):
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return 'done'
    nowhere = (ctypes.c_char * 16)()
    return 'done' if libc.connect(listener.fileno(), nowhere, 16) == 0 else os.strerror(ctypes.get_errno())


if address.startswith('/'):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(16)
else:
    listener = answering.tcp(int(address))


def serve():
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            continue
        answering.answer(connection, listener)


answering.COMMANDS['stop'] = stop
answering.end_on_sigterm(lambda: answering.say(f'ending: {stop(listener)}'))
serve()
