"""The supplier's prices."""

import os

import requests

BASE = os.environ["BASE_URL"]


class SupplierDown(Exception):
    pass


def fetch(article):
    response = requests.get(f"{BASE}/slow/20", params={"article": article}, timeout=20)
    response.raise_for_status()
    return response.json()


def stock(article):
    response = requests.get(f"{BASE}/status/{500 if article == 13 else 200}", timeout=20)
    if response.status_code >= 500:
        raise SupplierDown(f"no answer for {article}")
    return response.json()["status"]
