"""Starts gunicorn, asks it until both workers have answered, stops it."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
        return answer.headers["X-Pid"], answer.read().decode()


port = free_port()
options = ["--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
command = [sys.executable, "-m", "gunicorn", *options, "site_.wsgi:make_application()"]
server = subprocess.Popen(command)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [f"page{n:02}" for n in range(24)]))
    print(*sorted(text for _, text in answers), sep="\n")
    print("workers:", len({pid for pid, _ in answers}))
finally:
    server.send_signal(signal.SIGTERM)
    print("server ended with", server.wait(20))
