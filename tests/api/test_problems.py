"""Every error of the API has one form; none of them says more than it should."""

import itertools
import json
import random
import re
import time

import pytest
from django.test import Client

from accounts.models import User
from tests.usage.test_reservations import at_once
from vibe import api_urls

URL = "/api/v1/projects/"


def is_problem(answer, status):
    body = json.loads(answer.content)
    assert (answer.status_code, body["status"]) == (status, status), body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(body) and body["title"] and body["detail"]
    return body


def test_it_asks_who_is_there(api):
    answer = api().get(URL)
    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_it_says_not_found_for_an_unknown_address(api, alice):
    is_problem(api(alice).get("/api/v1/nowhere/"), 404)
    is_problem(api(alice).get("/api/v1/projects/not-a-uuid/"), 404)


def test_it_says_which_method_is_not_allowed(api, alice):
    answer = api(alice).put(URL, {})
    is_problem(answer, 405)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 50_000, "application/json", 400),
        (b'{"prompt": NaN}', "application/json", 400),
        (b'{"prompt": ' + b"9" * 10_000 + b"}", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"prompt": "\\ud800"}', "application/json", 400),
        (b"prompt=hello", "application/x-www-form-urlencoded", 415),
        (b"<prompt/>", "application/xml", 415),
        (b'{"prompt": "' + b"x" * 6_000_000 + b'"}', "application/json", 413),
    ],
)
def test_it_takes_no_nonsense(api, alice, body, kind, status):
    is_problem(api(alice).generic("POST", URL, body, content_type=kind), status)


def test_it_refuses_a_session_without_a_csrf_token(alice):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(alice)
    is_problem(client.post(URL, {"prompt": "A page"}, content_type="application/json"), 403)
    assert client.get(URL).status_code == 200


def test_it_does_not_show_its_insides_when_it_fails(api, alice, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("secret insides")

    monkeypatch.setattr("projects.api.visible", fail)
    answer = api(alice).get(URL)
    is_problem(answer, 500)
    assert b"secret" not in answer.content


@pytest.fixture
def fresh(person):
    """A user whose number no other test has had in this minute: counters are kept by number."""
    return lambda: person(pk=random.getrandbits(60))


def test_it_counts_requests_exactly_and_says_when_to_come_back(api, fresh, settings):
    settings.API_READS_PER_MINUTE = 5
    client = api(fresh())
    statuses = [client.get(URL).status_code for _ in range(12)]
    # The minute may turn once in between.
    assert 5 <= statuses.count(200) <= 10 and set(statuses) == {200, 429}
    answer = next(answer for answer in iter(lambda: client.get(URL), None) if answer.status_code == 429)
    is_problem(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_it_lets_exactly_as_many_through_when_all_come_at_once(api, fresh, settings, transactional_db):
    settings.API_READS_PER_MINUTE = 5
    user = fresh()
    clients = itertools.cycle([api(user) for _ in range(20)])
    # A new minute would let five more through: begin where there is time.
    while time.time() % 60 > 50:
        time.sleep(0.1)
    statuses = [answer.status_code for answer in at_once(20, lambda: next(clients).get(URL))]
    assert statuses.count(200) == 5 and statuses.count(429) == 15


def test_it_counts_people_apart(api, fresh, settings):
    settings.API_READS_PER_MINUTE = 1
    first, second = api(fresh()), api(fresh())
    assert 429 in {first.get(URL).status_code for _ in range(4)}
    assert second.get(URL).status_code == 200


def test_it_describes_itself(api, as_user):
    answer = api().get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert "/api/v1/projects/{id}/files/{path}" in paths and "/api/v1/runs/{id}/cancel/" in paths
    page = as_user().get("/api/v1/docs/")
    assert page.status_code == 200 and "/api/v1/projects/{id}/messages/" in page.text
    assert page.text.count("<script") == 1 and "Content-Security-Policy" in page.headers


# What describes the API is no part of it.
UNDESCRIBED = {"schema/", "docs/"}


def test_it_describes_every_route(api):
    described = api().get("/api/v1/schema/?format=json").json()["paths"]
    routes = {str(route.pattern) for route in api_urls.urlpatterns} - UNDESCRIBED
    # The description names a parameter in its own way.
    assert {re.sub("{.*?}", "*", path.removeprefix("/api/v1/")) for path in described} == {
        re.sub("<.*?>", "*", route) for route in routes
    }


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("projects/{id}/stream/", "get", "200"),
        ("projects/{id}/sandbox/logs/", "get", "409"),
        ("generate/", "post", "402"),
    ],
)
def test_it_describes_streams(api, path, method, status):
    described = api().get("/api/v1/schema/?format=json").json()
    operation = described["paths"][f"/api/v1/{path}"][method]
    assert "text/event-stream" in operation["responses"]["200"]["content"]
    assert status in operation["responses"] and {"token": []} in operation["security"]
    if method == "post":
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert described["components"]["schemas"][reference.rpartition("/")[2]]["required"] == ["projectId", "prompt"]


def test_it_lets_no_user_row_out(api, alice, project):
    client = api(alice)
    for url in (URL, f"{URL}{project.pk}/", "/api/v1/usage/"):
        assert alice.email not in client.get(url).content.decode()
    assert User.objects.count() == 1
