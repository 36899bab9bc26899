"""arm_moments.py DIRECTORY MOMENT...: makes a file for one moment after the other, and prints each that was met, until killed.

A moment that is not met within a while is tried again later.
"""
import os
import random
import sys
import time

directory, *moments = sys.argv[1:]
PATIENCE_SECONDS = 4
os.makedirs(directory, exist_ok=True)
while True:
    random.shuffle(moments)
    for moment in moments:
        path = os.path.join(directory, moment)
        with open(path, 'w'):
            pass
        end = time.monotonic() + PATIENCE_SECONDS
        while os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.01)
        try:
            os.unlink(path)
        except FileNotFoundError:
            print(moment, flush=True)
            # The next activator is to get somewhere.
            time.sleep(random.uniform(0.1, 0.6))
