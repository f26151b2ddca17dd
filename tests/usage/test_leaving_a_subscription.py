"""Who deletes their account stops paying: the subscription ends at Stripe first, or nothing is deleted."""

from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import User
from tests.usage.stripe_server import event
from usage import services
from usage.models import Account


@pytest.fixture
def account(stripe, alice):
    """Of somebody who pays for Pro."""
    account = services.account_of(alice)
    stripe.subscribe("sub_1", account.pk, "price_pro")
    session = {"id": "cs_1", "mode": "subscription", "subscription": "sub_1", "customer": "cus_1"}
    event("checkout.session.completed", {**session, "client_reference_id": str(account.pk)})
    return Account.objects.get(customer="cus_1")


@pytest.fixture
def leave(account, as_user):
    client = as_user(account.user)
    return lambda: client.post(reverse("account-delete"), {"email": account.user.email}, follow=True)


def cancelled(stripe):
    return [path for method, path, *_ in stripe.requests if method == "DELETE"]


def test_it_cancels_the_subscription_of_who_leaves_and_says_so_before(stripe, account, as_user, leave):
    assert "Your subscription is cancelled at once" in as_user(account.user).get(reverse("account-delete")).text
    assert "are deleted" in leave().text
    assert cancelled(stripe) == ["/v1/subscriptions/sub_1"] and stripe.subscriptions["sub_1"]["status"] == "canceled"
    kept = Account.objects.get(pk=account.pk)
    assert (kept.user, kept.customer) == (None, "")
    assert event("customer.subscription.deleted", {"id": "sub_1"}).status_code == 200  # Stripe tells of it afterwards
    assert Account.objects.get(pk=account.pk).plan == "free"


@pytest.mark.parametrize("status", ["past_due", "incomplete", "unpaid"])
def test_it_cancels_what_could_be_charged_again(stripe, leave, status):
    stripe.subscriptions["sub_1"]["status"] = status
    event("customer.subscription.updated", {"id": "sub_1", "status": status})
    assert "are deleted" in leave().text and cancelled(stripe) == ["/v1/subscriptions/sub_1"]


def test_it_leaves_also_when_stripe_has_ended_the_subscription_or_knows_none(stripe, leave):
    stripe.subscriptions["sub_1"]["status"] = "canceled"  # the event about it has not come
    assert "are deleted" in leave().text and not User.objects.exists()


def test_it_asks_stripe_nothing_about_a_subscription_that_has_ended(stripe, account, as_user, leave):
    stripe.subscriptions["sub_1"]["status"] = "canceled"
    event("customer.subscription.deleted", {"id": "sub_1"})
    assert "subscription" not in as_user(account.user).get(reverse("account-delete")).text
    assert "are deleted" in leave().text and cancelled(stripe) == []


@pytest.mark.parametrize("status", [400, 401, 500])
def test_it_deletes_nothing_while_stripe_does_not_answer(stripe, account, leave, status):
    stripe.fail = status
    answer = leave()
    assert "could not be cancelled" in answer.text and "Nothing was deleted; try again" in answer.text
    kept = Account.objects.get(pk=account.pk)
    assert kept.user == account.user and (kept.customer, kept.plan) == ("cus_1", "pro")
    stripe.fail = 0
    assert "are deleted" in leave().text


def test_it_cancels_what_is_paid_at_a_checkout_after_its_owner_left(stripe, account, leave):
    leave()
    stripe.subscribe("sub_2", account.pk, "price_pro")
    session = {"id": "cs_2", "mode": "subscription", "subscription": "sub_2", "customer": "cus_1"}
    for _ in range(2):
        event("checkout.session.completed", {**session, "client_reference_id": str(account.pk)}, uuid4().hex)
    assert cancelled(stripe) == ["/v1/subscriptions/sub_1", "/v1/subscriptions/sub_2"]
    kept = Account.objects.get(pk=account.pk)
    assert (kept.customer, kept.balance) == ("", account.balance)


def test_it_asks_for_the_password_before_it_cancels_anything(stripe, account, as_user):
    answer = as_user(account.user).post(reverse("account-delete"), {"email": "other@example.com"})
    assert answer.status_code == 400 and cancelled(stripe) == []


def test_it_says_nothing_of_subscriptions_to_who_has_none(alice, as_user):
    assert "subscription" not in as_user(alice).get(reverse("account-delete")).text
