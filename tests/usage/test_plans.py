"""A plan gives its credits at the first use in a day or month, once, however late that is and however many come."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from tests.usage.test_reservations import at_once
from usage import ledger, plans, services
from usage.models import Account, Entry

MICRO = 1_000_000


@pytest.fixture
def account(person, settings, on):
    """An account without credits, of a person who came on the last day of 2026."""
    settings.SIGNUP_CREDITS = 0
    on("2026-12-31")
    return services.account_of(person())


def balance(account: Account) -> int:
    assert account.user
    return services.account_of(account.user).balance


def test_it_gives_the_days_credits_once_a_day_from_the_day_after_sign_up(account, on):
    assert balance(account) == 0
    on("2027-01-01")
    assert [balance(account) for _ in range(3)] == [5 * MICRO] * 3
    on("2027-01-02")
    assert balance(account) == 10 * MICRO


def test_it_gives_the_days_credits_also_to_who_comes_with_a_run(account, on):
    """When nothing is there without them, and when enough is."""
    for day, had in (("2027-01-01", 5), ("2027-01-02", 10)):
        on(day)
        services.reserve(account.user, MICRO, uuid4())
        account.refresh_from_db()
        assert account.balance == had * MICRO
    assert account.reserved == 2 * MICRO


def test_it_gives_no_more_than_the_month_has(account, on):
    for day in range(1, 32):
        on(f"2027-01-{day:02}")
        balance(account)
    assert balance(account) == 30 * MICRO
    on("2027-02-01")
    assert balance(account) == 35 * MICRO


def test_it_gives_nothing_for_days_nobody_came(account, on):
    on("2027-01-20")
    assert balance(account) == 5 * MICRO


def test_it_gives_once_however_many_come_at_once(person, settings, transactional_db):
    settings.SIGNUP_CREDITS = 0
    user = person()
    services.account_of(user)
    Account.objects.update(refilled=ledger.today() - timedelta(days=1))
    assert {found.balance for found in at_once(12, lambda: services.account_of(user))} == {5 * MICRO}
    assert Entry.objects.count() == 1


def test_it_is_not_fooled_by_a_clock_that_goes_back(account, on):
    on("2027-01-02")
    assert balance(account) == 5 * MICRO
    on("2027-01-01")
    assert balance(account) == 5 * MICRO


def test_it_gives_a_plans_credits_at_the_beginning_of_each_of_its_months(account, on):
    on("2027-01-31")
    plans.set_plan(account, "pro")
    assert balance(account) == 100 * MICRO
    for day, total in [("2027-02-27", 100), ("2027-02-28", 200), ("2027-03-30", 200), ("2027-03-31", 300)]:
        on(day)
        assert balance(account) == total * MICRO, day
    on("2027-07-15")  # months nobody came are not given afterwards
    assert balance(account) == 400 * MICRO


def test_it_gives_the_difference_for_a_larger_plan_and_nothing_for_going_back_and_forth(account, on):
    on("2027-01-10")
    plans.set_plan(account, "pro")
    on("2027-01-15")
    plans.set_plan(account, "team")
    assert balance(account) == 500 * MICRO
    plans.set_plan(account, "pro")
    plans.set_plan(account, "team")
    assert balance(account) == 500 * MICRO
    on("2027-02-10")
    assert balance(account) == 1_000 * MICRO


def test_it_ends_a_plan_by_itself(account, on):
    on("2027-01-10")
    plans.set_plan(account, "pro", until=datetime(2027, 2, 1, tzinfo=UTC))
    on("2027-02-10")
    assert balance(account) == 105 * MICRO
    assert plans.plan_of(Account.objects.get(pk=account.pk)).name == "free"


@pytest.mark.parametrize(
    ("since", "day", "begins"),
    [
        ("2027-01-31", "2027-02-27", "2027-01-31"),
        ("2027-01-31", "2027-02-28", "2027-02-28"),
        ("2027-01-31", "2028-02-29", "2028-02-29"),
        ("2027-01-31", "2027-03-31", "2027-03-31"),
        ("2027-11-15", "2028-01-14", "2027-12-15"),
        ("2028-02-29", "2029-03-01", "2029-02-28"),
    ],
)
def test_it_counts_months_from_their_beginning_and_never_drifts(since, day, begins):
    found = plans.month_begins(date.fromisoformat(since), date.fromisoformat(day))
    assert found == date.fromisoformat(begins)
