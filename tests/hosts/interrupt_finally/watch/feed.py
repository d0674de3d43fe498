import os
import time

import requests

BASE = os.environ["BASE_URL"]


def poll(name):
    requests.post(f"{BASE}/locks/{name}", json={"held": True}, timeout=5)
    try:
        print("polling", flush=True)
        while True:
            requests.get(f"{BASE}/news", timeout=5)
            time.sleep(0.05)
    finally:
        requests.delete(f"{BASE}/locks/{name}", timeout=5)
        print("released", flush=True)
