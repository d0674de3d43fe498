"""Starts the server, asks it 40 things at once, prints the answers in order, stops it."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not answer")


def ask(address):
    try:
        with urllib.request.urlopen(address, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


port = free_port()
options = ["--port", str(port), "--log-level", "warning"]
server = subprocess.Popen([sys.executable, "-m", "uvicorn", "shop.web:app", *options])
try:
    wait_for(port)
    paths = [f"{kind}/{n}" for n in range(20) for kind in ("price", "available")]
    with ThreadPoolExecutor(40) as pool:
        for answer in pool.map(ask, [f"http://127.0.0.1:{port}/{path}" for path in paths]):
            print(*answer)
finally:
    server.terminate()
    print("server ended with", server.wait(20))
