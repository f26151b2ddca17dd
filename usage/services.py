"""What runs do with credits: reserve, extend, settle, release, refund. Micro-credits; each call is one transaction.

Lock order everywhere: reservation, then account. The account's CHECKs say once more what the conditional UPDATEs hold.
Lines of the ledger are written in ledger.py, and by nobody else.
"""

import uuid
from datetime import timedelta
from decimal import ROUND_UP
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts import prepared
from accounts.models import User
from usage import ledger, plans
from usage.ledger import MOST, TYPED, KeyReused, add, at_hand, check_amount, grant, open_account, text, typed
from usage.models import Account, Entry, Reservation

__all__ = [
    "MOST",
    "TYPED",
    "CapReached",
    "KeyReused",
    "NotEnoughCredits",
    "ReservationClosed",
    "account_of",
    "at_hand",
    "check_amount",
    "close_account",
    "erase",
    "extend",
    "grant",
    "pays_itself",
    "refund",
    "release",
    "reserve",
    "settle",
    "text",
    "typed",
]


class NotEnoughCredits(Exception):
    """The user has less than is needed. Both in micro-credits."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"This needs {text(needed, ROUND_UP)} and you have {at_hand(available)}.")
        self.needed = needed
        self.available = available


class CapReached(Exception):
    """The run holds all that it may cost. `cap` in micro-credits."""

    def __init__(self, cap: int) -> None:
        super().__init__(f"This run may cost at most {text(cap)}.")
        self.cap = cap


class ReservationClosed(Exception):
    """The reservation was settled or released already."""


@transaction.atomic(savepoint=False)
def account_of(user: User) -> Account:
    """The user's account; the first call makes it, with the sign-up grant, and the first of a day refills it."""
    account, made = open_account(user)
    if made and settings.SIGNUP_CREDITS:
        grant(user, settings.SIGNUP_CREDITS * settings.MICRO, f"signup-{user.pk}", "Welcome")
        account.refresh_from_db()
    plans.refill(account)
    return account


# All or nothing; nothing either for an account that has to be opened or refilled first, and for who brought a key. Of
# two calls for one run the second waits at the account's row for the first, and then does nothing. LEAST passes over
# NULL.
RESERVE = """
WITH able AS (
    SELECT id, coalesce(%(cap)s, run_cap) AS cap, least(%(amount)s, coalesce(%(cap)s, run_cap)) AS amount
    FROM usage_account WHERE user_id = %(user)s AND refilled >= %(today)s
        AND balance >= reserved + least(%(amount)s, coalesce(%(cap)s, run_cap))
        AND NOT EXISTS (SELECT FROM accounts_providerkey WHERE user_id = %(user)s) FOR UPDATE
), made AS (
    INSERT INTO usage_reservation (account_id, run_id, amount, cap, used, state, created)
    SELECT id, %(run)s, amount, cap, 0, 'open', now() FROM able ON CONFLICT (run_id) DO NOTHING
    RETURNING account_id, amount
), held AS (
    UPDATE usage_account SET reserved = reserved + made.amount FROM made WHERE id = made.account_id
)
SELECT count(*) FROM able
"""


def reserve(user: User, amount: int, run_id: uuid.UUID, cap: int | None = None) -> None:
    """Hold `amount` back for a run, or the run's `cap` if that is less; once per run. Without a cap the user's own
    setting bounds the run. Of who pays themselves nothing is held.

    Raises NotEnoughCredits, leaving no trace.
    """
    check_amount(amount)
    if cap is not None:
        check_amount(cap)
    asked = {"user": user.pk, "run": run_id, "amount": amount, "cap": cap, "today": ledger.today()}
    if _hold(asked) or pays_itself(user):
        return
    account = account_of(user)  # opened or refilled, where that is what was missing
    if not _hold(asked) and not Reservation.objects.filter(run_id=run_id).exists():
        account.refresh_from_db()
        cap = account.run_cap if cap is None else cap
        raise NotEnoughCredits(amount if cap is None else min(amount, cap), account.available)


def pays_itself(user: User) -> bool:
    """Whether the user brought a key: then their provider bills them."""
    return user.provider_keys.exists()


def _hold(asked: dict[str, Any]) -> bool:
    with prepared.cursor() as cursor:
        cursor.execute(RESERVE, asked)
        return bool(cursor.fetchone()[0])


