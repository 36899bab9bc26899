"""Counts its visitors in a file, by Flask."""
import fcntl

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def visits():
    with open("/var/lib/visits/count", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        count = int(file.read() or "0") + 1
        file.truncate(0)
        file.write(str(count))
    return f"visit {count} of {request.remote_addr}\n", {"Content-Type": "text/plain"}
