"""dns_server.py ADDRESS NAME=IPV4…: answers A for what it is told, NXDOMAIN for all else. Says "ready" when it listens."""
import socket
import sys

names = dict(argument.split('=') for argument in sys.argv[2:])
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind((sys.argv[1], 53))
print('ready', flush=True)
while True:
    query, client = listener.recvfrom(512)
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    kind = int.from_bytes(query[at + 1:at + 3], 'big')
    address = names.get('.'.join(labels))
    answers = [socket.inet_aton(address)] if address and kind == 1 else []
    head = query[:2] + (b'\x81\x80' if address else b'\x81\x83') + b'\0\1' + len(answers).to_bytes(2, 'big') + b'\0\0\0\0'
    body = b''.join(b'\xc0\x0c\0\1\0\1\0\0\0\0\0\4' + answer for answer in answers)
    listener.sendto(head + query[12:at + 5] + body, client)
