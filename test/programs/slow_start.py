"""slow_start.py PATH: binds only once PATH exists: a test decides when."""
import os
import sys
import time
import answering

answering.end_on_sigterm()
answering.say('waiting')
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
answering.serve(answering.tcp(3000))
