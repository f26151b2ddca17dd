"""Promo codes: once to each user, never more often than there are uses, whatever comes at the same time."""

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from usage import services
from usage.ledger import add
from usage.models import Entry, PromoCode, Redemption


class BadCode(ValueError):
    """The code gives nothing. The text says why; a code that never was and one that is over read the same."""


@transaction.atomic
def redeem(user: User, code: str) -> Entry:
    """The line of the ledger with what the code gave. Raises BadCode."""
    account = services.account_of(user)
    promo = PromoCode.objects.filter(code__iexact=code.strip()[:40]).first()
    if promo is None:
        raise BadCode("This code is not valid.")
    try:
        with transaction.atomic():
            Redemption.objects.create(promo=promo, account=account)
    except IntegrityError:
        raise BadCode("You have used this code already.") from None
    lasting = Q(ends__isnull=True) | Q(ends__gt=timezone.now())
    left = Q(most_uses__isnull=True) | Q(uses__lt=F("most_uses"))
    if not PromoCode.objects.filter(lasting, left, pk=promo.pk, active=True).update(uses=F("uses") + 1):
        raise BadCode("This code is not valid.")
    note = promo.note or f"Promo code {promo.code}"
    return add(account, Entry.Kind.GRANT, promo.amount, f"promo-{promo.pk}-{account.pk}", note)[0]
