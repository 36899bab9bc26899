"""many.py COUNT: COUNT ports from 20000 on, one thread."""
import selectors
import sys
import answering

ready = selectors.DefaultSelector()
for port in range(20000, 20000 + int(sys.argv[1])):
    ready.register(answering.tcp(port), selectors.EVENT_READ)
answering.end_on_sigterm()
while True:
    for key, _ in ready.select():
        connection, _ = key.fileobj.accept()
        answering.answer(connection)
