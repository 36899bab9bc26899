"""Two workers accept on one socket; the first process only waits. On SIGTERM it ends, and they with it."""
import os
import signal
import answering

listener = answering.tcp(3000)
for _ in range(2):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        answering.serve(listener)
answering.end_on_sigterm()
while True:
    os.wait()
