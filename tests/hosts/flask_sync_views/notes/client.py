import os

import requests

BASE = os.environ["BASE_URL"]
session = requests.Session()
session.headers["X-Service"] = "notes"


def load(number):
    response = session.get(f"{BASE}/notes/{number}", timeout=20)
    response.raise_for_status()
    return response.json()


def store(number, text):
    response = session.put(f"{BASE}/notes/{number}", json={"text": text}, timeout=20)
    return response.status_code


def broken():
    session.get(f"{BASE}/status/502", timeout=20).raise_for_status()
