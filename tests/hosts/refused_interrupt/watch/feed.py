import os
import time

import requests

BASE = os.environ["BASE_URL"]


def poll():
    print("polling", flush=True)
    try:
        while True:
            requests.get(f"{BASE}/news", timeout=5)
            time.sleep(0.05)
    except KeyboardInterrupt:
        requests.post(f"{BASE}/goodbye", json={"by": "user"}, timeout=5)
        return "interrupted"
