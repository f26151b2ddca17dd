"""An outside system may change users when it signs what it says; each event once, whatever comes in what order."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Delivery, User
from accounts.signing import sign
from tests.usage.test_reservations import at_once
from usage.models import Account, Entry
from usage.services import account_of

SECRETS = ["a-newer-secret", "an-older-secret"]
URL = "/hooks/accounts/"


@pytest.fixture(autouse=True)
def secrets(settings):
    settings.WEBHOOK_SECRETS = SECRETS


def send(kind: str, data: Any, *, key: str = "", sent: float = 0, secret: str = SECRETS[0], **more: Any) -> Any:
    body = json.dumps({"type": kind, "data": data, **more}).encode()
    return post(body, key=key, sent=sent, secret=secret)


def post(
    body: bytes, changed: dict[str, str] | None = None, *, key: str = "", sent: float = 0, secret: str = SECRETS[0]
) -> Any:
    key, stamp = key or f"msg_{uuid4().hex}", str(int(sent or time.time()))
    signed = {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{sign(secret, key, stamp, body)}",
    }
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    return client.post(URL, body, content_type="application/json", headers=signed | (changed or {}))


def new(**data: str) -> dict[str, str]:
    return {"id": "ext-1", "email": "New@Example.com", "name": "New", **data}


def test_it_makes_changes_suspends_and_tops_up_a_user(db, as_user):
    assert send("user.created", new()).json() == {"applied": True}
    user = User.objects.get()
    assert (user.email, user.name, user.external_id) == ("new@example.com", "New", "ext-1")
    assert not user.has_usable_password() and account_of(user).balance == 25_000_000
    send("user.updated", {"id": "ext-1", "email": "other@example.com"})
    send("credits.granted", {"id": "ext-1", "credits": 2.5, "note": "Invoice 7"})
    send("plan.changed", {"email": "other@example.com", "plan": "pro"})
    assert account_of(user).balance == 127_500_000
    client = as_user(user)
    send("user.suspended", {"id": "ext-1"})
    assert client.get("/settings/").status_code == 302
    send("user.reinstated", {"id": "ext-1"})
    user.refresh_from_db()
    assert (user.email, user.name, user.is_active) == ("other@example.com", "New", True)


@pytest.mark.parametrize("secret", SECRETS)
def test_it_takes_each_secret_while_they_are_rotated(db, secret):
    assert send("user.created", new(), secret=secret).status_code == 200


def test_it_refuses_what_is_not_signed_altered_old_or_from_the_future(db):
    body = json.dumps({"type": "user.created", "data": new()}).encode()
    late = time.time() - 360
    refused = [
        post(body, secret="another"),
        post(body, sent=late),
        post(body, sent=time.time() + 360),
        post(body, {"webhook-signature": ""}),
        post(body, {"webhook-id": ""}),
        post(body, {"webhook-id": "another"}),
        post(body, {"webhook-timestamp": str(int(time.time()) + 1)}),
        post(body, {"webhook-timestamp": "now"}),
        Client().post(URL, body, content_type="application/json"),
    ]
    altered = {"webhook-signature": f"v1,{sign(SECRETS[0], 'id', str(int(time.time())), b'{}')}", "webhook-id": "id"}
    refused.append(post(body, altered))
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert len({answer.content for answer in refused}) == 1
    assert not User.objects.exists() and not Delivery.objects.exists()
    assert post(body, sent=time.time() - 290).status_code == 200


def test_it_takes_effect_once_for_fifty_at_once(transactional_db):
    send("user.created", new())
    answers = at_once(50, lambda: send("credits.granted", {"id": "ext-1", "credits": 1}, key="msg_once"))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert sum(answer.json()["applied"] for answer in answers) == 1
    assert Account.objects.get().balance == 26_000_000
    assert Entry.objects.filter(key="hook-msg_once").count() == 1


def test_it_lets_an_older_event_that_comes_late_change_nothing(db):
    send("user.created", new(), timestamp="2027-01-01T10:00:00Z")
    send("user.suspended", {"id": "ext-1"}, timestamp="2027-01-01T12:00:00Z")
    late = send("user.reinstated", {"id": "ext-1"}, timestamp="2027-01-01T11:00:00Z")
    assert late.json()["applied"] is False and not User.objects.get().is_active
    assert send("user.updated", new(name="Old"), timestamp="2027-01-01T11:00:00Z").json()["applied"] is False
    assert send("credits.granted", {"id": "ext-1", "credits": 1}, timestamp="2027-01-01T09:00:00Z").json()["applied"]


def test_it_makes_a_user_of_whom_it_hears_first_by_a_change(db):
    assert send("user.updated", new()).json()["applied"]
    assert send("user.created", new(), timestamp="2020-01-01T00:00:00Z").json()["applied"] is False
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "event",
    [
        ("user.exploded", {"id": "ext-1"}),
        ("user.created", []),
        ("user.created", {"id": "ext-2"}),
        ("user.created", {"email": "no address"}),
        ("user.created", {"email": ["x"]}),
        ("user.suspended", {"id": "nobody"}),
        ("plan.changed", {"id": "ext-1", "plan": "gold"}),
        ("plan.changed", {"id": "ext-1", "plan": "pro", "until": "soon"}),
        *(("credits.granted", {"id": "ext-1", "credits": amount}) for amount in (0, -1, "x", None, True, 1e18, "NaN")),
        *(("credits.granted", {"id": "ext-1", "credits": amount}) for amount in ("1 EUR", [1], 0.0000001)),
    ],
)
def test_it_says_what_is_wrong_with_a_signed_event_and_keeps_nothing_of_it(db, event):
    send("user.created", new())
    answer = send(*event, key="msg_bad")
    assert answer.status_code == 400 and answer.json()["detail"]
    assert not Delivery.objects.filter(key="msg_bad").exists()
    assert Account.objects.get().balance == 25_000_000


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"type": "user.created"}', b"[" * 100_000])
def test_it_refuses_what_is_no_event(db, body):
    assert post(body).status_code == 400


def test_it_does_not_touch_staff_nor_join_two_people(db, staff, alice):
    assert send("user.suspended", {"email": staff.email}).status_code == 400
    assert send("user.created", {"id": "ext-9", "email": staff.email}).status_code == 400
    User.objects.filter(pk=alice.pk).update(external_id="ext-a")
    assert send("user.updated", {"id": "ext-b", "email": alice.email}).status_code == 400
    assert User.objects.filter(is_active=True).count() == 2


def test_it_is_not_there_without_a_secret(db, settings):
    settings.WEBHOOK_SECRETS = []
    assert send("user.created", new()).status_code == 404
