"""Paying with Stripe: through its SDK and its wire; events in any order and number have one effect."""

import time

import pytest
from django.urls import reverse

from accounts.models import Delivery
from tests.usage.stripe_server import SECRET, event
from tests.usage.test_reservations import at_once
from usage import plans, services
from usage.models import Account, Entry, Purchase

SIGNUP, TOPUP = 25_000_000, 50_000_000


@pytest.fixture
def account(stripe, alice):
    return services.account_of(alice)


@pytest.fixture
def bought(account, as_user):
    """A top-up at the checkout, not paid yet."""
    as_user(account.user).post(reverse("checkout"), {"what": "topup", "once": "1"})
    return Purchase.objects.get()


def paid(purchase, **more):
    thing = {"id": purchase.session_id, "mode": "payment", "payment_status": "paid", "payment_intent": "pi_1"}
    return {**thing, "client_reference_id": str(purchase.account_id), "customer": "cus_1", **more}


def refund(amount, back):
    return {
        "id": "ch_1",
        "payment_intent": "pi_1",
        "amount": amount,
        "amount_refunded": back,
        "metadata": {"what": "topup"},
    }


def state(account):
    found = services.account_of(account.user)
    return found.plan, found.balance


def test_it_sends_people_to_the_checkout_with_what_they_chose(stripe, account, as_user):
    client = as_user(account.user)
    assert "Choose Pro" in client.get(reverse("usage")).text
    answer = client.post(reverse("checkout"), {"what": "pro", "once": "abc"})
    assert answer.status_code == 302 and answer.url.startswith("https://checkout.stripe.com/")
    _, path, form, headers = stripe.requests[-1]
    assert path == "/v1/checkout/sessions" and form["mode"] == "subscription"
    assert form["line_items[0][price]"] == "price_pro" and form["client_reference_id"] == str(account.pk)
    assert form["customer_email"] == account.user.email
    assert headers["Idempotency-Key"] == f"checkout-{account.pk}-pro-abc"
    assert client.post(reverse("checkout"), {"what": "gold"}).status_code == 404


def test_it_adds_a_paid_top_up_once_for_fifty_events_at_once(bought, account):
    assert state(account) == ("free", SIGNUP)
    answers = at_once(50, lambda: event("checkout.session.completed", paid(bought), "evt_1"))
    assert {answer.status_code for answer in answers} == {200}
    event("checkout.session.completed", paid(bought), "evt_2")
    assert state(account) == ("free", SIGNUP + TOPUP)
    assert Entry.objects.filter(key=f"stripe-{bought.session_id}").count() == 1


def test_it_adds_what_was_sold_whatever_an_event_says(bought, account):
    event("checkout.session.completed", paid(bought, payment_status="unpaid"))
    event("checkout.session.completed", paid(bought, id="cs_of_somebody"))
    assert state(account) == ("free", SIGNUP)
    event("checkout.session.completed", paid(bought, amount_total=10**18, currency="xxx", metadata={"credits": "1e9"}))
    assert state(account) == ("free", SIGNUP + TOPUP)


