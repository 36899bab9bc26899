"""arm_moments.py DIRECTORY MOMENT...: keeps a file each for two moments, and prints each that was met, until killed.

Two, since some come only after another: in the midst of a take-over. One that is not met within a while is tried again later.
"""
import os
import random
import sys
import time

directory, *moments = sys.argv[1:]
PATIENCE_SECONDS = 4
AT_ONCE = 2
os.makedirs(directory, exist_ok=True)
waiting = []
armed = {}
while True:
    while len(armed) < min(AT_ONCE, len(moments)):
        if not waiting:
            waiting = random.sample(moments, len(moments))
        moment = waiting.pop()
        if moment not in armed:
            open(os.path.join(directory, moment), 'w').close()
            armed[moment] = time.monotonic() + PATIENCE_SECONDS
    time.sleep(0.01)
    for moment, end in list(armed.items()):
        path = os.path.join(directory, moment)
        if os.path.exists(path) and time.monotonic() < end:
            continue
        try:
            os.unlink(path)
        except FileNotFoundError:
            print(moment, flush=True)
        del armed[moment]
