"""Plans and what they give: so much a day, so much a month. Given at the account's first use in that day or month.

There is no task that might come late, twice or not at all: each gift has a key with its date, which the ledger takes
once. Days are UTC days; a plan's months are counted from the moment it began. What is not used stays.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from usage import ledger
from usage.models import Account, Entry


@dataclass(frozen=True)
class Plan:
    """Credits: `daily` up to `daily_most` in a calendar month, and `monthly` at the beginning of each of its months."""

    name: str
    title: str
    blurb: str
    daily: int
    daily_most: int
    monthly: int
    price: str
    stripe_price: str = ""


def plans() -> dict[str, Plan]:
    """Every plan, the smallest first (settings.PLANS)."""
    return {name: Plan(name, **facts) for name, facts in settings.PLANS.items()}


def plan_of(account: Account) -> Plan:
    """The plan that is in force now."""
    over = account.plan_until is not None and account.plan_until <= timezone.now()
    return plans()[Account.Plan.FREE if over else account.plan]


def refill(account: Account) -> None:
    """Gives what the plan has for this day and month, unless that was done; `account` is then as stored."""
    day = ledger.today()
    if account.refilled is not None and account.refilled >= day:
        return
    with transaction.atomic():
        due = Account.objects.filter(Q(refilled__isnull=True) | Q(refilled__lt=day), pk=account.pk)
        if due.update(refilled=day):  # of any number at once, one
            account.refresh_from_db()
            _give(account, day)
    account.refresh_from_db()


@transaction.atomic
def set_plan(account: Account, name: str, until: datetime | None = None, since: datetime | None = None) -> None:
    """Puts an account on a plan (until then) and gives what it has for the month. `since` begins its months.

    A larger plan within a month gives the difference; a smaller one gives nothing before the next month.
    """
    locked = Account.objects.select_for_update().get(pk=account.pk)
    was = plan_of(locked)
    if was.name != name and (not was.monthly or not plans()[name].monthly):
        locked.plan_since = since or timezone.now()
    elif since is not None and locked.plan_since is None:
        locked.plan_since = since
    locked.plan, locked.plan_until = name, until
    locked.save(update_fields=["plan", "plan_since", "plan_until"])
    _give_month(locked, ledger.today())
    account.refresh_from_db()


def month_begins(since: date, day: date) -> date:
    """The first day of that one of the months counted from `since` in which `day` lies; 31 Jan, 28 Feb, 31 Mar …"""
    months = (day.year - since.year) * 12 + day.month - since.month
    begins = _after(since, months)
    return begins if begins <= day else _after(since, months - 1)


def _after(since: date, months: int) -> date:
    # From the first day always, never from the month before: no drift to the 28th.
    year, month = divmod(since.year * 12 + since.month - 1 + months, 12)
    return date(year, month + 1, min(since.day, calendar.monthrange(year, month + 1)[1]))


def _give(account: Account, day: date) -> None:
    plan = plan_of(account)
    head = f"daily-{account.pk}-{day:%Y-%m}"
    amount = min(plan.daily * settings.MICRO, plan.daily_most * settings.MICRO - _given(head))
    if amount > 0:
        ledger.add(account, Entry.Kind.GRANT, amount, f"{head}-{day:%d}", f"{plan.title}: today's credits")
    _give_month(account, day)


def _give_month(account: Account, day: date) -> None:
    plan = plan_of(account)
    if not plan.monthly:
        return
    since = (account.plan_since or timezone.now()).astimezone(UTC).date()
    begins = month_begins(since, max(day, since))
    if not _is_paid(account, begins):
        return
    head = f"monthly-{account.pk}-{begins:%Y-%m-%d}"
    amount = plan.monthly * settings.MICRO - _given(head)
    if amount > 0:
        note = f"{plan.title}: credits of the month from {begins:%-d %B}"
        ledger.add(account, Entry.Kind.GRANT, amount, f"{head}-{plan.name}", note)


def _is_paid(account: Account, begins: date) -> bool:
    """Whether the plan's month that begins then is paid for; so is every month of a plan that no subscription gave."""
    if account.plan_until is None:
        return True
    giving = account.subscriptions.filter(plan=account.plan, until=account.plan_until)
    ends = list(giving.values_list("paid_until", flat=True))
    return not ends or any(end is None or begins < end.astimezone(UTC).date() for end in ends)


def _given(head: str) -> int:
    return Entry.objects.filter(key__startswith=f"{head}-").aggregate(sum=Sum("amount"))["sum"] or 0
