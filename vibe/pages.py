"""Pages that belong to no app: landing, pricing, showcase."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agents.catalogue import TIERS
from agents.landing import home_context
from agents.models import Run
from vibe.samples import SAMPLES


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/home.html", home_context(request))


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    context = {"models": TIERS, "signup_credits": settings.SIGNUP_CREDITS}
    return render(request, "pages/pricing.html", context)


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for who works on the pages; with DEBUG only."""
    if not settings.DEBUG:
        raise Http404
    thing = {"pk": UUID(int=0)}
    samples = {"steps": SAMPLES, "states": Run.State.values, "project": thing, "run": thing}
    return render(request, "pages/ui.html", {**home_context(request), **samples})


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/showcase.html")
