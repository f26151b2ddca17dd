"""The staff's page of how the installation is right now: what answers, what waits, what fails, what it costs."""

from typing import Any

from celery import current_app
from django.core.cache import cache
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents.models import Run
from vibe import health
from vibe.metrics import Metric, collect

# Workers are asked by broadcast and have this long to answer; the answer serves everybody for a while.
WORKER_SECONDS, WORKERS_FRESH_SECONDS = 1.5, 5
# As deploy/alerts.yml has them.
WAITS_TOO_LONG, TOO_DEEP, FAILS_TOO_OFTEN, ENOUGH_RUNS = 60, 50, 0.2, 10


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Staff only; for everybody else the page does not exist."""
    if not (request.user.is_authenticated and request.user.is_staff):
        raise Http404
    figures = {metric.name: metric for metric in collect()}
    hour = _by_label(figures["vibe_runs_last_hour"])
    ended = {state: hour.get(state, 0) for state in Run.TERMINAL}
    facts = {
        "checks": health.checks(),
        "workers": workers(),
        "runs": _by_label(figures["vibe_runs"]),
        "oldest": figures["vibe_queue_oldest_seconds"].values[""],
        "expired": figures["vibe_leases_expired"].values[""],
        "sandboxes": _by_label(figures["vibe_sandboxes"]),
        "charged": figures["vibe_credits_charged_today"].values[""],
        "users": figures["vibe_users"].values[""],
        "hour": hour,
        "ended": sum(ended.values()),
        "failing": ended[Run.State.FAILED] / sum(ended.values()) if sum(ended.values()) else 0.0,
    }
    return render(request, "pages/status.html", {**facts, "troubles": troubles(facts)})


def workers() -> list[dict[str, Any]]:
    """Every worker for runs that answers: name, how many runs it can hold, how many it works on."""
    stats = cache.get("status-workers")
    if stats is None:
        stats = current_app.control.inspect(timeout=WORKER_SECONDS).stats() or {}
        cache.set("status-workers", stats, WORKERS_FRESH_SECONDS)
    running = Run.objects.filter(state=Run.State.RUNNING).values_list("lease_owner")
    held = dict(running.annotate(Count("pk")).order_by())
    return [
        {
            "name": name,
            "holds": facts.get("pool", {}).get("max-concurrency", 0),
            "busy": held.get(f"{name.partition('@')[2]}:{facts.get('pid')}", 0),
        }
        for name, facts in sorted(stats.items())
        if name.startswith("worker")  # chores and pictures have workers of their own
    ]


def troubles(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What somebody should look at now, and what to do about it."""
    found = [
        (f"{name.capitalize()} {check.get('detail', 'does not answer')}.", "Its own log says more.")
        for name, check in facts["checks"].items()
        if not check["ok"]
    ]
    if not facts["workers"]:
        found.append(("No worker answers.", "Runs are kept and begin when one is up. Start a worker."))
    if facts["oldest"] > WAITS_TOO_LONG:
        found.append((f"A run has waited for {facts['oldest']:.0f} s.", "Add a worker, or raise WORKER_CONCURRENCY."))
    if facts["expired"]:
        found.append((f"{facts['expired']:.0f} runs lost their worker.", "Beat takes them up within 10 s: is it up?"))
    if facts["runs"]["queued"] > TOO_DEEP:
        found.append((f"{facts['runs']['queued']:.0f} runs are queued.", "Add a worker."))
    if facts["ended"] >= ENOUGH_RUNS and facts["failing"] > FAILS_TOO_OFTEN:
        found.append((f"{facts['failing']:.0%} of the last hour's runs failed.", "The admin's list of runs says why."))
    return found


def _by_label(metric: Metric) -> dict[str, float]:
    """A metric with one label, as its label's values."""
    return {labels.split('"')[1]: value for labels, value in metric.values.items()}
