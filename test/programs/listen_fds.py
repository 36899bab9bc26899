"""Speaks sd_listen_fds(3), serves every socket it is given, ends on SIGTERM."""
import os
import socket
import answering

count = int(os.environ.get('LISTEN_FDS', '0'))
if count == 0 or os.environ.get('LISTEN_PID') != str(os.getpid()):
    answering.fail(f'Expected LISTEN_FDS for {os.getpid()}, got {count} for {os.environ.get("LISTEN_PID")}')
answering.end_on_sigterm()
listeners = [socket.socket(fileno=3 + index) for index in range(count)]
answering.COMMANDS['environment'] = lambda _: {name: os.environ.get(name) for name in ('LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID')}
for listener in listeners:
    listener.setblocking(True)
answering.serve_all(listeners)