@transaction.atomic
def extend(run_id: uuid.UUID, amount: int) -> Reservation:
    """Hold up to `amount` more: what the user has and the run's cap leaves. What is unused comes back at the end.

    Raises CapReached or NotEnoughCredits when that is nothing, ReservationClosed.
    """
    check_amount(amount)
    reservation = Reservation.objects.select_for_update().get(run_id=run_id)
    if reservation.state != Reservation.State.OPEN:
        raise ReservationClosed(f"The reservation of run {run_id} is {reservation.state}.")
    if reservation.cap is not None:
        amount = min(amount, reservation.cap - reservation.amount)
        if amount <= 0:
            raise CapReached(reservation.cap)
    account = Account.objects.select_for_update().get(pk=reservation.account_id)
    if account.available <= 0:
        raise NotEnoughCredits(amount, account.available)
    amount = min(amount, account.available)
    Account.objects.filter(pk=account.pk).update(reserved=F("reserved") + amount)
    reservation.amount += amount
    reservation.save(update_fields=["amount"])
    return reservation


@transaction.atomic(savepoint=False)
def settle(run_id: uuid.UUID, used: int, note: str = "") -> Reservation:
    """End a reservation: charge `used` (0 or more), give the rest back. The first end counts; a repeat returns it.

    A run that used more than it held is charged at most what the account has, and never more than its cap: the
    balance never falls below zero. The charge made is `.used` of what is returned.
    """
    if type(used) is not int or used < 0:
        raise ValueError("A run cannot use less than nothing.")
    reservation = Reservation.objects.select_for_update().get(run_id=run_id)
    if reservation.state != Reservation.State.OPEN:
        return reservation
    account = Account.objects.select_for_update().get(pk=reservation.account_id)
    charge = min(used, reservation.amount + account.available, reservation.cap or MOST)
    _close(reservation, Reservation.State.SETTLED, charge)
    if charge:
        add(account, Entry.Kind.CHARGE, -charge, f"charge-{run_id}", note, run_id)
    return reservation


RELEASE = """
WITH ended AS (
    UPDATE usage_reservation SET state = 'released', used = 0 WHERE run_id = %s AND state = 'open'
    RETURNING account_id, amount
)
UPDATE usage_account SET reserved = reserved - ended.amount FROM ended WHERE id = ended.account_id
RETURNING balance
"""


def release(run_id: uuid.UUID) -> int | None:
    """End a reservation without a charge; the balance, with what other runs hold. The first end counts, and a run may
    have none: None where this call ended nothing.
    """
    with prepared.cursor() as cursor:
        cursor.execute(RELEASE, [run_id])
        row = cursor.fetchone()
        return row and int(row[0])


@transaction.atomic
def refund(run_id: uuid.UUID, note: str) -> int:
    """Give back what a run was charged: once, and for at most REFUNDS_PER_DAY runs of a user. What came back."""
    reservation = Reservation.objects.select_for_update().filter(run_id=run_id).first()
    if reservation is None or not reservation.used:
        return 0
    account = Account.objects.select_for_update().get(pk=reservation.account_id)
    day = timezone.now() - timedelta(days=1)
    given = account.entries.filter(kind=Entry.Kind.REFUND, created__gte=day).exclude(run_id=None).count()
    if given >= settings.REFUNDS_PER_DAY:
        return 0
    _, made = add(account, Entry.Kind.REFUND, reservation.used, f"refund-{run_id}", note, run_id)
    return reservation.used if made else 0


@transaction.atomic
def erase(user: User) -> None:
    """Take the person out of their account: the amounts stay for the books, names and notes go."""
    account = Account.objects.filter(user=user).first()
    if account is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL vibe.erase_ledger = 'on'")
        Entry.objects.filter(account=account).update(note="")
        cursor.execute("SET LOCAL vibe.erase_ledger = 'off'")
    Account.objects.filter(pk=account.pk).update(user=None, customer="")


@transaction.atomic
def close_account(user: User) -> None:
    """Before a person is deleted: ends what is held back for their runs, and takes them out of their ledger."""
    for run_id in Reservation.objects.filter(account__user=user, state=Reservation.State.OPEN).values_list("run_id"):
        release(run_id[0])
    erase(user)


def _close(reservation: Reservation, state: Reservation.State, used: int) -> Reservation:
    Account.objects.filter(pk=reservation.account_id).update(reserved=F("reserved") - reservation.amount)
    reservation.state, reservation.used = state, used
    reservation.save(update_fields=["state", "used"])
    return reservation
