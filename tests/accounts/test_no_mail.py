"""Where no mail server is set, no page claims that a mail was sent; it says whom to ask."""

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

PASSWORD = "a-long-enough-password"


def sign_up(as_user, email):
    form = {"email": email, "password1": PASSWORD}
    return as_user().post(reverse("account_signup"), form, follow=True).text


def ask_for_a_password(as_user, alice):
    client = as_user()
    before = client.get(reverse("account_reset_password")).text
    return before + client.post(reverse("account_reset_password"), {"email": alice.email}, follow=True).text


@pytest.fixture(autouse=True)
def no_mail(db, settings):
    settings.MAIL_GOES_OUT = False


def test_it_claims_nothing_when_somebody_signs_up(as_user):
    page = sign_up(as_user, "unmailed@example.com")
    assert "on its way" not in page and "sends no mail" not in page  # nor is it a newcomer's business


def test_it_says_so_when_somebody_asks_for_the_mail_again(as_user, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True, verified=False)
    form = {"email": alice.email, "action_send": ""}
    page = as_user(alice).post(reverse("account_email"), form, follow=True).text
    assert f"This site sends no mail, so {alice.email} is not confirmed" in page and "on its way" not in page


def test_it_says_so_when_a_password_is_forgotten(as_user, alice):
    pages = ask_for_a_password(as_user, alice)
    assert pages.count("This site sends no mail") == 2 and pages.count("whoever runs the site") == 2
    assert "on its way" not in pages and "spam" not in pages


def test_it_speaks_of_mail_where_there_is_a_server(as_user, alice, settings):
    settings.MAIL_GOES_OUT = True
    pages = sign_up(as_user, "mailed@example.com") + ask_for_a_password(as_user, alice)
    assert pages.count("on its way") == 2 and "Look into your mail" in pages and "sends no mail" not in pages
