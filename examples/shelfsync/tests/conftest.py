import threading
from collections.abc import Iterator

import pytest

from fake_shop import Shop
from shelfsync import ShopClient


@pytest.fixture
def server() -> Iterator[Shop]:
    shop = Shop()
    thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shop
    shop.shutdown()
    thread.join()
    shop.server_close()


@pytest.fixture
def shop(server: Shop) -> Iterator[ShopClient]:
    with ShopClient(server.url, "secret", backoff=0.01) as client:
        yield client
