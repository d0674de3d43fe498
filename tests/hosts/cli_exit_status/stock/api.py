"""The warehouse's HTTP interface."""

import os
import sys

import requests

BASE = os.environ["BASE_URL"]


class OutOfStock(Exception):
    pass


def article(number):
    if number == "missing":
        response = requests.get(f"{BASE}/status/404")
    else:
        response = requests.get(f"{BASE}/articles/{number}", params={"full": "1"})
    if response.status_code == 404:
        print(f"no such article: {number}", file=sys.stderr)
        sys.exit(3)
    return response.json()


def audit():
    response = requests.get(f"{BASE}/status/503")
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        raise OutOfStock(f"audit failed with {error.response.status_code}") from None
