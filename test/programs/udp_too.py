"""Binds the same port for UDP first, then for TCP, as a name server does; the UDP socket stays its own."""
import socket
import answering

datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(('0.0.0.0', 3000))
listener = answering.tcp(3000)


def echo(_):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b'over udp', ('127.0.0.1', 3000))
    return datagrams.recv(64).decode()


answering.COMMANDS.update({'udp': echo, 'name': lambda listener: [datagrams.type == socket.SOCK_DGRAM, listener.type == socket.SOCK_STREAM]})
answering.end_on_sigterm()
answering.serve(listener)
