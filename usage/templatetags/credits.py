"""`{% load credits %}{{ entry.amount|credits }}`: micro-credits as a person reads them."""

from django import template
from django.conf import settings

from usage import services

register = template.Library()


@register.filter("credits")
def as_text(micro: int) -> str:
    return services.text(micro)


@register.filter("at_hand")
def as_balance(micro: int) -> str:
    return services.at_hand(micro)


@register.filter
def signed_credits(micro: int) -> str:
    """As a line of the ledger: `+2.5 credits`, `−1 credit`."""
    said = services.text(micro)
    return f"+{said}" if micro > 0 and said[0].isdigit() else said


@register.filter
def credits_number(micro: int | None) -> str:
    """The number alone, as it is typed into a field: `2.5`; nothing for None."""
    if micro is None:
        return ""
    return f"{micro / settings.MICRO:.2f}".rstrip("0").rstrip(".")
