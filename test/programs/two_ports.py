"""two_ports.py PATH: listens on port 3000, and on 3001 only once PATH exists; then serves both."""
import os
import sys
import time
import answering

answering.end_on_sigterm()
first = answering.tcp(3000)
answering.say('first')
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
answering.serve_all([first, answering.tcp(3001)])
