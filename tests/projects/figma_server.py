"""As much of Figma's REST API as is asked, over real HTTP: files, nodes of them, pictures of those."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "AbCdEfGhIj0123456789kl"
LINK = f"https://www.figma.com/design/{KEY}/Tea-shop?node-id=1-2&t=x"


def node(
    kind: str = "FRAME", name: str = "Layer", at: tuple[float, ...] = (0, 0, 100, 50), **more: Any
) -> dict[str, Any]:
    box = dict(zip(("x", "y", "width", "height"), at, strict=True))
    return {"id": "9:9", "type": kind, "name": name, "absoluteBoundingBox": box, **more}


def solid(red: float, green: float, blue: float, **more: Any) -> dict[str, Any]:
    return {"type": "SOLID", "color": {"r": red, "g": green, "b": blue, "a": 1}, **more}


class Figma:
    """`nodes`: what is there, by id; `document`: the file; `answers`: by the beginning of a path, in place of these."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}
        self.document: Any = None
        self.picture = b""
        self.images: dict[str, Any] | None = None
        # (status, headers, body); a body that is no bytes is called with what writes.
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str, query: dict[str, str], token: str | None) -> tuple[int, dict[str, str], Any]:
        for start, answer in self.answers.items():
            if path.startswith(start):
                return answer
        if path.startswith("/made/"):
            return 200, {}, self.picture
        if token != "figd-good":
            return 403, {}, {"status": 403, "err": "Invalid token"}
        if path == f"/v1/files/{KEY}/nodes":
            return 200, {}, {"name": "Tea", "nodes": {one: self.nodes.get(one) for one in query["ids"].split(",")}}
        if path == f"/v1/files/{KEY}" and self.document:
            return 200, {}, {"name": "Tea", "document": self.document}
        if path == f"/v1/images/{KEY}":
            made = {query["ids"]: f"{self.url}/made/1.png" if self.picture else None}
            return 200, {}, {"err": None, "images": made if self.images is None else self.images}
        return 404, {}, {"status": 404, "err": "Not found"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        figma = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                figma.asked.append((url.path, query, dict(self.headers)))
                status, headers, body = figma.answer(url.path, query, self.headers["X-Figma-Token"])
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    if callable(body):
                        body(self.wfile)
                    else:
                        self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def drip(out: Any) -> None:
    """A body that never ends, a few bytes at a time."""
    for _ in range(400):
        out.write(b" ")
        out.flush()
        time.sleep(0.05)


def flood(out: Any) -> None:
    """50 MB."""
    for _ in range(50):
        out.write(b'{"a":"' + b"x" * 2**20)
