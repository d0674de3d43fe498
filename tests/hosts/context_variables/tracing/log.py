import contextlib
import contextvars
import logging
import sys

request_id = contextvars.ContextVar("request_id", default="-")


def add_request_id(record):
    record.request_id = request_id.get()
    return True


def configure():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(request_id)s %(name)s %(message)s"))
    handler.addFilter(add_request_id)
    logger = logging.getLogger("tracing")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


@contextlib.contextmanager
def request(name):
    token = request_id.set(name)
    try:
        yield
    finally:
        request_id.reset(token)
