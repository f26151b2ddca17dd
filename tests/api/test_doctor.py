"""The preview doctor names the link that is broken, and the lens says what the agent sees."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents.models import Sandbox

PAGE = '<!doctype html><body><div id="root"></div><script type="module" src="/src/main.js"></script></body>'


@pytest.fixture
def app(settings: Any) -> Iterator[dict[str, tuple[int, str]]]:
    """A host of sandboxes whose one app answers {path: (status, body)}."""
    answers: dict[str, tuple[int, str]] = {"/": (200, PAGE), "/src/main.js": (200, "1"), "/index.html": (200, PAGE)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, "No"))
            answers["host"] = (0, self.headers["Host"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SANDBOX_IS_EMBEDDED = True
    settings.E2B_SANDBOX_URL = f"http://127.0.0.1:{server.server_port}"
    yield answers
    server.shutdown()
    server.server_close()


@pytest.fixture
def check(api: Any, alice: Any, project: Any) -> Any:
    """The links, as {name: (ok, action)}."""

    def check(**sandbox: Any) -> dict[str, Any]:
        if sandbox:
            facts = {"sandbox_id": "s", "template": "html", "host": "3000-s.localhost", **sandbox}
            Sandbox.objects.update_or_create(project=project, defaults=facts)
        found = api(alice).get(f"/api/v1/projects/{project.pk}/sandbox/check/").json()
        return {link["name"]: (link["ok"], link["action"]) for link in found}

    return check


def test_it_finds_nothing_wrong_with_what_works(app, check):
    found = check(paused=False)
    assert list(found) == ["files", "sandbox", "server", "page", "code"]
    assert set(found.values()) == {(True, "none")}
    assert app["host"] == (0, "3000-s.localhost")


def test_it_says_that_the_sandbox_is_missing_or_sleeps(check):
    assert check()["sandbox"] == (False, "start")
    assert check(paused=True)["sandbox"] == (False, "start")


def test_it_says_that_nothing_listens(app, check):
    app["/"] = (502, "closed")
    assert check(paused=False)["server"] == (False, "restart")


def test_it_says_that_the_host_is_away(settings, check):
    settings.SANDBOX_IS_EMBEDDED, settings.E2B_SANDBOX_URL = True, "http://127.0.0.1:1"
    assert check(paused=False)["server"] == (False, "restart")


@pytest.mark.parametrize("answer", [(200, "<body> </body>"), (500, "broken"), (404, "")])
def test_it_says_that_the_page_is_blank_or_fails(app, check, answer):
    app["/"] = answer
    assert check(paused=False)["page"] == (False, "fix")


def test_it_says_which_file_does_not_compile(app, api, alice, project, check):
    message = r'const error = {"message":"Unexpected token (3:4)\nat main.js","stack":""}'
    app["/src/main.js"] = (500, message)
    assert check(paused=False)["code"] == (False, "fix")
    link = api(alice).get(f"/api/v1/projects/{project.pk}/sandbox/check/").json()[-1]
    assert link["title"] == "/src/main.js answers HTTP 500"
    assert link["detail"] == "Unexpected token (3:4)\nat main.js"


def test_it_shows_what_the_agent_sees(api, alice, project):
    seen = api(alice).get(f"/api/v1/projects/{project.pk}/context/").json()
    assert [one["path"] for one in seen["files"]] == ["app.js", "index.html"]
    assert seen["model"] == "Vibe-M" and "Framework: html" in seen["instructions"]
    assert seen["tokens"]["instructions"] == round(len(seen["instructions"]) / 3.5)


def test_it_has_a_free_repair_for_a_missing_package(app, check):
    app["/src/main.js"] = (
        500,
        'const error = {"message": "Failed to resolve import \\"zustand\\" from \\"src/a.ts\\""}',
    )
    assert check(paused=False)["code"] == (False, "repair")
    app["/src/main.js"] = (500, 'const error = {"message": "Unexpected token"}')
    assert check(paused=False)["code"] == (False, "fix")


@pytest.mark.parametrize("piece", ["<", "<style", "<body", "<script", "<script src='", '"message":"'])
@pytest.mark.parametrize("status", [200, 500])
def test_it_is_not_kept_by_a_page_of_beginnings(app, check, piece, status):
    app["/"] = (status, piece * (200_000 // len(piece)))
    began = time.process_time()
    check(paused=False)
    assert (
        time.process_time() - began < 5
    )  # each beginning that looked for its end took the page's length: half a minute
