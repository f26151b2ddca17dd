"""The usage page: what is left, what is held back, and every line of the ledger."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from usage import services

PAGE = 50


@login_required
@never_cache
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """`?before=ID` continues the ledger below that entry. Amounts are micro-credits (`credits` filter)."""
    assert isinstance(request.user, User)  # login_required
    account = services.account_of(request.user)
    entries = account.entries.order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(pk__lt=int(before))
    page = list(entries[: PAGE + 1])
    context = {
        "account": account,
        "entries": page[:PAGE],
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "open_reservations": account.reservations.filter(state="open").order_by("-id"),
    }
    return render(request, "usage/usage.html", context)
