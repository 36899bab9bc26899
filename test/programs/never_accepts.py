"""Was given its socket (sd_listen_fds(3)) and never accepts."""
import signal
import answering

answering.end_on_sigterm()
signal.pause()
