"""plain.py ADDRESS…: binds what it is told, serves, ends on SIGTERM. PORT, [ADDRESS]:PORT or a path."""
import errno
import os
import socket
import subprocess
import sys
import answering


def listen_on(text):
    if text.startswith('/'):
        return answering.unix(text)
    if text.startswith('['):
        address, _, port = text[1:].rpartition(']:')
        return answering.tcp(int(port), address=address)
    return answering.tcp(int(text))


def read(_, path):
    with open(path) as file:
        return file.read()


def write(_, path, text):
    with open(path, 'w') as file:
        file.write(text)
    return 'written'


def opened(_, path):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'opened'


def write_dev_stdout(_, text):
    with open('/dev/stdout', 'w') as out:
        out.write(text + '\n')
    return 'written'


answering.COMMANDS.update({
    'read': read,
    'write': write,
    'open': opened,
    'list': lambda _, path: sorted(os.listdir(path)),
    'run': lambda _, *command: subprocess.run(command, capture_output=True, text=True).stdout,
    'link': lambda _, path: os.readlink(path),
    'interfaces': lambda _: sorted(name for _, name in socket.if_nameindex()),
    'hostname': lambda _: socket.gethostname(),
    'print': lambda _, text: answering.say(text),
    'complain': lambda _, text: print(text, file=sys.stderr, flush=True),
    'dev-stdout': write_dev_stdout,
    'exit': lambda _, code: os._exit(int(code)),
})
answering.end_on_sigterm()
answering.serve_all([listen_on(text) for text in sys.argv[1:]])
