"""Pages that belong to no app: landing, pricing, components."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agents.catalogue import TIERS
from agents.landing import home_context, landing_context, prices
from agents.models import Run
from vibe import problems
from vibe.samples import COLOURS, PAGES_OF_ERRORS, SAMPLES, TROUBLES


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/home.html", landing_context(request))


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/pricing.html", {"models": TIERS, **prices()})


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for who works on the pages; with DEBUG only."""
    if not settings.DEBUG:
        raise Http404
    if (code := request.GET.get("error", "")) in PAGES_OF_ERRORS:
        return problems.error(request, int(code), "This is what went wrong, in a sentence.")
    thing = {"pk": UUID(int=0x3B)}
    samples = {
        "steps": SAMPLES,
        "states": [*Run.State.values, "planned"],
        "project": thing,
        "run": thing,
        "troubles": TROUBLES,
        "colours": COLOURS,
        "codes": PAGES_OF_ERRORS,
    }
    return render(request, "pages/ui.html", {**home_context(request), **samples})
