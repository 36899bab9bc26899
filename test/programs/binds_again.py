"""Tries its address out, closes, and binds again, as servers do that look for a free port; and once more when told to."""
import os
import threading
import answering

trial = answering.tcp(3000)
trial.close()
listeners = [answering.tcp(3000)]


def again(_):
    """A reload: the new socket is bound while the old one is still there."""
    try:
        new = answering.tcp(3000)
    except OSError as error:
        return os.strerror(error.errno)
    threading.Thread(target=answering.serve, args=(new,), daemon=True).start()
    listeners.append(new)
    return 'bound'


answering.COMMANDS['again'] = again
answering.end_on_sigterm()
answering.serve(listeners[0])
