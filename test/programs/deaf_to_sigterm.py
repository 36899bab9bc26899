"""Catches SIGTERM and goes on: only SIGKILL ends it."""
import signal
import answering

signal.signal(signal.SIGTERM, lambda *_: answering.say('no'))
answering.serve(answering.tcp(3000))
