"""Stripe, when STRIPE_SECRET_KEY is set: checkout, the customer portal, and what its events do here.

An event is a doorbell: what a subscription is worth is asked of Stripe at that moment, so events may come late, twice
and in any order. What was sold stands in a Purchase of ours, so no amount is ever taken from an event.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from accounts import outside
from usage import ledger, plans
from usage.models import Account, Entry, Purchase, Subscription

if TYPE_CHECKING:
    from stripe import StripeClient

# A renewal that is paid late does not end a plan at the stroke of midnight.
GRACE = timedelta(days=3)
LIVING = ("active", "trialing", "past_due")
# What is neither of these can still be charged, or paid and live again.
ENDED = ("canceled", "incomplete_expired")
TOPUP = "topup"


class NotOffered(ValueError):
    """There is no such thing to buy, or it has no price at Stripe."""


def enabled() -> bool:
    return bool(settings.STRIPE_SECRET_KEY)


def offers() -> dict[str, str]:
    """What can be bought: name → Stripe's price."""
    found = {plan.name: plan.stripe_price for plan in plans.plans().values()} | {TOPUP: settings.STRIPE_PRICE_TOPUP}
    return {name: price for name, price in found.items() if price} if enabled() else {}


@cache
def _client(key: str, address: str) -> "StripeClient":
    # Imported here: the SDK takes a second, and most installations never need it.
    from stripe import StripeClient

    return StripeClient(key, base_addresses={"api": address}, max_network_retries=2)


def client() -> "StripeClient":
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def checkout(account: Account, what: str, back: str, once: str) -> str:
    """The address where the user pays for a plan or a top-up. `back`: the usage page; `once`: one session per form.

    Raises NotOffered, stripe.StripeError.
    """
    price = offers().get(what)
    if not price or account.user is None:
        raise NotOffered(what)
    if what != TOPUP and account.subscriptions.filter(status__in=LIVING).exists():
        return portal(account, back)  # there the plan is changed; another checkout would be a second one
    facts: dict[str, Any] = {"account": str(account.pk), "what": what}
    params: Any = {
        "mode": "payment" if what == TOPUP else "subscription",
        "line_items": [{"price": price, "quantity": 1}],
        "client_reference_id": str(account.pk),
        "metadata": facts,
        "success_url": f"{back}?paid=1",
        "cancel_url": back,
        **({"customer": account.customer} if account.customer else {"customer_email": account.user.email}),
    }
    # Charges and subscriptions carry the same facts, so that their events know what they are about.
    params["payment_intent_data" if what == TOPUP else "subscription_data"] = {"metadata": facts}
    options: Any = {"idempotency_key": f"checkout-{account.pk}-{what}-{once}"[:255]}
    session = client().v1.checkout.sessions.create(params=params, options=options)
    if what == TOPUP:
        micro = settings.TOPUP_CREDITS * settings.MICRO
        Purchase.objects.get_or_create(session_id=session.id, defaults={"account": account, "credits": micro})
    return str(session.url)


def portal(account: Account, back: str) -> str:
    """The address where the user changes or ends what they pay. Raises NotOffered, stripe.StripeError."""
    if not account.customer:
        raise NotOffered("portal")
    params: Any = {"customer": account.customer, "return_url": back}
    return str(client().v1.billing_portal.sessions.create(params=params).url)


def subscribed(account: Account) -> bool:
    """Whether there is a subscription that Stripe may charge."""
    return account.subscriptions.exclude(status__in=ENDED).exists()


def unsubscribe(account: Account) -> None:
    """Ends every subscription of the account at Stripe, at once; those that have ended there already count as done.

    Raises stripe.StripeError: then some may go on.
    """
    for row in account.subscriptions.exclude(status__in=ENDED):
        _cancel(row.stripe_id)


def _cancel(stripe_id: str) -> None:
    from stripe import InvalidRequestError

    try:
        client().v1.subscriptions.cancel(stripe_id)
    except InvalidRequestError as error:
        if error.http_status != 404:  # Stripe does not find what was cancelled before
            raise


# --- Events ----------------------------------------------------------------------------------------------------------


