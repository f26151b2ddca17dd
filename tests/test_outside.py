"""Requests that wait for somebody else's server: others are answered meanwhile; what cannot wait is refused whole."""

import http.client
import io
import json
import os
import re
import statistics
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection as database

from accounts import outside
from accounts.models import ApiToken, Delivery, User
from agents import design_imports
from agents.models import Run
from launcher import testing
from projects import pushing
from projects.models import Project, Version
from tests.people import PASSWORD
from tests.projects.figma_server import LINK
from tests.usage.stripe_server import SECRET, event
from usage.models import Account
from usage.services import account_of
from vibe import health
from vibe.handler import THREADS

IMPORT = "/api/v1/projects/import/"
FAIR_SECONDS = 1.0


class Slow:
    """A GitHub whose archives come once `go` is set. `waiting`: the requests that it has not answered yet."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.waiting = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.go.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        slow, lock = self, threading.Lock()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.html", "<h1>Tea</h1>")

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with lock:
                    slow.waiting += 1
                slow.go.wait(30)
                with lock:
                    slow.waiting -= 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(packed.getvalue())

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[tuple[str, Slow]]:
    """Where a web process of its own is, and the slow GitHub that it asks."""
    slow = Slow()
    session = testing.current()
    database = re.sub(r"/[^/]*$", f"/{settings.DATABASES['default']['NAME']}", os.environ["DATABASE_URL"])
    changes = {"DATABASE_URL": database, "GITHUB_ARCHIVES_BASE_URL": slow.url}
    plan, supervisor = testing.application(session, "slow-outside", changes)
    supervisor.jobs = [job for job in supervisor.jobs if job.name == "web"]
    try:
        supervisor.start()
        yield f"127.0.0.1:{plan.port}", slow
    finally:
        supervisor.stop()
        slow.close()


@pytest.fixture
def slow(web: tuple[str, Slow], transactional_db: None) -> Slow:
    slow = web[1]
    slow.go.clear()
    return slow


@pytest.fixture
def ask(web: tuple[str, Slow], slow: Slow, eventually: Any) -> Iterator[Any]:
    """`ask(token)`: a list of projects, or with `repository` an import, over a connection of its own."""
    open_ones: list[http.client.HTTPConnection] = []

    def ask(token: str, repository: str = "") -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(web[0], timeout=30)
        open_ones.append(connection)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = json.dumps({"repository": repository}) if repository else None
        connection.request("POST" if body else "GET", IMPORT if body else "/api/v1/projects/", body, headers)
        return connection

    yield ask
    slow.go.set()
    for connection in open_ones:
        connection.close()
    eventually(lambda: slow.waiting == 0)


def token(user: User) -> str:
    return ApiToken.issue(user)[1]


def fair(ask: Any, stranger: str) -> None:
    """Somebody else is answered at once, again and again."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert ask(stranger).getresponse().status == 200
        took.append(time.monotonic() - began)
    assert statistics.median(took) < FAIR_SECONDS and max(took) < 5 * FAIR_SECONDS, took


def test_it_answers_others_while_one_person_has_as_many_imports_as_there_are_threads(
    ask: Any, slow: Slow, alice: User, bob: User, eventually: Any
) -> None:
    hers, his = token(alice), token(bob)
    tabs = [ask(hers, "ann/tea") for _ in range(THREADS + 4)]
    eventually(lambda: slow.waiting >= outside.EACH)
    fair(ask, his)
    assert slow.waiting == outside.EACH
    # The next one of his own is taken all the same.
    other = ask(his, "ann/tea")
    eventually(lambda: slow.waiting == outside.EACH + 1)
    slow.go.set()
    answers = [tab.getresponse() for tab in (*tabs, other)]
    refused = [answer for answer in answers if answer.status == 503]
    assert sorted(answer.status for answer in answers) == [201] * (outside.EACH + 1) + [503] * len(refused)
    assert len(refused) == THREADS + 4 - outside.EACH
    assert Project.objects.count() == outside.EACH + 1
    told = json.loads(refused[0].read())
    assert refused[0].headers["Content-Type"] == "application/problem+json"
    assert int(refused[0].headers["Retry-After"]) > 0 and "Try again" in told["detail"]
    assert ask(hers, "ann/tea").getresponse().status == 201  # what they held is free again


def test_it_answers_others_while_many_people_import(
    ask: Any, slow: Slow, person: Any, bob: User, eventually: Any
) -> None:
    his, theirs = token(bob), [token(person()) for _ in range(THREADS + 4)]
    tabs = [ask(one, "ann/tea") for one in theirs]
    eventually(lambda: slow.waiting >= outside.PEOPLE)
    fair(ask, his)
    assert slow.waiting == outside.PEOPLE
    slow.go.set()
    assert sorted(tab.getresponse().status for tab in tabs).count(201) == outside.PEOPLE


