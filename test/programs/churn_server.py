"""churn_server.py HOW ADDRESS: an HTTP server whose end is as unkind as programs are. ADDRESS: a port, a path, or `fds`.

GET /bytes/N/SEED answers N bytes that the client knows, POST / the checksum of what was sent; one request a connection.
HOW it takes SIGTERM:
  drains     finishes what it has begun, and meanwhile, for a random short time, accepts whoever comes, to drop him
  stubborn   the same, but never ends by itself
  deaf       has no handler
"""
import hashlib
import os
import random
import signal
import socket
import sys
import threading
import time

how, address = sys.argv[1:]
# Short as of most programs, or longer than a killed activator is away.
DRAIN_SECONDS_MAX = (0.15, 0.15, 0.15, 0.8)
PATTERN = bytes(range(256)) * 1025
ending = threading.Event()
served = threading.Condition()
serving = 0


def end(*_):
    ending.set()
    if how == 'drains':
        threading.Thread(target=drain, daemon=True).start()


def drain():
    time.sleep(random.uniform(0, random.choice(DRAIN_SECONDS_MAX)))
    with served:
        served.wait_for(lambda: serving == 0)
        os._exit(0)


def answer(connection):
    reader = connection.makefile('rb')
    method, target, _ = reader.readline().decode().split(' ')
    headers = {}
    while (line := reader.readline().strip()):
        name, _, value = line.decode().partition(':')
        headers[name.lower()] = value.strip()
    if method == 'POST':
        received, left = hashlib.sha256(), int(headers['content-length'])
        while left > 0:
            chunk = reader.read1(min(left, 65536))
            if not chunk:
                raise ConnectionError(f'{left} bytes of the body did not come')
            received.update(chunk)
            left -= len(chunk)
        body = received.hexdigest().encode()
    else:
        _, _, count, seed = target.split('/')
        body = PATTERN[int(seed):int(seed) + int(count)]
    connection.sendall(f'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n'.encode() + body)


def serve(connection):
    global serving
    try:
        with connection:
            connection.setblocking(True)
            answer(connection)
    except (OSError, ValueError, KeyError) as error:
        print(f'could not answer: {error!r}', flush=True)
    finally:
        with served:
            serving -= 1
            served.notify_all()


def listen():
    if address == 'fds':
        return socket.socket(fileno=3)
    if address.startswith('/'):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address)
    else:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(('0.0.0.0', int(address)))
    listener.listen(128)
    return listener


if how != 'deaf':
    signal.signal(signal.SIGTERM, end)
listener = listen()
while True:
    connection, _ = listener.accept()
    if ending.is_set():
        print('dropped a client', flush=True)
        connection.close()
        continue
    with served:
        serving += 1
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
