import logging

from tracing import client
from tracing.log import request

logger = logging.getLogger("tracing.jobs")


def job(name):
    with request(name):
        logger.info("began")
        client.call("headers")
        for number, path in client.pages():
            logger.info("page %s at %s", number, path)
    logger.info("ended")
