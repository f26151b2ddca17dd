"""Pages for who runs the site; for everyone else they do not exist."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents import catalogue, figures, prompts
from agents.llm import providers
from agents.models import Run

TITLES = {"24h": "24 hours", "7d": "7 days", "30d": "30 days"}


@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """How runs ended and what they took, over the last day, week or month."""
    if not (request.user.is_authenticated and request.user.is_staff):
        raise Http404
    span = request.GET.get("span", "24h")
    if span not in figures.SPANS:
        raise Http404
    return render(request, "staff/runs.html", {"span": span, "spans": TITLES, **_shown(figures.recent(span))})


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Which models stand behind the names, at what price, and the prompts they are given, each with its version."""
    if not (request.user.is_authenticated and request.user.is_staff):
        raise Http404
    tiers = []
    for tier in catalogue.TIERS:
        try:
            answers = [source.name for source in providers.chain(tier)]
        except providers.NoProvider as error:
            answers = [str(error)]
        tiers.append((tier, answers))
    real = [(provider, name, model) for provider, found in catalogue.REAL.items() for name, model in found.items()]
    return render(request, "staff/models.html", {"tiers": tiers, "real": real, "prompts": prompts.files()})


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """The sums as the page says them, shares in percent."""
    total = found["runs"]
    states = [(state, found["states"][state], _share(found["states"][state], total)) for state in Run.TERMINAL]
    for check in found["checks"]:
        check["share"] = _share(check["mended"], check["failed"])
    usd = sum(model["usd"] or 0 for model in found["models"])
    approval = _share(found["approved"], found["reviewed"])
    return {"found": found, "states": states, "approval": approval, "usd": usd}


def _share(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
