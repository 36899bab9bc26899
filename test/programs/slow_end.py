"""slow_end.py PATH [SOCKET…]: on SIGTERM it says so, drops whoever comes, and ends only once PATH exists: a test decides when.

It says which start it is, so that nobody takes an earlier one's end for its own. It listens on these UNIX sockets, or else on
port 3000. Another SIGTERM is told, too.
"""
import os
import signal
import sys
import threading
import time
import answering


class Ending(BaseException):
    pass


def end(*_):
    signal.signal(signal.SIGTERM, lambda *_: answering.say('told again'))
    raise Ending


def drop(listener):
    while True:
        listener.accept()[0].close()


listeners = [answering.unix(path) for path in sys.argv[2:]] or [answering.tcp(3000)]
signal.signal(signal.SIGTERM, end)
try:
    answering.serve_all(listeners)
except Ending:
    answering.say(f'draining {answering.START}')
    for listener in listeners:
        threading.Thread(target=drop, args=(listener,), daemon=True).start()
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    os._exit(0)
