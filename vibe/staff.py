"""Pages for who runs the site; for everyone else they do not exist."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents import catalogue, figures, prompts
from agents.llm import providers
from agents.models import PromptVersion, Run

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
    return render(request, "staff/models.html", {"tiers": tiers, "real": real, "prompts": _prompts()})


def _prompts() -> list[dict[str, Any]]:
    """Every prompt with its versions, that of now first; `row` is None for one that no run was given yet."""
    counts, kept = figures.prompts(), list(PromptVersion.objects.all())
    found = []
    for name, current, text in prompts.files():
        rows: list[tuple[str, str, PromptVersion | None]]
        rows = [(row.version, row.text, row) for row in kept if row.name == name]
        rows.sort(key=lambda row: row[0] != current)  # an older text that came back is that of now
        if not rows or rows[0][0] != current:
            rows.insert(0, (current, text, None))
        versions = []
        for version, words, row in rows:
            runs, good = counts.get((name, version), (0, 0))
            versions.append({"version": version, "text": words, "row": row, "runs": runs, "share": _share(good, runs)})
        found.append({"name": name, "versions": versions})
    return found


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
