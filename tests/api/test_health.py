"""/healthz says this process lives; /readyz names what does not answer."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vibe import health


@pytest.fixture
def party() -> Iterator[str]:
    """The address of an HTTP server that answers with the status its path begins with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.split("/")[1]))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def ready(as_user, settings, monkeypatch, db):
    monkeypatch.setattr(health, "FRESH_SECONDS", -1)

    def ask(sandbox: str, model: str):
        settings.E2B_API_URL, settings.ANTHROPIC_BASE_URL = sandbox, model
        answer = as_user().get("/readyz")
        return answer, answer.json()["checks"]

    return ask


def test_it_lives(as_user):
    answer = as_user().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_it_is_ready_when_all_answer(ready, party):
    answer, checks = ready(f"{party}/200", f"{party}/200")
    assert answer.status_code == 200 and answer.json()["ok"] is True
    assert set(checks) == {"database", "redis", "sandbox", "model"}
    assert all(check["ok"] and check["ms"] >= 0 for check in checks.values())


def test_it_names_who_does_not_answer(ready, party, closed):
    answer, checks = ready(closed, f"{party}/200")
    assert answer.status_code == 503 and answer.json()["ok"] is False
    assert [name for name, check in checks.items() if not check["ok"]] == ["sandbox"]
    assert "does not answer" in checks["sandbox"]["detail"]


def test_it_says_when_a_key_is_wrong(ready, party):
    answer, checks = ready(f"{party}/200", f"{party}/401")
    assert answer.status_code == 503
    assert checks["model"]["detail"] == "Anthropic refuses this key."


def test_it_tells_no_secrets(ready, party, settings):
    settings.ANTHROPIC_API_KEY = settings.E2B_API_KEY = "sk-secret"
    answer, _ = ready(f"{party}/500", f"{party}/403")
    assert b"sk-secret" not in answer.content and b"127.0.0.1" not in answer.content


def test_it_asks_outside_parties_no_more_than_every_few_seconds(ready, party, closed, monkeypatch):
    ready(f"{party}/200", f"{party}/200")
    monkeypatch.setattr(health, "FRESH_SECONDS", 60)
    answer, _ = ready(closed, closed)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_only_read(as_user, db, path):
    assert as_user().post(path).status_code == 405
