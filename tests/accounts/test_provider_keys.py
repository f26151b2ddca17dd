"""A user's own model key: tested when saved, sealed, bound to its owner, used in their runs at no credits, rotated."""

import base64
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts import vault
from accounts.models import ProviderKey

KEY = "sk-own-0123456789-secret"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def passed_on(settings):
    """What answers here stands for the provider itself."""
    settings.NO_OWN_KEYS = []


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def save(client, key=KEY, provider="anthropic"):
    return client.post("/settings/keys/", {"provider": provider, "key": key}, follow=True)


def test_it_keeps_a_key_that_works(alice, as_user):
    page = save(as_user(alice))
    row = ProviderKey.objects.get()
    assert "works and is saved" in page.content.decode()
    assert row.secret() == KEY
    assert KEY not in row.sealed
    assert "…cret" in page.content.decode() and KEY not in page.content.decode()


def test_it_replaces_the_key_of_a_provider(alice, as_user):
    client = as_user(alice)
    save(client)
    save(client, "sk-another-key-9999")
    assert ProviderKey.objects.get().secret() == "sk-another-key-9999"


@pytest.mark.parametrize("key", ["", "short", "with space inside", "ümläut-key-123", "x" * 501, "new\nline-key"])
def test_it_refuses_what_is_no_key(alice, as_user, key):
    page = save(as_user(alice), key)
    assert "does not look like a key" in page.content.decode()
    assert not ProviderKey.objects.exists()


def test_it_saves_untested_what_cannot_be_tested(alice, as_user, settings):
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    page = save(as_user(alice), provider="openai")
    assert "not tested" in page.content.decode()
    assert ProviderKey.objects.get().provider == "openai"


def test_it_takes_no_key_that_would_go_elsewhere(alice, as_user, settings):
    settings.NO_OWN_KEYS = ["anthropic"]
    client = as_user(alice)
    page = client.get("/settings/").text
    assert "No keys for Anthropic" in page and 'value="anthropic"' not in page and 'value="openai"' in page
    answer = save(client).text
    assert "answers in place of Anthropic" in answer and "It was not saved" in answer
    assert not ProviderKey.objects.exists()


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        ({}, []),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:8002"}, ["anthropic"]),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:8002", "OWN_KEYS_ELSEWHERE": "true"}, []),
        ({"OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}, []),
        ({"OPENAI_BASE_URL": "https://notopenai.com/v1"}, ["openai"]),
    ],
)
def test_it_knows_by_the_address_where_keys_go(told, refused):
    code = "from vibe import settings; print(settings.NO_OWN_KEYS)"
    unset = ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "AI_GATEWAY_BASE_URL", "OWN_KEYS_ELSEWHERE")
    environment = {name: value for name, value in os.environ.items() if name not in unset} | told
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(refused)


def test_it_knows_no_other_provider(alice, as_user):
    assert save(as_user(alice), provider="evil").status_code == 404


def test_it_removes_a_key_and_hides_it_from_strangers(alice, bob, as_user):
    save(as_user(alice))
    assert as_user(bob).post("/settings/keys/anthropic/delete/").status_code == 404
    assert as_user(alice).post("/settings/keys/anthropic/delete/").status_code == 302
    assert not ProviderKey.objects.exists()


def test_it_does_not_open_for_another_owner_or_provider(alice, bob, as_user):
    save(as_user(alice))
    row = ProviderKey.objects.get()
    ProviderKey.objects.filter(pk=row.pk).update(user=bob)
    with pytest.raises(vault.CannotOpen):
        ProviderKey.objects.get().secret()
    ProviderKey.objects.filter(pk=row.pk).update(user=alice, provider="openai")
    with pytest.raises(vault.CannotOpen):
        ProviderKey.objects.get().secret()


def test_it_does_not_open_when_altered():
    sealed = vault.seal("secret", "me")
    for at in (0, 5, len(sealed) - 9):
        other = "A" if sealed[at] != "A" else "B"
        with pytest.raises(vault.CannotOpen):
            vault.unseal(sealed[:at] + other + sealed[at + 1 :], "me")


def test_it_is_sealed_differently_each_time():
    assert vault.seal("secret", "me") != vault.seal("secret", "me")


def test_it_survives_a_rotation(alice, as_user, settings):
    save(as_user(alice))
    old, new = settings.ENCRYPTION_KEYS[0], new_key()
    settings.ENCRYPTION_KEYS = [new, old]
    assert ProviderKey.objects.get().secret() == KEY
    call_command("rotate_keys", stdout=StringIO())
    settings.ENCRYPTION_KEYS = [new]
    assert ProviderKey.objects.get().secret() == KEY


def test_it_says_which_keys_a_rotation_could_not_open(alice, as_user, settings):
    save(as_user(alice))
    settings.ENCRYPTION_KEYS = [new_key()]
    with pytest.raises(CommandError, match="1 keys cannot be opened"):
        call_command("rotate_keys", stdout=StringIO())
