"""The shop's HTTP API."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import requests

from .errors import ImportRejected, NotFound, ShopError, ShopUnavailable
from .models import Category, Price, Product

log = logging.getLogger(__name__)

RETRY_STATUS = frozenset({429, 502, 503, 504})
PAGE_SIZE = 5


class ShopClient:
    """One session with the shop; retries what may pass by itself."""

    def __init__(
        self,
        base_url: str,
        token: str,
        timeout: float = 10.0,
        attempts: int = 4,
        backoff: float = 0.05,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.attempts = attempts
        self.backoff = backoff
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {token}", "X-Client": "shelfsync"})

    def __enter__(self) -> ShopClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------------ reading

    def categories(self) -> list[Category]:
        return [Category.from_json(item) for item in self._get("/categories").json()]

    def products(self, category: Category) -> Iterator[Product]:
        """Every product of a category, page by page."""
        params: dict[str, Any] = {"limit": PAGE_SIZE}
        while True:
            page = self._get(f"/categories/{category.slug}/products", params=params).json()
            for item in page["items"]:
                yield Product.from_json(item)
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    def price(self, sku: str) -> Price:
        data = self._get(f"/products/{sku}/price").json()
        return Price(Decimal(data["amount"]), data["currency"])

    # ------------------------------------------------------------------ writing

    def submit(self, result: dict[str, Any]) -> str:
        """Hand in the result of an import; the answer is the id of the shop's job."""
        response = self._request("POST", "/imports", json=result)
        if not response.ok:
            raise ImportRejected(response.text)
        return response.json()["job"]

    def wait_for(self, job: str, interval: float = 0.05, limit: int = 50) -> str:
        """Poll a job until the shop is done with it."""
        for _ in range(limit):
            state = self._get(f"/jobs/{job}").json()["state"]
            if state != "running":
                return state
            time.sleep(interval)
        raise ShopUnavailable(f"job {job} does not end")

    # ------------------------------------------------------------------ one request

    def _get(self, path: str, params: dict[str, Any] | None = None) -> requests.Response:
        response = self._request("GET", path, params=params)
        if response.status_code == 404:
            raise NotFound(path)
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            raise ShopError(f"{path}: status {error.response.status_code}") from error
        return response

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        url = self.base_url + path
        for attempt in range(self.attempts):
            try:
                response = self._session.request(method, url, timeout=self.timeout, **options)
            except (requests.ConnectionError, requests.Timeout) as error:
                log.warning("%s %s: %s", method, path, type(error).__name__)
            else:
                if response.status_code not in RETRY_STATUS:
                    return response
                log.info("%s %s: status %d", method, path, response.status_code)
            time.sleep(self.backoff * 2**attempt)
        raise ShopUnavailable(f"{method} {path}: gave up after {self.attempts} attempts")
