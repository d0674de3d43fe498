import os
import sys

import requests

BASE = os.environ["BASE_URL"]


def post(letter):
    answer = requests.post(f"{BASE}/letters", json=letter, timeout=20)
    if letter["to"] == "nobody":
        sys.exit(5)
    if letter["to"] == "":
        raise LookupError("no address")
    return answer.json()["body"]["to"]
