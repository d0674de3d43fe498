import os

import requests

BASE = os.environ["BASE_URL"]


def fetch(number):
    with requests.Session() as session:
        response = session.get(f"{BASE}/pages/{number}", timeout=20)
        return response.json()["path"]


def failing(number):
    response = requests.get(f"{BASE}/status/{number}", timeout=20)
    if response.status_code != 200:
        raise ValueError(f"page {number} is gone")