def test_it_counts_who_went_away_until_their_thread_is_free(ask: Any, slow: Slow, alice: User, eventually: Any) -> None:
    hers = token(alice)
    for tab in [ask(hers, "ann/tea") for _ in range(outside.EACH)]:
        eventually(lambda: slow.waiting)
        tab.close()
    eventually(lambda: slow.waiting == outside.EACH)
    assert ask(hers, "ann/tea").getresponse().status == 503
    slow.go.set()
    eventually(lambda: ask(hers, "ann/tea").getresponse().status == 201)


# --- Every place where somebody else is waited for --------------------------------------------------------------------


class Watching(BaseHTTPRequestHandler):
    """Whoever is asked; says 404 to everything. `held`: the places that were taken at each request."""

    held: list[dict[int | None, int]] = []

    def do_GET(self) -> None:
        self.held.append(dict(outside._places))
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def watching(settings: Any) -> Iterator[list[dict[int | None, int]]]:
    """Who is asked in place of GitHub, Figma, the providers of models and Stripe."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Watching) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        Watching.held = []
        url = f"http://127.0.0.1:{server.server_port}"
        settings.GITHUB_ARCHIVES_BASE_URL = settings.GITHUB_API_BASE_URL = url
        settings.FIGMA_API_BASE_URL = settings.ANTHROPIC_BASE_URL = settings.STRIPE_API_BASE = url
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_1", [SECRET]
        settings.STRIPE_PRICE_TOPUP, settings.MCP_LOCAL, settings.NO_OWN_KEYS = "price_topup", True, []
        yield Watching.held
        server.shutdown()
        thread.join()


FRAME = {"frame": LINK, "token": "figd-good"}
PUSH = {"repository": "ann/tea", "token": "good"}
API = {
    "import": ("/api/v1/projects/import/", {"repository": "ann/tea"}),
    "import with a token": ("/api/v1/projects/import/", PUSH),
    "update": ("/api/v1/projects/{pk}/import/", {"repository": "ann/tea"}),
    "design": ("/api/v1/projects/import/figma/", FRAME),
    "design into": ("/api/v1/projects/{pk}/import/figma/", FRAME),
    "push": ("/api/v1/projects/{pk}/push/", PUSH),
}
PAGES = {
    "import": ("/projects/import/", {"repository": "ann/tea"}, 503),
    "update": ("/projects/{pk}/import/", {"repository": "ann/tea"}, 503),
    "design": ("/projects/import/", FRAME, 503),
    "design into": ("/projects/{pk}/import/", FRAME, 503),
    "push": ("/projects/{pk}/push/", PUSH, 503),
    "key": ("/settings/keys/", {"provider": "anthropic", "key": "sk-ant-0123456789"}, 302),
    "MCP server": ("/settings/mcp/", {"name": "wiki", "url": "{url}/mcp"}, 302),
    "checkout": ("/usage/checkout/", {"what": "topup", "once": "1"}, 302),
    "portal": ("/usage/portal/", {}, 302),
}


def full(user: User) -> ExitStack:
    """As many of a person's requests wait as may."""
    taken = ExitStack()
    for _ in range(outside.EACH):
        taken.enter_context(outside.waiting(user.pk))
    return taken


def full_of_nobody() -> ExitStack:
    taken = ExitStack()
    for _ in range(outside.NOBODY):
        taken.enter_context(outside.waiting())
    return taken


def rows(user: User) -> list[int]:
    return [
        Project.objects.count(),
        Version.objects.count(),
        Run.objects.count(),
        user.provider_keys.count(),
        user.mcp_servers.count(),
    ]


@pytest.mark.parametrize("route", API.values(), ids=API)
def test_it_has_a_place_while_it_waits_and_refuses_whole_without_one(
    watching: Any, api: Any, alice: User, bob: User, project: Project, monkeypatch: Any, caplog: Any, route: Any
) -> None:
    monkeypatch.setattr(design_imports, "IMPORTS", 1)
    monkeypatch.setattr(pushing, "PUSHES", 1)
    url, body = route[0].format(pk=project.pk), route[1]
    before = rows(alice)
    with full(alice):
        refused = api(alice).post(url, body, format="json")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(outside.RETRY_SECONDS))
    assert "Try again in a few seconds" in refused.json()["detail"]
    assert not any(record.exc_info for record in caplog.records)  # nobody needs to look into it
    assert not watching and rows(alice) == before
    # It was not counted either; and what others wait for is nothing to her.
    with full(bob):
        assert api(alice).post(url, body, format="json").status_code == 400
    assert watching and all(held[alice.pk] == 1 for held in watching), watching
    assert not outside._places
    assert api(alice).post(url, body, format="json").status_code == 429


