"""A small shop over HTTP: pages, flaky prices, a job to wait for, and a log of what was asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NAMES = {
    "tea": "Assam Ceylon Darjeeling Earl-Grey Genmaicha Lapsang Oolong Sencha",
    "cups": "Bowl Espresso-cup Glass Mug Thermos-mug Travel-cup",
    "spoons": "Honey-spoon Matcha-spoon",
}
CATALOGUE = {
    slug: [(f"{slug[0].upper()}{n:02d}", name) for n, name in enumerate(names.split())]
    for slug, names in NAMES.items()
}
UNPRICED = {"C04"}
FLAKY = {"T03", "C01"}
RATES = {"EUR": {"USD": "0.92", "GBP": "1.17"}}


class Shop(ThreadingHTTPServer):
    """Remembers per token how often a thing was asked, so that concurrent runs see the same."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.log: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Shop

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.answer(json.loads(self.rfile.read(length)))

    def answer(self, body: Any) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.server.lock:
            self.server.asked[token, parts.path] += 1
            times = self.server.asked[token, parts.path]
            self.server.log.append(
                {
                    "method": self.command,
                    "path": parts.path,
                    "query": query,
                    "body": body,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                }
            )
        self.send_json(*self.route(parts.path.strip("/").split("/"), query, token, times))

    def route(self, path: list[str], query: dict[str, str], token: str, times: int) -> Any:
        if path == ["rates"]:
            rates = RATES.get(query["to"])
            return (200, rates) if rates else (400, {"error": "unknown currency"})
        if not token or token == "wrong":
            return 401, {"error": "who are you?"}
        match path:
            case ["categories"]:
                return 200, [{"slug": slug, "title": slug.title()} for slug in CATALOGUE]
            case ["categories", slug, "products"] if slug in CATALOGUE:
                return 200, page(slug, int(query["limit"]), int(query.get("cursor", 0)))
            case ["products", sku, "price"] if sku in FLAKY and times == 1:
                return 503, {"error": "try again"}
            case ["products", sku, "price"] if sku not in UNPRICED:
                return 200, price(sku)
            case ["imports"]:
                return 202, {"job": f"job-{token}"}
            case ["jobs", _]:
                return 200, {"state": "running" if times % 3 else "done"}
        return 404, {"error": "no such thing"}

    def send_json(self, status: int, data: Any) -> None:
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def page(slug: str, limit: int, start: int) -> dict[str, Any]:
    rows = CATALOGUE[slug]
    end = start + limit
    return {
        "items": [
            {"sku": sku, "name": name, "category": slug, "tags": ["shop"]}
            for sku, name in rows[start:end]
        ],
        "next": end if end < len(rows) else None,
    }


def price(sku: str) -> dict[str, str]:
    number = int(sku[1:])
    return {
        "amount": f"{3 + number * 1.25:.2f}",
        "currency": ("EUR", "USD", "GBP")[number % 3],
    }
