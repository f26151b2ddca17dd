"""Outside services that a configuration names are asked at the start."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from launcher.machine import free_port
from launcher.parties import check_parties
from launcher.problem import Problem


class Handler(BaseHTTPRequestHandler):
    """A vendor that knows one key."""

    def do_GET(self) -> None:
        known = "good" in (self.headers.get("x-api-key") or "")
        self.send_response(200 if known else 401)
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def vendor():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_accepts_keys_that_are_known(vendor):
    values = {"ANTHROPIC_API_KEY": "good", "ANTHROPIC_BASE_URL": vendor, "E2B_API_KEY": "good", "E2B_API_URL": vendor}
    check_parties(values, pytest.fail)


@pytest.mark.parametrize(
    ("key", "address"), [("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"), ("E2B_API_KEY", "E2B_API_URL"),
     ("AI_GATEWAY_API_KEY", "AI_GATEWAY_BASE_URL")],
)  # fmt: skip
def test_it_names_a_key_that_is_rejected_and_does_not_show_it(vendor, key, address):
    with pytest.raises(Problem, match=rf"^{key}: .*rejected this key \(HTTP 401\)") as caught:
        check_parties({key: "stale-key", address: vendor}, pytest.fail)
    assert "stale-key" not in str(caught.value)


def test_it_names_an_address_where_nobody_answers():
    values = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    with pytest.raises(Problem, match=r"^ANTHROPIC_BASE_URL: .*cannot be reached.*remove it"):
        check_parties(values, pytest.fail)


def test_it_names_a_database_and_a_broker_that_do_not_answer():
    port = free_port()
    values = {"DATABASE_URL": f"postgres://u:secret@127.0.0.1:{port}/d", "REDIS_URL": f"redis://127.0.0.1:{port}"}
    with pytest.raises(Problem) as caught:
        check_parties(values, pytest.fail)
    assert "DATABASE_URL: no usable answer from 127.0.0.1" in str(caught.value)
    assert "REDIS_URL: no usable answer from 127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)
