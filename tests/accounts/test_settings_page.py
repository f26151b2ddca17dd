"""Profile and theme."""

import pytest
from django.urls import reverse

from accounts.models import User


def test_it_saves_the_profile_and_nothing_else(as_user, alice):
    form = {"name": "Alice B.", "theme": "dark", "is_staff": "on", "is_superuser": "on", "email": "other@example.com"}
    answer = as_user(alice).post(reverse("settings"), form)
    assert answer.status_code == 302 and answer.cookies["theme"].value == "dark"
    saved = User.objects.get(pk=alice.pk)
    assert (saved.name, saved.theme, saved.is_staff, saved.email) == ("Alice B.", "dark", False, alice.email)


def test_it_shows_what_is_wrong(as_user, alice):
    answer = as_user(alice).post(reverse("settings"), {"name": "x" * 81, "theme": "pink"})
    assert answer.status_code == 400 and set(answer.context["form"].errors) == {"name", "theme"}


def test_it_says_that_there_is_nobody_else_to_sign_in_by(as_user, alice):
    assert "none that this site signs people in by" in as_user(alice).get(reverse("socialaccount_connections")).text


def test_it_asks_strangers_to_sign_in(as_user):
    for name in ("settings", "token-create"):
        assert as_user().post(reverse(name)).status_code == 302


def test_it_keeps_the_theme_of_someone_who_is_not_signed_in(as_user, db):
    client = as_user()
    answer = client.post(reverse("theme"), {"theme": "dark", "next": "/pricing/"})
    assert (answer.status_code, answer.url) == (302, "/pricing/")
    assert 'data-theme="dark"' in client.get(reverse("home")).text


def test_it_keeps_the_theme_with_the_account_and_answers_a_script_briefly(as_user, alice):
    answer = as_user(alice).post(reverse("theme"), {"theme": "light"}, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 204 and User.objects.get(pk=alice.pk).theme == "light"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_it_goes_home_rather_than_elsewhere(as_user, db, target):
    assert as_user().post(reverse("theme"), {"theme": "dark", "next": target}).url == "/"


def test_it_refuses_a_theme_that_is_none_and_a_get(as_user, db):
    assert as_user().post(reverse("theme"), {"theme": "pink"}).status_code == 400
    assert as_user().get(reverse("theme")).status_code == 405


def test_it_keeps_the_colours_of_the_editor_with_the_account(as_user, alice, bob, project):
    client, path = as_user(alice), reverse("project-detail", args=[project.pk])
    assert '<option value="site" selected>' in client.get(path).text
    for _ in range(2):
        answer = client.post(reverse("code-theme"), {"code_theme": "warm", "theme": "dark"})
        assert answer.status_code == 204 and not answer.content
    # In another browser too; nobody else's, and nothing else.
    assert '<option value="warm" selected>' in as_user(alice).get(path).text
    assert User.objects.get(pk=bob.pk).code_theme == "site" and User.objects.get(pk=alice.pk).theme == alice.theme


@pytest.mark.parametrize("value", ["", "pink", "WARM", "warm\0", "x" * 200])
def test_it_refuses_colours_that_there_are_not(as_user, alice, value):
    answer = as_user(alice).post(reverse("code-theme"), {"code_theme": value})
    assert answer.status_code == 400 and User.objects.get(pk=alice.pk).code_theme == "site"


def test_it_keeps_no_colours_for_who_is_not_signed_in(as_user, alice):
    answer = as_user().post(reverse("code-theme"), {"code_theme": "warm"})
    assert answer.status_code == 302 and answer.url.startswith(reverse("account_login"))
    assert as_user(alice).get(reverse("code-theme")).status_code == 405
