"""The only writer of credits: grant, reserve, extend, settle, release. Micro-credits; each call is one transaction.

Lock order everywhere: reservation, then account. The account's CHECKs say once more what the conditional UPDATEs hold.
"""

import uuid

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts.models import User
from usage.models import Account, Entry, Reservation

# Far above any real amount, far below a bigint: sums cannot overflow.
MOST = 10**15


class NotEnoughCredits(Exception):
    """The user has less than is needed. Both in micro-credits."""

    def __init__(self, needed: int, available: int) -> None:
        super().__init__(f"This needs {text(needed)} and you have {text(available)}.")
        self.needed = needed
        self.available = available


class KeyReused(ValueError):
    """One key was used for two different amounts or accounts."""


class ReservationClosed(Exception):
    """The reservation was settled or released already."""


def text(micro: int) -> str:
    """An amount as a person reads it: `1 credit`, `0.25 credits`; what rounds to nothing is `under 0.01 credits`."""
    if 0 < micro < settings.MICRO // 200:
        return "under 0.01 credits"
    number = f"{micro / settings.MICRO:,.2f}".rstrip("0").rstrip(".")
    return f"{number} credit" if number == "1" else f"{number} credits"


@transaction.atomic
def account_of(user: User) -> Account:
    """The user's account; the first call makes it, with the sign-up grant."""
    account, made = Account.objects.get_or_create(user=user)
    if made and settings.SIGNUP_CREDITS:
        grant(user, settings.SIGNUP_CREDITS * settings.MICRO, f"signup-{user.pk}", "Welcome")
        account.refresh_from_db()
    return account


@transaction.atomic
def grant(user: User, amount: int, key: str, note: str = "") -> Entry:
    """Add `amount` once per `key`; a repeat changes nothing and returns the first entry."""
    check_amount(amount)
    account, _ = Account.objects.get_or_create(user=user)
    try:
        with transaction.atomic():
            entry = Entry.objects.create(account=account, kind=Entry.Kind.GRANT, amount=amount, key=key, note=note)
    except IntegrityError:
        entry = Entry.objects.get(key=key)
        if (entry.account_id, entry.amount) != (account.pk, amount):
            raise KeyReused(f"{key!r} stands for another grant.") from None
        return entry
    Account.objects.filter(pk=account.pk).update(balance=F("balance") + amount)
    return entry


@transaction.atomic
def reserve(user: User, amount: int, run_id: uuid.UUID) -> Reservation:
    """Hold `amount` back for a run, once per run. Raises NotEnoughCredits, leaving no trace."""
    check_amount(amount)
    account = account_of(user)
    # Insert first: of two calls for one run the second waits here for the first.
    reservation, made = Reservation.objects.get_or_create(
        run_id=run_id, defaults={"account": account, "amount": amount}
    )
    if made:
        _hold(account.pk, amount)
    return reservation


@transaction.atomic
def extend(run_id: uuid.UUID, amount: int) -> Reservation:
    """Hold `amount` more; what is unused comes back at the end. Raises NotEnoughCredits, ReservationClosed."""
    check_amount(amount)
    reservation = Reservation.objects.select_for_update().get(run_id=run_id)
    if reservation.state != Reservation.State.OPEN:
        raise ReservationClosed(f"The reservation of run {run_id} is {reservation.state}.")
    _hold(reservation.account_id, amount)
    reservation.amount += amount
    reservation.save(update_fields=["amount"])
    return reservation


@transaction.atomic
def settle(run_id: uuid.UUID, used: int, note: str = "") -> Reservation:
    """End a reservation: charge `used` (0 or more), give the rest back. The first end counts; a repeat returns it.

    A run that used more than it held is charged at most what the account has: the balance never falls below zero.
    The charge made is `.used` of what is returned.
    """
    if type(used) is not int or used < 0:
        raise ValueError("A run cannot use less than nothing.")
    reservation = Reservation.objects.select_for_update().get(run_id=run_id)
    if reservation.state != Reservation.State.OPEN:
        return reservation
    account = Account.objects.select_for_update().get(pk=reservation.account_id)
    charge = min(used, reservation.amount + account.available)
    if charge:
        Entry.objects.create(
            account=account, kind=Entry.Kind.CHARGE, amount=-charge, key=f"charge-{run_id}", note=note[:200]
        )
    return _close(reservation, Reservation.State.SETTLED, charge)


@transaction.atomic
def release(run_id: uuid.UUID) -> Reservation | None:
    """End a reservation without a charge. The first end counts; None if the run never had one."""
    reservation = Reservation.objects.select_for_update().filter(run_id=run_id).first()
    if reservation is None or reservation.state != Reservation.State.OPEN:
        return reservation
    return _close(reservation, Reservation.State.RELEASED, 0)


@transaction.atomic
def erase(user: User) -> None:
    """Remove a user's account with its ledger: the one way to delete entries. Part of erasing a person."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL vibe.erase_ledger = 'on'")
        Account.objects.filter(user=user).delete()
        cursor.execute("SET LOCAL vibe.erase_ledger = 'off'")


def check_amount(amount: int) -> None:
    """Amounts are whole micro-credits, 1 to 10^15. Raises ValueError."""
    if type(amount) is not int or not 0 < amount <= MOST:
        raise ValueError(f"Not an amount of micro-credits: {amount!r}.")


def _hold(account_id: int, amount: int) -> None:
    account = Account.objects.filter(pk=account_id)
    if not account.filter(balance__gte=F("reserved") + amount).update(reserved=F("reserved") + amount):
        raise NotEnoughCredits(amount, account.get().available)


def _close(reservation: Reservation, state: Reservation.State, used: int) -> Reservation:
    Account.objects.filter(pk=reservation.account_id).update(
        balance=F("balance") - used, reserved=F("reserved") - reservation.amount
    )
    reservation.state, reservation.used = state, used
    reservation.save(update_fields=["state", "used"])
    return reservation
