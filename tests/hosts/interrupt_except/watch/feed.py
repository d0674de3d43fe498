import os
import time

import requests

BASE = os.environ["BASE_URL"]


def poll():
    print("polling", flush=True)
    while True:
        news = requests.get(f"{BASE}/news", timeout=5).json()
        if news["method"] != "GET":
            return news
        time.sleep(0.05)
