"""Serves the application in threads, asks it many things at once, prints the answers in order."""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from werkzeug.serving import make_server

from notes.web import app

server = make_server("127.0.0.1", 0, app, threaded=True)
thread = threading.Thread(target=server.serve_forever)
thread.start()


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{path}", timeout=30) as answer:
        return answer.status, answer.read().decode()


try:
    with ThreadPoolExecutor(20) as pool:
        for status, text in pool.map(ask, [f"copy/{n}/{n + 100}" for n in range(20)]):
            print(status, json.loads(text))
    print(ask("check"))
    with app.test_client() as client:
        print(client.get("/copy/7/8").json)
finally:
    server.shutdown()
    thread.join()
