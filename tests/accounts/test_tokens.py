"""API tokens: shown once, kept as a hash, dead the moment they are revoked or their owner is suspended."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.views import MAX_TOKENS, SHOWN_NEXT
from usage.models import Account

URL = "/api/v1/projects/"


def ask(header: str):
    return APIClient(raise_request_exception=False).get(URL, HTTP_AUTHORIZATION=header)


def test_it_knows_its_owner(alice, project):
    _, secret = ApiToken.issue(alice)
    answer = ask(f"Bearer {secret}")
    assert answer.status_code == 200 and answer.json()["results"][0]["id"] == str(project.pk)


def test_it_keeps_only_a_hash(alice):
    row, secret = ApiToken.issue(alice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apitoken WHERE id = %s", [row.pk])
        assert secret not in str(cursor.fetchone())
    assert len(secret) >= 48 and row.last_four == secret[-4:]


def test_it_ends_with_the_password_that_it_was_made_under(alice, as_user):
    old, new = "a-long-enough-password", "another-long-password"
    first, _ = ApiToken.issue(alice)
    alice.set_password(old)  # the first one ends nothing
    alice.save()
    alice.save(update_fields=["name"])
    first.refresh_from_db()
    assert first.is_good
    _, secret = ApiToken.issue(alice)
    client = as_user(alice)
    assert "your API tokens are revoked" in client.get(reverse("account_change_password")).text
    form = {"oldpassword": old, "password1": new, "password2": new}
    answer = client.post(reverse("account_change_password"), form, follow=True)
    assert "API tokens that you had are revoked" in answer.text
    assert ask(f"Bearer {secret}").status_code == 401
    assert ask(f"Bearer {ApiToken.issue(alice)[1]}").status_code == 200


def test_it_refuses_what_is_no_token_and_says_how_to_sign_in(alice):
    row, secret = ApiToken.issue(alice)
    bad = [
        "Bearer",
        "Bearer x",
        f"Bearer {secret} {secret}",
        f"Bearer {secret[:-1]}",
        f"Bearer {row.digest}",
        "Bearer \xff",
    ]
    for header in [*bad, f"Basic {secret}", secret, ""]:
        answer = ask(header)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), header


def test_it_does_not_take_a_token_in_the_address(alice):
    _, secret = ApiToken.issue(alice)
    assert APIClient().get(URL, {"token": secret, "access_token": secret}).status_code == 401


def test_it_dies_with_revocation_suspension_and_nothing_tells_them_apart(alice, bob, as_user):
    row, revoked = ApiToken.issue(alice)
    _, suspended = ApiToken.issue(bob)
    assert ask(f"Bearer {revoked}").status_code == ask(f"Bearer {suspended}").status_code == 200
    as_user(alice).post(reverse("token-revoke", args=[row.pk]))
    User.objects.filter(pk=bob.pk).update(is_active=False)
    answers = [ask(f"Bearer {token}") for token in (revoked, suspended, "vibe_unknown")]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({answer.content for answer in answers}) == 1


def test_it_notes_its_use_at_most_once_a_minute(alice):
    row, secret = ApiToken.issue(alice)
    ask(f"Bearer {secret}")
    first = ApiToken.objects.get(pk=row.pk).last_used
    with CaptureQueriesContext(connection) as queries:
        ask(f"Bearer {secret}")
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    assert ApiToken.objects.get(pk=row.pk).last_used == first
    ApiToken.objects.filter(pk=row.pk).update(last_used=timezone.now() - timedelta(minutes=2))
    ask(f"Bearer {secret}")
    last = ApiToken.objects.get(pk=row.pk).last_used
    assert first and last and last >= first


def test_it_needs_no_csrf_token(alice):
    _, secret = ApiToken.issue(alice)
    client = APIClient(enforce_csrf_checks=True, HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.post(URL, {"prompt": "A page"}).status_code == 201


def test_it_is_shown_once_on_the_settings_page(as_user, alice):
    client = as_user(alice)
    answer = client.post(reverse("token-create"), {"name": "Laptop"})
    assert (answer.status_code, answer.url) == (302, "/settings/#tokens")
    page = client.get(answer.url)
    secret = page.context["new_token"]
    assert secret in page.text and "no-store" in page.headers["Cache-Control"]
    assert ask(f"Bearer {secret}").status_code == 200
    again = client.get(reverse("settings")).text
    assert secret not in again and secret[-4:] in again and "Laptop" in again


def test_it_is_not_made_again_when_the_page_is_loaded_again(as_user, alice):
    client = as_user(alice)
    client.post(reverse("token-create"), {"name": "Laptop"}, follow=True)
    client.get(reverse("settings"))
    assert alice.api_tokens.count() == 1


def test_it_stands_in_the_session_sealed_and_only_until_it_is_shown(as_user, alice, bob):
    client = as_user(alice)
    client.post(reverse("token-create"), {"name": "Laptop"})
    kept = client.session[SHOWN_NEXT]
    other = as_user(bob)
    session = other.session
    session[SHOWN_NEXT] = kept
    session.save()
    assert other.get(reverse("settings")).context["new_token"] == ""
    secret = client.get(reverse("settings")).context["new_token"]
    assert secret and secret not in kept and SHOWN_NEXT not in client.session


def test_it_cannot_be_revoked_by_someone_else(as_user, alice, bob):
    row, secret = ApiToken.issue(alice)
    assert as_user(bob).post(reverse("token-revoke", args=[row.pk])).status_code == 404
    assert ask(f"Bearer {secret}").status_code == 200


def test_it_has_a_limit_in_number(as_user, alice):
    for _ in range(MAX_TOKENS):
        ApiToken.issue(alice)
    answer = as_user(alice).post(reverse("token-create"), {"name": "One more"})
    assert answer.status_code == 400 and alice.api_tokens.count() == MAX_TOKENS


@pytest.mark.django_db
class TestCommand:
    """`bin/manage token EMAIL [--create] [--credits N]`."""

    def test_it_prints_the_token_and_nothing_else(self, alice, capsys):
        call_command("token", alice.email.upper())
        printed = capsys.readouterr().out
        assert printed == printed.strip() + "\n" and len(printed.split()) == 1
        assert ask(f"Bearer {printed.strip()}").status_code == 200

    def test_it_makes_the_user_only_when_asked(self, capsys):
        with pytest.raises(CommandError, match="--create"):
            call_command("token", "new@example.com")
        call_command("token", "New@example.com", "--create", "--credits", "2.5")
        user = User.objects.get(email="new@example.com")
        assert not user.has_usable_password()
        assert Account.objects.get(user=user).balance == 27_500_000

    @pytest.mark.parametrize("credits", ["0", "-1", "x", "nan", "inf", "1e30"])
    def test_it_refuses_an_odd_amount(self, alice, credits):
        with pytest.raises(CommandError, match="number above 0"):
            call_command("token", alice.email, "--credits", credits)

    def test_it_refuses_an_odd_address_and_a_suspended_user(self, alice):
        with pytest.raises(CommandError, match="not an e-mail"):
            call_command("token", "nonsense", "--create")
        User.objects.update(is_active=False)
        with pytest.raises(CommandError, match="suspended"):
            call_command("token", alice.email)
