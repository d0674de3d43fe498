"""A small HTTP server for programs in fixtures; it remembers what it was asked.

/json            {"method", "path", "args", "json", "form"} of the request
/headers         the request's headers, names in lower case, without those every client differs in
/status/N        an answer with status N; HEAD works everywhere
/flaky/N/KEY     503 for the first N requests of KEY, then 200 with {"attempts": ...}
/redirect/N      N redirects, then /json
/items?page=P    three pages of two items, with a Link header to the next
/text            plain text in latin-1
/slow/MS         answers after MS milliseconds
/cookie/NAME/V   sets a cookie; /cookies gives the ones that came
/close           hangs up without an answer
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

CLIENT_HEADERS = frozenset({"user-agent", "accept", "accept-encoding", "connection", "host"})


class EchoServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of five, 40 clients at once are reset now and then

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.log: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextlib.contextmanager
def serving() -> Iterator[EchoServer]:
    server = EchoServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: EchoServer

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        is_json = "json" in self.headers.get("Content-Type", "")
        body = json.loads(content) if is_json and content else content.decode("latin-1")
        self.server.asked[parts.path] += 1
        self.server.log.append(
            {
                "method": self.command,
                "path": parts.path,
                "args": parse_qsl(parts.query),
                "body": body,
                "headers": self.own_headers(),
            }
        )
        self.route(parts.path.strip("/").split("/"), parse_qs(parts.query), body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def own_headers(self) -> dict[str, str]:
        return {
            name.lower(): value
            for name, value in sorted(self.headers.items())
            if name.lower() not in CLIENT_HEADERS | {"content-length"}
        }

    def route(self, path: list[str], args: dict[str, list[str]], body: Any) -> None:
        match path:
            case ["headers"]:
                self.send_json(self.own_headers())
            case ["status", number]:
                self.send_json({"status": int(number)}, int(number))
            case ["flaky", number, _]:
                attempts = self.server.asked[urlsplit(self.path).path]
                self.send_json({"attempts": attempts}, 503 if attempts <= int(number) else 200)
            case ["redirect", number]:
                target = f"/redirect/{int(number) - 1}" if int(number) > 1 else "/json"
                self.send(302, b"", {"Location": target})
            case ["items"]:
                page = int(args.get("page", ["1"])[0])
                link = {"Link": f'<{self.server.url}/items?page={page + 1}>; rel="next"'}
                self.send_json([page * 2 - 1, page * 2], headers=link if page < 3 else {})
            case ["text"]:
                self.send(200, "süß".encode("latin-1"), {"Content-Type": "text/plain"})
            case ["slow", milliseconds]:
                time.sleep(int(milliseconds) / 1000)
                self.send_json({"slept": int(milliseconds)})
            case ["cookie", name, value]:
                self.send(200, b"", {"Set-Cookie": f"{name}={value}; Path=/"})
            case ["cookies"]:
                jar = SimpleCookie(self.headers.get("Cookie", ""))
                self.send_json({name: morsel.value for name, morsel in sorted(jar.items())})
            case ["close"]:
                self.close_connection = True
                self.connection.close()
            case _:
                self.send_json(
                    {"method": self.command, "path": self.path, "args": args, "body": body}
                )

    def send_json(
        self, data: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(data).encode()
        self.send(status, content, {"Content-Type": "application/json", **(headers or {})})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """The log is kept, not printed."""
