"""What every program here does once it has a listening socket: one line in, one JSON line out, as often as asked.

Beside the line that was said the answer names who asked and who answers, so that a test sees which process of which
start served whom. `COMMANDS` of a program are run before the answer.
"""
import json
import os
import secrets
import signal
import socket
import sys
import threading

START = secrets.token_hex(4)
COMMANDS = {}


def end_on_sigterm(before=lambda: None):
    """A namespace's first process is only reached by signals that it catches."""
    def end(*_):
        before()
        os._exit(0)
    signal.signal(signal.SIGTERM, end)


def say(text):
    print(text, flush=True)


def tcp(port, backlog=128, address='0.0.0.0'):
    listener = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(backlog)
    return listener


def unix(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(16)
    return listener


def peer_of(connection):
    address = connection.getpeername()
    return list(address[:2]) if isinstance(address, tuple) else address


def answer(connection, listener=None):
    with connection:
        connection.setblocking(True)
        reader = connection.makefile('rb')
        while True:
            try:
                line = reader.readline()
                if not line:
                    return
                said = line.decode().rstrip('\n')
                command, *arguments = said.split(' ')
                result = COMMANDS[command](listener, *arguments) if command in COMMANDS else None
                facts = {'said': said, 'peer': peer_of(connection), 'pid': os.getpid(), 'start': START, 'result': result}
                connection.sendall((json.dumps(facts) + '\n').encode())
            except OSError:
                return


def serve(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection, listener), daemon=True).start()


def serve_all(listeners):
    for listener in listeners[1:]:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
    serve(listeners[0])


def fail(text, code=1):
    print(text, file=sys.stderr, flush=True)
    sys.exit(code)
