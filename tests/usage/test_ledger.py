"""The ledger only grows, each key counts once, and every balance is its sum."""

from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.db.models import ProtectedError

from tests.usage.test_reservations import at_once
from usage import services, tasks
from usage.models import Account, Entry


def test_it_makes_the_account_with_the_sign_up_grant_once(person, settings, transactional_db):
    settings.SIGNUP_CREDITS = 25
    user = person()
    assert {account.balance for account in at_once(10, lambda: services.account_of(user))} == {25_000_000}
    assert Entry.objects.filter(account__user=user).count() == 1


def test_it_grants_once_per_key_however_many_come_at_once(person, settings, transactional_db):
    settings.SIGNUP_CREDITS = 0
    user, key = person(), uuid4().hex
    assert len({entry.pk for entry in at_once(20, lambda: services.grant(user, 7, key))}) == 1
    assert Account.objects.get(user=user).balance == 7


def test_it_refuses_a_key_that_stands_for_another_grant(alice, bob):
    key = uuid4().hex
    services.grant(alice, 7, key)
    for user, amount in ((alice, 8), (bob, 7)):
        with pytest.raises(services.KeyReused):
            services.grant(user, amount, key)


@pytest.mark.parametrize("statement", ["UPDATE usage_entry SET amount = 1", "DELETE FROM usage_entry"])
def test_it_refuses_to_change_or_delete_a_line(alice, statement):
    services.account_of(alice)
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        sql(statement)


def test_it_refuses_to_delete_a_person_who_has_a_ledger(alice):
    services.account_of(alice)
    with pytest.raises(ProtectedError), transaction.atomic():
        alice.delete()


def test_it_takes_a_person_out_of_their_ledger_and_keeps_the_amounts(alice, bob):
    kept = services.account_of(alice)
    services.grant(alice, 7, uuid4().hex, "A present for Alice")
    services.account_of(bob)
    services.erase(alice)
    alice.delete()
    lines = Entry.objects.filter(account=kept.pk)
    assert sum(line.amount for line in lines) == 25_000_007 and {line.note for line in lines} == {""}
    assert Account.objects.get(pk=kept.pk).user is None
    for change in ("SET note = ''", "SET amount = 1"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            sql(f"UPDATE usage_entry {change} WHERE account_id <> {kept.pk}")


def test_it_lets_even_the_erasing_change_nothing_but_notes(alice):
    services.account_of(alice)
    for change in ("SET amount = 1, note = ''", "SET note = 'x'", "SET key = 'x', note = ''"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            sql("SET LOCAL vibe.erase_ledger = 'on'", f"UPDATE usage_entry {change}")


def sql(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_it_counts_again_without_a_difference(alice, bob, capsys):
    for user in (alice, bob):
        services.account_of(user)
        kept, ended = uuid4(), uuid4()
        services.reserve(user, 5, kept)
        services.reserve(user, 7, ended)
        services.settle(ended, 3)
    call_command("recount")
    assert "0 differences" in capsys.readouterr().out


def test_it_finds_a_difference(alice, capsys):
    account = services.account_of(alice)
    Account.objects.filter(pk=account.pk).update(balance=account.balance + 1)
    with pytest.raises(CommandError, match="differ"):
        call_command("recount")
    assert f"account {account.pk}" in capsys.readouterr().err


def test_it_sounds_the_alarm_when_the_nightly_count_finds_a_difference(transactional_db, alice, client, caplog):
    account = services.account_of(alice)
    assert tasks.recount() == 0
    assert "vibe_ledger_differences 0" in client.get("/metrics").text
    Account.objects.filter(pk=account.pk).update(balance=account.balance + 1)
    assert tasks.recount() == 1
    assert f"account {account.pk}" in caplog.text
    assert "vibe_ledger_differences 1" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("micro", "said"),
    [
        (1_000_000, "1 credit"),
        (250_000, "0.25 credits"),
        (0, "0 credits"),
        (1_234_500_000, "1,234.5 credits"),
        (100_000_000, "100 credits"),
        (-1_000_000, "−1 credit"),
        (-1_234_500_000, "−1,234.5 credits"),
    ],
)
def test_it_says_amounts_as_people_do(micro, said):
    assert services.text(micro) == said


@pytest.mark.parametrize("micro", [1, 4_000, -1, -4_000])
def test_it_does_not_call_a_little_nothing(micro):
    assert services.text(micro) == "under 0.01 credits"
