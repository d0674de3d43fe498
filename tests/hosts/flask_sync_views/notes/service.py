import requests

from notes import client


def copy(source, target):
    text = client.load(source)["path"]
    return {"from": source, "to": target, "status": client.store(target, text)}


def check():
    try:
        client.broken()
    except requests.HTTPError as error:
        return f"upstream said {error.response.status_code}"
    return "well"
