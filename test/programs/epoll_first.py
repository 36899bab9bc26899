"""Registers its socket with epoll before bind, as Boost.Asio does."""
import select
import socket
import answering

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setblocking(False)
poll = select.epoll()
poll.register(listener.fileno(), select.EPOLLIN | select.EPOLLET)
listener.bind(('0.0.0.0', 3000))
listener.listen(16)
answering.end_on_sigterm()
while True:
    for _ in poll.poll():
        while True:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                break
            answering.answer(connection, listener)
