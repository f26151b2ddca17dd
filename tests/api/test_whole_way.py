"""An app from a prompt with nothing but the REST API: real worker, real sandbox, the demo model."""

import http.client
import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import ApiToken

PROMPT = "A page about tea with opening hours"


@pytest.fixture
def rest(stack, person):
    """`rest(method, path, body)`: status, headers and body of a real request by token; `until` ends a stream."""
    _, token = ApiToken.issue(person())

    def ask(method: str, path: str, body: Any = None, until: bytes = b"") -> tuple[int, Any, bytes]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{stack.url}/api/v1/{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                lines = (line for line in answer)
                read = b"".join(lines) if not until else next(line for line in lines if until in line)
                return answer.status, answer.headers, read
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    return ask


@pytest.mark.sandbox
def test_it_builds_changes_and_hands_out_an_app(rest, eventually):
    status, _, body = rest("POST", "projects/", {"prompt": PROMPT, "framework": "html"})
    assert status == 201
    started = json.loads(body)
    base, run = f"projects/{started['id']}/", started["run"]["id"]

    # The stream gives every event once, in order, and ends with the run.
    status, headers, stream = rest("GET", f"{base}stream/")
    assert status == 200 and headers["Content-Type"].startswith("text/event-stream")
    ids = [int(line[4:]) for line in stream.decode().splitlines() if line.startswith("id: ")]
    assert ids == list(range(1, len(ids) + 1)) and b"event: complete" in stream

    finished = json.loads(rest("GET", f"runs/{run}/")[2])
    assert (finished["state"], finished["version"]) == ("succeeded", 1), finished["reason"]
    polled = json.loads(rest("GET", f"{base}events/?after=0")[2])
    assert [event["id"] for event in polled["events"]] == ids and polled["run_state"] == "succeeded"
    assert polled["cursor"] == ids[-1]

    # Cost: the ledger has what the run says.
    usage = json.loads(rest("GET", "usage/")[2])
    charges = [entry["amount"] for entry in usage["entries"] if entry["kind"] == "charge"]
    assert sum(charges) == -finished["cost"] and usage["reserved"] == 0

    archive = zipfile.ZipFile(io.BytesIO(rest("GET", f"{base}download/")[2]))
    files = json.loads(rest("GET", f"{base}files/")[2])["files"]
    assert sorted(archive.namelist()) == sorted(one["path"] for one in files) and "index.html" in archive.namelist()

    # A file saved by hand reaches the running app.
    page = json.loads(rest("GET", f"{base}files/index.html")[2])["content"]
    changed = page.replace("</body>", "<p id=by-hand>changed by hand</p></body>")
    assert rest("PUT", f"{base}files/index.html", {"content": changed})[0] == 201
    assert rest("POST", f"{base}sandbox/start/", {})[0] == 202
    url = json.loads(rest("GET", f"{base}sandbox/")[2])["url"]
    eventually(lambda: b"changed by hand" in fetch(url), seconds=60)

    # The log of its dev server can be followed for as long as one likes.
    assert b'{"text": ' in rest("GET", f"{base}sandbox/logs/", until=b'{"text": ')[2]

    assert rest("POST", f"{base}sandbox/stop/", {})[0] == 202
    eventually(lambda: json.loads(rest("GET", f"{base}sandbox/")[2])["state"] == "paused", seconds=30)
    assert rest("GET", f"{base}sandbox/logs/")[0] == 409


def fetch(url: str) -> bytes:
    """What the preview answers; its name is a browser's to resolve, so the address is given here."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": place.netloc})
        return connection.getresponse().read()
    except OSError as error:
        return str(error).encode()
    finally:
        connection.close()
