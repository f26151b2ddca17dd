"""A forgotten password: a link by mail, once, and nothing said of whether the address is known."""

import re

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import ApiToken

NEW = "another-long-password"


@pytest.fixture
def link(as_user, alice):
    """The way in the mail that alice asked for."""
    alice.set_password("a-long-enough-password")
    alice.save()
    as_user().post(reverse("account_reset_password"), {"email": alice.email})
    [message] = mail.outbox
    assert message.to == [alice.email]
    found = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(message.body))
    assert found
    return found[1]


def test_it_sets_another_password_once(as_user, alice, link):
    client, (token, _) = as_user(), ApiToken.issue(alice)
    form = client.get(link)  # the key moves from the address into the session
    assert form.status_code == 302 and link not in form.url
    client.post(form.url, {"password1": NEW, "password2": NEW})
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    token.refresh_from_db()
    assert not token.is_good
    again = as_user().get(link, follow=True)
    assert "password1" not in again.text


def test_it_refuses_a_weak_password_and_a_link_that_was_made_up(as_user, alice, link):
    client = as_user()
    form = client.get(link)
    assert client.post(form.url, {"password1": "12345", "password2": "12345"}).status_code == 200
    made_up = as_user().get(f"{link[:-4]}aaa/", follow=True)
    assert "password1" not in made_up.text
    alice.refresh_from_db()
    assert alice.check_password("a-long-enough-password")


def test_it_does_not_say_whether_an_address_is_known(as_user, alice):
    url = reverse("account_reset_password")
    known, unknown = (as_user().post(url, {"email": email}) for email in (alice.email, "nobody@example.com"))
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
