"""The lines of the ledger: a key counts once, and with each line the balance moves in the same transaction."""

import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from usage.models import Account, Entry

# Far above any real amount, far below a bigint: sums cannot overflow.
MOST = 10**15
# Credits that a person may type.
MOST_TYPED = 100_000
TYPED = "a number of credits from 0.01 to 100,000 with at most two decimals, such as 5 or 2.5"


class KeyReused(ValueError):
    """One key was used for two different amounts or accounts."""


def today() -> date:
    """The UTC day: the one by which plans give their credits."""
    return datetime.now(UTC).date()


def text(micro: int, rounding: str = ROUND_HALF_UP) -> str:
    """An amount as a person reads it: `1 credit`, `0.25 credits`, `−1 credit`; what rounds to nothing, come or gone, is
    `under 0.01 credits`. `rounding`: of the size, one of decimal's.
    """
    size = (Decimal(abs(micro)) / settings.MICRO).quantize(Decimal("0.01"), rounding)
    if micro and not size:
        return "under 0.01 credits"
    number = f"{size:,f}".rstrip("0").rstrip(".")
    return f"{'−' if micro < 0 else ''}{number} credit{'' if size == 1 else 's'}"


def at_hand(micro: int) -> str:
    """What somebody has, likewise: rounded down, so that nobody is told of a hundredth that is not there."""
    return text(micro, ROUND_DOWN)


def typed(text: str) -> int | None:
    """Micro-credits of what a person typed: a number from 0.01 to 100,000 with at most two decimals; else None."""
    try:
        amount = Decimal(text.strip())
        fine = amount.is_finite() and Decimal("0.01") <= amount <= MOST_TYPED and amount == round(amount, 2)
    except InvalidOperation:
        return None
    return int(amount * settings.MICRO) if fine else None


def check_amount(amount: int) -> None:
    """Amounts are whole micro-credits, 1 to 10^15. Raises ValueError."""
    if type(amount) is not int or not 0 < amount <= MOST:
        raise ValueError(f"Not an amount of micro-credits: {amount!r}.")


def open_account(user: User) -> tuple[Account, bool]:
    """The user's account, and whether this call made it. Its first day has the sign-up grant instead of a refill."""
    return Account.objects.get_or_create(user=user, defaults={"refilled": today()})


@transaction.atomic
def add(
    account: Account, kind: str, amount: int, key: str, note: str = "", run_id: uuid.UUID | None = None
) -> tuple[Entry, bool]:
    """A line and its effect on the balance, once per `key`: the line, and whether this call wrote it.

    Raises KeyReused, and IntegrityError for what would bring the balance below what is reserved.
    """
    line = {"account": account, "kind": kind, "amount": amount}
    try:
        with transaction.atomic():
            entry = Entry.objects.create(**line, key=key, note=note[:200], run_id=run_id)
    except IntegrityError:
        entry = Entry.objects.get(key=key)
        if (entry.account_id, entry.amount) != (account.pk, amount):
            raise KeyReused(f"{key!r} stands for another line.") from None
        return entry, False
    Account.objects.filter(pk=account.pk).update(balance=F("balance") + amount)
    return entry, True


@transaction.atomic
def grant(user: User, amount: int, key: str, note: str = "") -> Entry:
    """Add `amount` once per `key`; a repeat changes nothing and returns the first entry."""
    check_amount(amount)
    account, _ = open_account(user)
    return add(account, Entry.Kind.GRANT, amount, key, note)[0]
