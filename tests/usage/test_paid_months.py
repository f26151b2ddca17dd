"""A subscription's month gives its credits when it is paid: not before, and not without."""

from datetime import datetime
from uuid import uuid4

import pytest

from tests.usage.stripe_server import event
from usage import services

MICRO = 1_000_000


def at(day):
    return datetime.fromisoformat(f"{day}T15:00:00+00:00").timestamp()


def invoice(status):
    return {"id": "in_2", "object": "invoice", "status": status}


@pytest.fixture
def account(stripe, settings, on, person):
    """Of a person without credits who has paid for Pro from 10 January to 10 February."""
    settings.SIGNUP_CREDITS = 0
    on("2027-01-10")
    account = services.account_of(person())
    stripe.subscribe("sub_1", account.pk, "price_pro", begins=at("2027-01-10"), days=31)
    told()
    return account


def told():
    assert event("customer.subscription.updated", {"id": "sub_1"}, uuid4().hex).status_code == 200


def state(account):
    found = services.account_of(account.user)
    return found.plan, found.balance


def renew(stripe, status, of_invoice):
    """The period from 10 February to 10 March."""
    found = stripe.subscriptions["sub_1"] | {"status": status, "latest_invoice": invoice(of_invoice)}
    period = {"current_period_start": int(at("2027-02-10")), "current_period_end": int(at("2027-03-10"))}
    found["items"]["data"][0] |= period
    stripe.subscriptions["sub_1"] = found
    told()


@pytest.mark.parametrize(
    ("status", "of_invoice"), [("past_due", "open"), ("past_due", "paid"), ("active", "draft"), ("active", "open")]
)
def test_it_gives_a_renewed_months_credits_once_they_are_paid(stripe, account, on, status, of_invoice):
    assert state(account) == ("pro", 100 * MICRO)
    on("2027-02-10")
    renew(stripe, status, of_invoice)
    assert state(account) == ("pro", 100 * MICRO)
    on("2027-02-20")  # nor later, for all that the plan stays
    assert state(account) == ("pro", 100 * MICRO)
    for _ in range(2):
        renew(stripe, "active", "paid")
    assert state(account) == ("pro", 200 * MICRO)
    on("2027-03-09")
    assert state(account) == ("pro", 200 * MICRO)


def test_it_gives_no_month_that_begins_when_what_was_paid_has_ended(account, on):
    """Three days of grace keep the plan, and give nothing."""
    for day in ("2027-02-09", "2027-02-10", "2027-02-11", "2027-02-13"):
        on(day)
        assert state(account) == ("pro", 100 * MICRO), day


def test_it_gives_the_difference_of_a_larger_plan_once_that_is_paid(stripe, account, on):
    on("2027-01-20")
    found = stripe.subscriptions["sub_1"]
    found["items"]["data"][0]["price"]["id"] = "price_team"
    found |= {"status": "past_due", "latest_invoice": invoice("open")}
    told()
    assert state(account) == ("team", 100 * MICRO)
    found |= {"status": "active", "latest_invoice": invoice("paid")}
    told()
    assert state(account) == ("team", 500 * MICRO)
