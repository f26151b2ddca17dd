"""Paying: to Stripe's checkout and portal, and POST /hooks/stripe/ for what it has to say afterwards."""

import json
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts import outside
from accounts.models import Delivery, User
from accounts.problems import CONTENT_TYPE, problem
from usage import payments, services

log = logging.getLogger(__name__)
SOURCE, WINDOW_SECONDS = "stripe", 300


@login_required
@require_POST
def checkout(request: HttpRequest) -> HttpResponse:
    """`what`: pro, team or topup."""
    once = request.POST.get("once", "")[:36]
    return _to_stripe(
        request, lambda account, back: payments.checkout(account, request.POST.get("what", ""), back, once)
    )


@login_required
@require_POST
def portal(request: HttpRequest) -> HttpResponse:
    return _to_stripe(request, payments.portal)


def _to_stripe(request: HttpRequest, address: Callable[[Any, str], str]) -> HttpResponse:
    if not payments.enabled():
        raise Http404
    from stripe import StripeError

    assert isinstance(request.user, User)  # login_required
    try:
        with outside.waiting(request.user.pk):
            url = address(services.account_of(request.user), request.build_absolute_uri(reverse("usage")))
    except outside.Busy as busy:
        messages.error(request, f"{busy} Nothing was charged.")
        return redirect("usage")
    except payments.NotOffered:
        raise Http404 from None
    except StripeError as error:
        log.warning("Stripe refused: %s", error)
        messages.error(
            request, "The payment service does not answer as it should. Nothing was charged; try again later."
        )
        return redirect("usage")
    return redirect(url)


@csrf_exempt
@never_cache
@require_POST
def stripe_hook(request: HttpRequest) -> JsonResponse:
    """200 once an event took effect (again: nothing); 400 for a wrong signature; 409 and 503 to be asked again."""
    if not (payments.enabled() and settings.STRIPE_WEBHOOK_SECRETS):
        raise Http404
    event = _verified(request)
    if event is None:
        return JsonResponse(problem(400, "The signature is wrong or too old."), status=400, content_type=CONTENT_TYPE)
    try:
        with transaction.atomic():
            Delivery.objects.create(source=SOURCE, key=event["id"], type=event["type"])
            if not _apply(event["type"], event["data"]["object"]):
                raise _NotYet
    except IntegrityError:
        if not Delivery.objects.filter(source=SOURCE, key=event["id"]).exists():
            raise
        return JsonResponse({"applied": False})
    except outside.Busy as busy:
        return JsonResponse(problem(503, str(busy)), status=503, content_type=CONTENT_TYPE)
    except _NotYet:
        return JsonResponse(problem(409, "Not known here yet. Send it again."), status=409, content_type=CONTENT_TYPE)
    return JsonResponse({"applied": True})


class _NotYet(Exception):
    """The event speaks of something whose own event has not come; nothing of it is kept."""


def _apply(kind: str, thing: Any) -> bool:
    """False: it comes before what it belongs to."""
    match kind:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            payments.session_completed(thing)
        case "customer.subscription.created" | "customer.subscription.updated" | "customer.subscription.deleted":
            payments.subscription_changed(thing["id"])
        case "invoice.paid" | "invoice.payment_failed":
            parent = (thing.get("parent") or {}).get("subscription_details") or {}
            if subscription := parent.get("subscription") or thing.get("subscription"):
                payments.subscription_changed(subscription)
        case "charge.refunded":
            return payments.refunded(thing) or not payments.awaits(thing)
    return True  # what we did not ask for is received all the same


def _verified(request: HttpRequest) -> dict[str, Any] | None:
    from stripe import SignatureVerificationError, WebhookSignature

    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            header = request.headers.get("Stripe-Signature", "")
            WebhookSignature.verify_header(request.body, header, secret, WINDOW_SECONDS)
            event: dict[str, Any] = json.loads(request.body)
            return event if isinstance(event["id"], str) and isinstance(event["data"]["object"], dict) else None
        except (SignatureVerificationError, UnicodeDecodeError):
            continue
        except (ValueError, KeyError, TypeError):
            return None
    return None
