"""A second factor stands before the account and before the admin, and its secret is sealed at rest."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core.management import call_command
from django.urls import reverse

from accounts import mfa, vault
from tests.people import PASSWORD


def protect(user):
    user.set_password(PASSWORD)
    user.save()
    secret = auth.generate_totp_secret()
    auth.TOTP.activate(user, secret)
    return secret


def code(secret, late=0):
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30 - late))


def test_it_asks_for_the_code_after_the_password_and_counts_the_tries(as_user, alice, settings):
    secret, client = protect(alice), as_user()
    settings.SIGN_IN_TRIES = 3
    answer = client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert answer.url.startswith(reverse("mfa_authenticate"))
    assert client.get(reverse("settings")).status_code == 302
    tries = [client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code for _ in range(4)]
    assert tries == [200, 200, 200, 429]
    settings.SIGN_IN_TRIES = 10
    assert client.post(reverse("mfa_authenticate"), {"code": code(secret)}).status_code == 302
    assert client.get(reverse("settings")).status_code == 200


@pytest.mark.parametrize(("late", "status"), [(0, 302), (1, 302), (3, 200)])
def test_it_takes_a_code_that_comes_a_little_late(as_user, alice, late, status):
    secret, client = protect(alice), as_user()
    client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert client.post(reverse("mfa_authenticate"), {"code": code(secret, late)}).status_code == status


def test_it_seals_secrets_and_rotates_them(alice, settings):
    secret = protect(alice)
    row = Authenticator.objects.get(user=alice, type="totp")
    assert secret not in str(row.data) and vault.is_newest(row.data["secret"])
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", *old]
    call_command("rotate_keys")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    row.refresh_from_db()
    assert auth.TOTP(row).validate_code(code(secret))


def test_it_opens_the_admin_to_staff_with_a_factor_only(as_user, person, staff, settings):
    bare = person(is_staff=True, is_superuser=True)
    url = reverse("admin:index")
    assert as_user(bare).get(url).url == reverse("mfa_index")
    assert as_user(staff).get(url).status_code == 200 and mfa.has_factor(staff)
    settings.ADMIN_MFA = False
    assert as_user(bare).get(url).status_code == 200


def test_it_has_one_way_into_the_admin(as_user, alice):
    assert as_user().get(reverse("admin:index")).status_code == 302
    assert reverse("account_login") in as_user().get(reverse("admin:login")).url
    assert as_user(alice).get(reverse("admin:login")).status_code == 403
