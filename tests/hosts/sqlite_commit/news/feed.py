import os

import requests

BASE = os.environ["BASE_URL"]


class Broken(Exception):
    pass


def item(number):
    if number > 4:
        raise Broken(f"no item {number}")
    return requests.get(f"{BASE}/items/{number}", timeout=20).json()["path"]
