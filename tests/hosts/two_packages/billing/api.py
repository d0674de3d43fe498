import os

import requests

BASE = os.environ["BASE_URL"]


def bill(number):
    return requests.post(f"{BASE}/bills", json={"order": number}, timeout=20).json()["body"]
