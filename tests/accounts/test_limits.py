"""Signing in is counted exactly: of a hundred at once as many pass as may, and no header hides where they come from."""

from itertools import count
from random import randrange
from types import SimpleNamespace

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import limits
from tests.usage.test_reservations import at_once

# Another beginning each time: Redis remembers the last run for some minutes.
WINDOWS = count(2_000_000_000 + 18_000 * randrange(10**6), 18_000)


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """A clock that stands, in a window nobody else counts in: no test meets the end of one."""
    at = float(next(WINDOWS))
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: at))


def post(name: str, data: dict[str, str], **headers: str) -> int:
    return Client(raise_request_exception=False).post(reverse(name), data, headers=headers).status_code


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("account_login", {"login": "{}@example.com", "password": "wrong"}),
        ("account_signup", {"email": "not an address", "password1": "x"}),
        ("admin:login", {"username": "{}", "password": "wrong"}),
    ],
)
def test_it_lets_exactly_as_many_pass_as_may(transactional_db, settings, name, data):
    settings.SIGN_INS_PER_MINUTE = 30
    numbers = iter(range(100))

    def attempt() -> int:
        number = next(numbers)
        spoofed = {"X-Forwarded-For": f"10.9.8.{number}", "X-Real-IP": f"10.9.8.{number}"}
        return post(name, {key: value.format(number) for key, value in data.items()}, **spoofed)

    answers = at_once(100, attempt)
    assert answers.count(429) == 70, answers


def test_it_counts_tries_of_one_account_from_wherever_they_come(db, settings, alice):
    settings.SIGN_IN_TRIES, settings.TRUSTED_PROXIES = 5, 1
    tries = [
        post(
            "account_login", {"login": f" {alice.email.upper()}", "password": "x"}, **{"X-Forwarded-For": f"10.0.0.{n}"}
        )
        for n in range(8)
    ]
    assert tries == [200] * 5 + [429] * 3


def test_it_says_when_to_come_back(db, settings):
    settings.SIGN_INS_PER_MINUTE = 0
    answer = Client().post(reverse("account_login"), {"login": "x", "password": "y"})
    assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 61
    assert "A little slower" in answer.text


@pytest.mark.parametrize(
    ("proxies", "told", "found"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "", "9.9.9.9"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "9.9.9.9"),
    ],
)
def test_it_believes_its_own_proxies_and_nobody_else(settings, proxies, told, found):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="9.9.9.9", headers={"X-Forwarded-For": told} if told else {})
    assert limits.address(request) == limits.source(request) == found


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:1.1.1.1", "1.1.1.1"),
    ],
)
def test_it_counts_a_whole_network_where_everybody_has_one(address, source):
    assert limits.source(RequestFactory().get("/", REMOTE_ADDR=address)) == source
