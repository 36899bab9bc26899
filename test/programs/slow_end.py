"""slow_end.py PATH: on SIGTERM it accepts nobody any more, says so, and ends only once PATH exists: a test decides when."""
import os
import signal
import sys
import time
import answering


class Ending(BaseException):
    pass


def end(*_):
    signal.signal(signal.SIGTERM, lambda *_: None)
    raise Ending


signal.signal(signal.SIGTERM, end)
try:
    answering.serve(answering.tcp(3000))
except Ending:
    answering.say('draining')
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    os._exit(0)
