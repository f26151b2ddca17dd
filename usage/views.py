"""What a person may change about their credits: redeem a promo code, and set what one run may cost."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import limits
from accounts.models import User
from usage import promo, services
from usage.models import Account

# Codes are words: without a limit they could be guessed.
TRIES, HOUR = 10, 3600


@login_required
@require_POST
def promo_redeem(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    if not limits.allow(f"promo:{request.user.pk}", TRIES, HOUR):
        messages.error(request, f"{TRIES} codes an hour can be tried. Come back later.")
        return redirect("usage")
    try:
        entry = promo.redeem(request.user, request.POST.get("code", ""))
        messages.success(request, f"The code gave you {services.text(entry.amount)}.")
    except promo.BadCode as error:
        messages.error(request, str(error))
    return redirect("usage")


@login_required
@require_POST
def cap_set(request: HttpRequest) -> HttpResponse:
    """`cap`: credits that one run may cost; empty for no cap."""
    assert isinstance(request.user, User)
    text = request.POST.get("cap", "").strip()
    cap = services.typed(text)
    if text and cap is None:
        messages.error(request, f"“{text[:20]}” is no cap. A cap is {services.TYPED}; leave the field empty for none.")
        return redirect("usage")
    account = services.account_of(request.user)
    Account.objects.filter(pk=account.pk).update(run_cap=cap)
    said = f"A run now stops at {services.text(cap)}." if cap else "Runs have no cap now."
    messages.success(request, said)
    return redirect("usage")
