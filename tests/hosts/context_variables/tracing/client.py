import logging
import os

import requests

from tracing.log import request_id

BASE = os.environ["BASE_URL"]
logger = logging.getLogger("tracing.client")


def call(path):
    logger.info("calling %s", path)
    headers = {"X-Request-Id": request_id.get()}
    answer = requests.get(f"{BASE}/{path}", headers=headers, timeout=20)
    logger.info("answer %s", answer.status_code)
    return answer.json()


def pages():
    for number in range(2):
        yield number, call(f"page{number}")["path"]
