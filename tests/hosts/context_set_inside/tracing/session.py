import contextvars
import os

import requests

BASE = os.environ["BASE_URL"]
user = contextvars.ContextVar("user", default="nobody")


def login(name):
    answer = requests.post(f"{BASE}/login", json={"name": name}, timeout=20).json()
    user.set(answer["body"]["name"])


def logout():
    requests.post(f"{BASE}/logout", timeout=20)
    user.set("nobody")
