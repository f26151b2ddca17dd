"""Pages for when something is wrong: they say what happened and what to do next, and need nothing that may be down."""

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from django.test import Client, RequestFactory
from django.urls import reverse

from vibe import problems

DEAD = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "127.0.0.1", "PORT": "9"}


@pytest.mark.django_db
def test_it_says_that_nothing_is_there_and_where_to_go(as_user, alice):
    for user in (None, alice):
        answer = as_user(user).get("/nowhere/", headers={"Cookie": "theme=dark"} if user is None else {})
        assert answer.status_code == 404
        assert "Nothing here" in answer.text and 'href="/projects/"' in answer.text
    assert 'data-theme="dark"' in as_user().get("/nowhere/", headers={"Cookie": "theme=dark"}).text
    assert 'data-theme="system"' in as_user().get("/nowhere/", headers={"Cookie": 'theme="><script>'}).text


@pytest.mark.django_db
def test_it_says_that_a_form_is_out_of_date():
    answer = Client(enforce_csrf_checks=True).post(reverse("project-create"), {"prompt": "x"})
    assert answer.status_code == 403 and "out of date" in answer.text


def test_it_shows_a_page_of_our_own_when_anything_breaks():
    # Without the fixture that allows it, whatever asks the database fails; so would an error page that did.
    client = Client(raise_request_exception=False)
    client.cookies["vibe_session"] = "x" * 32
    answer = client.get("/usage/")
    assert answer.status_code == 500
    assert "That was our mistake" in answer.text and 'href="/usage/"' in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    api = client.get("/api/v1/usage/")
    assert api.status_code == 500 and api.headers["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/usage/", "/api/v1/usage/"])
def test_it_says_come_back_when_the_database_is_away(path):
    try:
        ConnectionHandler({"default": DEAD})["default"].ensure_connection()
    except OperationalError:
        answer = problems.server_error(RequestFactory().get(path))
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "30"
    assert b"database cannot be reached" in answer.content


def test_it_says_what_is_not_allowed_and_that_signing_in_may_help():
    answer = problems.forbidden(RequestFactory().get("/x/"), PermissionDenied("Only staff may."))
    assert b"Only staff may." in answer.content and b"/accounts/login/" in answer.content


MAINTAINED = """
import django; django.setup()
from django.test import Client
client = Client(SERVER_NAME='localhost')
for path in ("/", "/api/v1/projects/", "/healthz"):
    answer = client.get(path)
    print(answer.status_code, answer.headers.get("Retry-After", "-"), answer.headers["Content-Type"])
"""


def test_it_is_closed_for_maintenance_as_a_whole():
    environment = {**os.environ, "MAINTENANCE": "true", "DATABASE_URL": "postgres://x:x@127.0.0.1:9/x"}
    done = subprocess.run(
        [sys.executable, "-c", MAINTAINED], env=environment, capture_output=True, text=True, check=True
    )
    page, api, health = done.stdout.splitlines()
    assert page.startswith("503 30 text/html") and api.startswith("503 30 application/problem+json")
    assert health.startswith("200")


def test_it_says_the_same_in_json_where_programs_ask():
    answer = problems.unavailable(RequestFactory().get("/api/v1/projects/"), "Closed.")
    body = json.loads(answer.content)
    assert (body["status"], body["detail"]) == (503, "Closed.")
