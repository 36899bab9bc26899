# A Python server; http.server would add 60 ms of imports that say nothing about the way to it.
import os
import socket

if os.environ.get("LISTEN_FDS"):
    server = socket.socket(fileno=3)
else:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("0.0.0.0", 8080))
    server.listen(128)
while True:
    connection, _ = server.accept()
    connection.recv(2048)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    connection.close()