def test_it_takes_back_what_is_refunded_in_proportion_and_as_far_as_it_is_there(bought, account):
    assert event("charge.refunded", refund(1500, 500)).status_code == 409  # before the payment was told: asked again
    assert not Delivery.objects.exists()
    event("checkout.session.completed", paid(bought))
    event("charge.refunded", refund(1500, 750))
    event("charge.refunded", refund(1500, 300))  # an older one, late
    assert state(account) == ("free", SIGNUP + TOPUP // 2)
    Account.objects.filter(pk=account.pk).update(reserved=SIGNUP + TOPUP // 2 - 1_000_000)
    event("charge.refunded", refund(1500, 1500))
    found = Account.objects.get(pk=account.pk)
    assert (found.balance, found.reserved) == (SIGNUP + TOPUP // 2 - 1_000_000,) * 2
    event("charge.refunded", {**refund(1500, 1500), "payment_intent": "pi_other", "metadata": {}})


def test_it_follows_a_subscription_whatever_the_order_of_events(stripe, account):
    subscription = stripe.subscribe("sub_1", account.pk, "price_pro")
    event("customer.subscription.updated", {"id": "sub_1", "status": "canceled"})  # an old one says nothing
    event("invoice.paid", {"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}})
    session = {"id": "cs_9", "mode": "subscription", "subscription": "sub_1", "customer": "cus_1"}
    event("checkout.session.completed", {**session, "client_reference_id": str(account.pk)})
    assert state(account) == ("pro", SIGNUP + 100_000_000)
    assert Account.objects.get(pk=account.pk).customer == "cus_1"
    subscription["items"]["data"][0]["price"]["id"] = "price_team"
    event("customer.subscription.updated", {"id": "sub_1"})
    assert state(account) == ("team", SIGNUP + 500_000_000)
    subscription["status"] = "canceled"
    event("customer.subscription.deleted", {"id": "sub_1"})
    event("customer.subscription.updated", {"id": "sub_1", "status": "active"})
    event("invoice.paid", {"id": "in_2", "subscription": "sub_1"})
    assert state(account) == ("free", SIGNUP + 500_000_000)


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired", "canceled"])
def test_it_lets_a_subscription_that_never_lived_end_no_plan(stripe, account, status):
    plans.set_plan(account, "team")
    subscription = stripe.subscribe("sub_1", account.pk, "price_pro", "incomplete")
    event("customer.subscription.created", {"id": "sub_1"})
    subscription["status"] = status
    event("customer.subscription.updated", {"id": "sub_1"})
    assert state(account)[0] == "team"


def test_it_leads_who_has_a_plan_to_the_portal_and_not_to_a_second_one(stripe, account, as_user):
    client = as_user(account.user)
    assert client.post(reverse("portal")).status_code == 404
    Account.objects.filter(pk=account.pk).update(customer="cus_1")
    stripe.subscribe("sub_1", account.pk, "price_pro")
    event("invoice.paid", {"id": "in_1", "subscription": "sub_1"})
    for name, data in (("portal", {}), ("checkout", {"what": "team"})):
        assert client.post(reverse(name), data).url == "https://billing.stripe.com/p/1"
        assert stripe.requests[-1][2]["customer"] == "cus_1"


def test_it_refuses_events_that_are_not_signed_or_too_old(bought, account):
    thing = paid(bought)
    answers = [
        event("checkout.session.completed", thing, secret="whsec_wrong"),
        event("checkout.session.completed", thing, at=time.time() - 360),
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert state(account) == ("free", SIGNUP) and not Delivery.objects.exists()
    assert event("checkout.session.completed", thing, secret="whsec_newer").status_code == 200
    assert event("some.other.event", {"id": "x"}).status_code == 200


def test_it_keeps_nothing_of_an_event_when_stripe_is_away(stripe, account):
    stripe.subscribe("sub_1", account.pk, "price_pro")
    stripe.fail = 400
    assert event("invoice.paid", {"id": "in_1", "subscription": "sub_1"}, "evt_7").status_code == 500
    assert not Delivery.objects.exists()
    stripe.fail = 0
    assert event("invoice.paid", {"id": "in_1", "subscription": "sub_1"}, "evt_7").status_code == 200
    assert state(account)[0] == "pro"


def test_it_says_so_when_the_checkout_does_not_answer(stripe, account, as_user):
    stripe.fail = 400
    answer = as_user(account.user).post(reverse("checkout"), {"what": "topup"}, follow=True)
    assert "Nothing was charged" in answer.text and not Purchase.objects.exists()


def test_it_is_not_there_without_a_key(db, settings, alice, as_user):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    assert event("invoice.paid", {"id": "in_1"}).status_code == 404
    page = as_user(alice).get(reverse("usage")).text
    assert "Top up" not in page and reverse("checkout") not in page
