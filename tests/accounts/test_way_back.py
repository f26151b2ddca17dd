"""After signing in one is back on a page, also when it was a button that led to signing in."""

import pytest
from django.urls import reverse


def sign_in_after(client, referer):
    headers = {"referer": referer} if referer else {}
    answer = client.post(reverse("token-create"), {"name": "Laptop"}, headers=headers)
    assert answer.status_code == 302
    return answer.url


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/settings/?a=1#tokens", "/settings/%3Fa%3D1"),
        ("http://testserver", "/"),
        ("http://evil.example/settings/", "/projects/"),
        ("javascript:alert(1)", "/projects/"),
        ("/settings/", "/projects/"),
        ("", "/projects/"),
    ],
)
def test_it_is_the_page_with_the_button(as_user, db, referer, page):
    assert sign_in_after(as_user(), referer) == f"/accounts/login/?next={page}"


def test_it_opens_after_signing_in(as_user, alice):
    alice.set_password("a-long-enough-password")
    alice.save()
    client = as_user()
    to = sign_in_after(client, "http://testserver/settings/")
    answer = client.post(to, {"login": alice.email, "password": "a-long-enough-password"}, follow=True)
    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, "/settings/")


def test_it_stays_the_page_that_was_asked_for(as_user, db):
    answer = as_user().get(reverse("settings"), headers={"referer": "http://testserver/pricing/"})
    assert answer.url == "/accounts/login/?next=/settings/"


def test_it_says_what_to_do_where_only_a_button_leads(as_user, alice):
    answer = as_user(alice).get(reverse("token-create"))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "No page stands here" in answer.text and "/projects/" in answer.text
