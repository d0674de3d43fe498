import pytest

from bank.client import Client


@pytest.fixture(scope="session")
def client():
    client = Client("of the session")
    yield client
    client.close()
