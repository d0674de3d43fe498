import os

import requests

BASE = os.environ["BASE_URL"]


def load(name):
    return requests.get(f"{BASE}/slow/30", params={"name": name}, timeout=20).json()["slept"]


def title():
    return requests.get(f"{BASE}/title", timeout=20).json()["path"]
