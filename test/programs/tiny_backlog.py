"""listen(2) with a backlog of 1, and a pause before each accept while it is told to pause."""
import threading
import answering

gate = threading.Event()
gate.set()
listener = answering.tcp(3000, backlog=1)
answering.COMMANDS.update({'pause': lambda _: gate.clear(), 'go': lambda _: gate.set()})
answering.end_on_sigterm()
while True:
    gate.wait()
    connection, _ = listener.accept()
    threading.Thread(target=answering.answer, args=(connection, listener), daemon=True).start()
