import os

import requests

BASE = os.environ["BASE_URL"]


class Client:
    def __init__(self, token):
        self.session = requests.Session()
        self.session.headers["X-Token"] = token

    def balance(self, account):
        response = self.session.get(f"{BASE}/accounts/{account}", timeout=20)
        response.raise_for_status()
        return len(response.json()["path"])

    def close(self):
        self.session.close()