@pytest.mark.parametrize("route", PAGES.values(), ids=PAGES)
def test_it_says_so_on_pages(watching: Any, as_user: Any, alice: User, project: Project, route: Any) -> None:
    Account.objects.filter(pk=account_of(alice).pk).update(customer="cus_1")
    url, status = route[0].format(pk=project.pk), route[2]
    form = {name: text.format(url=settings.STRIPE_API_BASE) for name, text in route[1].items()}
    before, browser = rows(alice), as_user(alice)
    with full(alice):
        refused = browser.post(url, form)
    assert refused.status_code == status
    page = refused if status == 503 else browser.get(refused.url)
    assert "Try again in a few seconds" in page.text
    assert not watching and rows(alice) == before
    assert browser.post(url, form).status_code in (302, 400)
    assert watching and all(held[alice.pk] == 1 for held in watching), watching
    assert not outside._places


def test_it_has_stripe_tell_later_of_a_subscription_that_cannot_be_asked_for_now(
    watching: Any, transactional_db: None, alice: User
) -> None:
    thing = {"id": "sub_1"}
    with full_of_nobody():
        assert event("customer.subscription.updated", thing, "evt_1").status_code == 503
        assert not watching and not Delivery.objects.exists()
    event("customer.subscription.updated", thing, "evt_1")
    assert watching and all(held == {None: 1} for held in watching)
    assert not outside._places


class Mail(BaseEmailBackend):
    """A mail server; `held`: the places that were taken at each message."""

    held: list[dict[int | None, int]] = []

    def send_messages(self, messages: Any) -> int:
        self.held += [dict(outside._places) for _ in messages]
        return len(messages)


def test_it_lets_only_so_many_wait_for_the_mail_server(as_user: Any, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND, Mail.held = "tests.test_outside.Mail", []
    with full_of_nobody():
        refused = as_user().post("/accounts/password/reset/", {"email": alice.email})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(outside.RETRY_SECONDS))
    assert "Try again in a few seconds" in refused.text and not Mail.held
    assert as_user().post("/accounts/password/reset/", {"email": alice.email}).status_code == 302
    assert Mail.held == [{None: 1}] and not outside._places
    assert settings.EMAIL_TIMEOUT <= 10


def test_it_signs_nobody_up_by_halves(as_user: Any, settings: Any, db: None) -> None:
    settings.EMAIL_BACKEND, settings.ACCOUNT_EMAIL_VERIFICATION, Mail.held = "tests.test_outside.Mail", "mandatory", []
    form = {"email": f"{uuid4().hex}@example.com", "password1": PASSWORD}
    browser = as_user()
    with full_of_nobody():
        assert browser.post("/accounts/signup/", form).status_code == 503
        assert browser.get("/accounts/signup/").status_code == 200
    assert not User.objects.exists() and not Mail.held
    assert browser.post("/accounts/signup/", form).status_code == 302
    assert User.objects.get().email == form["email"] and Mail.held == [{None: 1}]


def test_it_gives_its_place_back_whatever_happens(alice: User) -> None:
    for _ in range(outside.PEOPLE + 1):
        with pytest.raises(RuntimeError), outside.waiting(alice.pk):
            raise RuntimeError
    assert not outside._places


def test_it_keeps_places_for_who_is_not_signed_in() -> None:
    with ExitStack() as taken:
        for user_id in range(outside.PEOPLE):
            taken.enter_context(outside.waiting(user_id))
        with pytest.raises(outside.Busy):
            taken.enter_context(outside.waiting(outside.PEOPLE))
        for _ in range(outside.NOBODY):
            taken.enter_context(outside.waiting())
        with pytest.raises(outside.Busy):
            taken.enter_context(outside.waiting())
    # Most threads of a process are for those who wait for nobody, or nearly.
    assert outside.PEOPLE + outside.NOBODY <= THREADS * 2 // 3


def test_it_asks_for_readiness_once_however_many_want_to_know(
    settings: Any, as_user: Any, transactional_db: None, monkeypatch: Any, eventually: Any
) -> None:
    slow = Slow()
    settings.E2B_API_URL = settings.ANTHROPIC_BASE_URL = slow.url
    monkeypatch.setattr(health, "FRESH_SECONDS", -1)
    monkeypatch.setattr(health, "_outside", {"sandbox": (0.0, {"ok": True}), "model": (0.0, {"ok": True})})

    def first() -> None:
        as_user().get("/readyz")
        database.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        eventually(lambda: slow.waiting == 2)
        assert as_user().get("/readyz").status_code == 200  # as it was before
        assert slow.waiting == 2 and thread.is_alive()
    finally:
        slow.close()
        thread.join()
