"""Listens and ends, as a daemon does whose first process forks and leaves: its namespace ends with it."""
import os
import answering

answering.tcp(3000)
if os.fork() == 0:
    answering.say('the daemon goes on')
    answering.serve(answering.tcp(3001))
os._exit(0)
