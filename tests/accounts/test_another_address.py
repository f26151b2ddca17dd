"""Who is given another address signs in and sets a password by that one, and no longer by the old one."""

import json

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.urls import reverse

from accounts.models import User
from tests.accounts.test_webhook import SECRETS, send
from tests.people import PASSWORD

NEW = "other@example.com"


@pytest.fixture
def alice(alice):
    """Signed up by herself: with a password and an address that she confirmed."""
    alice.set_password(PASSWORD)
    alice.external_id = "ext-a"
    alice.save()
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    return alice


@pytest.fixture
def by_event(settings, alice):
    settings.WEBHOOK_SECRETS = SECRETS
    return lambda email: send("user.updated", {"id": "ext-a", "email": email})


@pytest.fixture
def by_staff(as_user, staff, alice):
    url = reverse("admin:accounts_user_change", args=[alice.pk])
    form = {"name": alice.name, "theme": alice.theme, "code_theme": alice.code_theme, "is_active": "on"}
    return lambda email: as_user(staff).post(url, form | {"email": email})


def addresses(user):
    rows = EmailAddress.objects.filter(user=user).order_by("email")
    return [(row.email, row.primary, row.verified) for row in rows]


def signs_in(as_user, email):
    client = as_user()
    client.post(reverse("account_login"), {"login": email, "password": PASSWORD})
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("way", ["by_event", "by_staff"])
def test_it_leaves_nothing_to_the_old_address(request, as_user, alice, way):
    assert signs_in(as_user, alice.email)
    assert request.getfixturevalue(way)(NEW.title()).status_code in (200, 302)
    assert not signs_in(as_user, alice.email) and signs_in(as_user, NEW)
    assert addresses(alice) == [(NEW, True, way == "by_event")]
    as_user().post(reverse("account_reset_password"), {"email": alice.email})
    assert not any("/password/reset/key/" in str(message.body) for message in mail.outbox)


def test_it_keeps_the_other_addresses_of_a_person(by_event, alice):
    EmailAddress.objects.create(user=alice, email="second@example.com", verified=True)
    by_event(NEW)
    assert addresses(alice) == [(NEW, True, True), ("second@example.com", False, True)]
    by_event("second@example.com")
    assert addresses(alice) == [("second@example.com", True, True)]


def test_it_gives_nobody_an_address_that_somebody_else_confirmed(by_event, alice, bob):
    EmailAddress.objects.create(user=bob, email=NEW, verified=True)
    before = addresses(alice)
    answer = by_event(NEW)
    assert answer.status_code == 400 and "belongs to another user" in json.loads(answer.content)["detail"]
    assert addresses(alice) == before and User.objects.get(pk=alice.pk).email == alice.email


def test_it_leaves_the_addresses_alone_when_something_else_changes(by_event, alice):
    before = addresses(alice)
    assert by_event(alice.email).status_code == 200
    assert addresses(alice) == before
