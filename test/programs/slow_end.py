"""slow_end.py PATH: on SIGTERM it says so, and ends only once PATH exists: a test decides when."""
import os
import signal
import sys
import threading
import time
import answering


def end(*_):
    answering.say('draining')
    threading.Thread(target=wait).start()


def wait():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
answering.serve(answering.tcp(3000))