def session_completed(session: Any) -> None:
    """Paid: the top-up is added, or the subscription begins. A session that is not ours changes nothing."""
    account = _account(session.get("client_reference_id"))
    if account is None:
        return
    if session.get("customer"):
        Account.objects.filter(pk=account.pk, user__isnull=False).update(customer=session["customer"])
    if session.get("mode") == "subscription" and session.get("subscription"):
        subscription_changed(session["subscription"])
    elif session.get("payment_status") == "paid" and account.user_id:
        _topped_up(session)


def subscription_changed(stripe_id: str) -> None:
    """Puts the account on what Stripe says of the subscription now. Raises outside.Busy: Stripe tells of it again."""
    with outside.waiting(), transaction.atomic():
        row = Subscription.objects.select_for_update().filter(stripe_id=stripe_id).first()
        # Asked under the lock, so that of two events the later answer is written last.
        found = client().v1.subscriptions.retrieve(stripe_id, {"expand": ["latest_invoice"]}).to_dict()
        account = row.account if row else _account((found.get("metadata") or {}).get("account"))
        if account is None:
            return
        if account.user_id is None and found["status"] not in ENDED:
            # Its owner has left: the checkout was still open, or this is told late. Stripe tells of the end as well.
            _cancel(stripe_id)
            return
        # What never lived gave no plan, so there is none for it to end: the account's may come from elsewhere.
        gave = row is not None and row.status in LIVING and row.plan
        item = found["items"]["data"][0]
        plan = next((name for name, price in offers().items() if price == item["price"]["id"]), "")
        # Stripe has moved these from the subscription to its items (API 2025-03-31); both places are read.
        begins = float(item.get("current_period_start") or found["current_period_start"])
        ends = float(item.get("current_period_end") or found["current_period_end"])
        paid_until = datetime.fromtimestamp(ends if _is_paid(found) else begins, UTC)
        facts = {"account": account, "status": found["status"], "plan": plan, "paid_until": paid_until}
        facts["until"] = datetime.fromtimestamp(ends, UTC) + GRACE
        Subscription.objects.update_or_create(stripe_id=stripe_id, defaults=facts)
        living = account.subscriptions.filter(status__in=LIVING).exclude(plan="").order_by("-until").first()
        if living:
            plans.set_plan(account, living.plan, living.until, datetime.fromtimestamp(begins, UTC))
        elif gave and plans.plan_of(account).name != Account.Plan.FREE:
            plans.set_plan(account, Account.Plan.FREE)


def _is_paid(found: dict[str, Any]) -> bool:
    """Whether the period that a subscription is in was paid for. A renewal is "active" for about an hour before its
    invoice is charged (docs.stripe.com/billing/subscriptions/overview), and "past_due" while that is tried again.
    """
    invoice = found.get("latest_invoice")
    return found["status"] != "past_due" and (invoice is None or invoice["status"] == "paid")


@transaction.atomic
def refunded(charge: Any) -> bool:
    """Takes back what a refunded top-up gave, in proportion, as far as it is there. False: no such top-up (yet)."""
    purchase = Purchase.objects.select_for_update().filter(payment_intent=charge.get("payment_intent") or "-").first()
    if purchase is None:
        return False
    whole, back = int(charge["amount"]), int(charge["amount_refunded"])
    owed = purchase.credits * min(back, whole) // whole if whole > 0 else 0
    account = Account.objects.select_for_update().get(pk=purchase.account_id)
    take = min(owed - purchase.taken_back, account.available)
    if take > 0:
        key = f"stripe-refund-{purchase.pk}-{owed}"
        ledger.add(account, Entry.Kind.REVERSAL, -take, key, "Your payment was refunded")
    if owed > purchase.taken_back:
        Purchase.objects.filter(pk=purchase.pk).update(taken_back=owed)
    return True


def awaits(charge: Any) -> bool:
    """Whether a refund may belong to a top-up of ours whose payment has not been told yet."""
    return bool((charge.get("metadata") or {}).get("what") == TOPUP)


@transaction.atomic
def _topped_up(session: Any) -> None:
    purchase = Purchase.objects.select_for_update().filter(session_id=session["id"]).first()
    if purchase is None:
        return
    Purchase.objects.filter(pk=purchase.pk).update(paid=True, payment_intent=session.get("payment_intent"))
    ledger.add(purchase.account, Entry.Kind.GRANT, purchase.credits, f"stripe-{purchase.session_id}", "Top-up")


def _account(reference: Any) -> Account | None:
    text = str(reference or "")
    return Account.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
