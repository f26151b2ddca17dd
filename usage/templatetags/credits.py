"""`{% load credits %}{{ entry.amount|credits }}`: micro-credits as a person reads them."""

from django import template

from usage import services

register = template.Library()


@register.filter("credits")
def as_text(micro: int) -> str:
    return services.text(micro)
