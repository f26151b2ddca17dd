"""A client of a running site, as small as can be: REST over one connection, events by SSE, previews by Host."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.starting import environment


class Client:
    def __init__(self, port: int, token: str) -> None:
        self.port, self.head = port, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.head)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return json.loads(content) if content and is_json else None

    def events(self, project: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """The project's events as they come, until the stream ends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", f"/api/v1/projects/{project}/stream/?after={after}", headers=self.head)
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
        connection.close()


def preview(url: str) -> tuple[int, bytes]:
    """GET of a preview. `*.localhost` is not resolved outside browsers: dial loopback, name the host."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=10)
    connection.request("GET", parts.path or "/", headers={"Host": parts.netloc, "Accept": "text/html"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def token(root: Path, home: Path) -> str:
    """An API token of a user made for the benchmark, with credits enough."""
    command = [str(root / "bin/manage"), "token", "benchmark@example.com", "--create", "--credits", "1000"]
    out = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
    return out.stdout.strip().splitlines()[-1]
