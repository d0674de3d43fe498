"""Fixtures reach the parameters that ask for them, and no others."""

from __future__ import annotations

from .graphs import edges, graph

CLIENT = """
    class Client:
        def get(self): ...
        def close(self): ...
"""
FIXTURE = """
    import pytest
    from client import Client

    @pytest.fixture
    def api():
        made = Client()
        yield made
        made.close()
"""


def test_a_yielding_fixture_of_a_conftest() -> None:
    found = graph(
        client=CLIENT,
        tests="",
        tests__conftest=FIXTURE,
        tests__test_it="""
            def test_get(api):
                api.get()

            class TestMore:
                def test_again(self, api):
                    api.get()
        """,
    )
    assert {"test_get -> Client.get", "TestMore.test_again -> Client.get"} <= edges(found)


def test_a_returning_fixture_and_one_that_builds_on_it() -> None:
    found = graph("""
        import pytest

        class Client:
            def get(self): ...

        class Shop:
            def __init__(self, client):
                self.client = client
            def buy(self):
                self.client.get()

        @pytest.fixture(scope="module")
        def client():
            return Client()

        @pytest.fixture
        def shop(client):
            return Shop(client)

        def test_buy(shop):
            shop.buy()
    """)
    assert {"test_buy -> Shop.buy", "Shop.buy -> Client.get"} <= edges(found)


def test_the_nearest_fixture_wins() -> None:
    found = graph(
        client=CLIENT,
        tests="",
        tests__conftest=FIXTURE,
        tests__test_it="""
            import pytest

            class Fake:
                def get(self): ...

            @pytest.fixture
            def api():
                return Fake()

            def test_get(api):
                api.get()
        """,
    )
    assert "test_get -> Fake.get" in edges(found)
    assert "test_get -> Client.get" not in edges(found)


def test_functions_that_are_no_tests_get_nothing() -> None:
    found = graph(
        client=CLIENT,
        tests="",
        tests__conftest=FIXTURE,
        tests__helpers="""
            def fetch(api):
                api.get()
        """,
    )
    assert "fetch -> Client.get" not in edges(found)


def test_a_function_with_a_fixtures_name_is_no_fixture() -> None:
    found = graph("""
        class Client:
            def get(self): ...

        def api():
            return Client()

        def test_get(api):
            api.get()
    """)
    assert "test_get -> Client.get" not in edges(found)
