"""What runs took and how they ended: facts kept with each run at its end, and sums over many of them.

The facts are counted once, from the run's log; so a page over a month reads runs, not their steps.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from redis.exceptions import RedisError

from agents.log import to_mend
from agents.models import Run, Step

KINDS = ("input", "output", "cache_read", "cache_write")
# Spans that a page or a scraper may ask for: hours by name.
SPANS = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}
KEPT_SECONDS = {"24h": 15, "7d": 60, "30d": 300}


def facts(steps: list[Step]) -> dict[str, Any]:
    """What one run's log says, for `Run.facts`; steps in their order.

    {"turns", "fixes": {cause: rounds}, "review": verdict or "", "checks": {name of one that failed: was it right in the
    end}, "stages": {stage: seconds}, "models": {name: {calls, tokens by kind, usd}}}
    `Run.facts` also has "prompts": {name: version} of those it was given.
    """
    stages = [step for step in steps if step.type == "stage" and step.data.get("status") == "started"]
    fixes: dict[str, int] = {}
    for step in stages:
        if step.data["stage"] == "fix":
            cause = step.data.get("cause", "checks")
            fixes[cause] = fixes.get(cause, 0) + 1
    reviews = [step.data.get("verdict", "") for step in steps if step.type == "review"]
    return {
        "turns": sum(step.type == "reply" for step in steps),
        "fixes": fixes,
        "review": reviews[-1] if reviews else "",
        "checks": _mended(steps),
        "stages": _seconds(stages, steps[-1]) if steps else {},
        "models": _models(steps),
    }


def _mended(steps: list[Step]) -> dict[str, bool]:
    results: dict[str, list[bool]] = {}
    for step in steps:
        if step.type == "check":
            results.setdefault(step.data["name"], []).append(not to_mend(step))
    return {name: oks[-1] for name, oks in results.items() if not all(oks)}


def _seconds(stages: list[Step], last: Step) -> dict[str, float]:
    """Seconds by stage; a stage lasts until the next one begins, or to the log's last step."""
    spent: dict[str, float] = {}
    for step, following in pairwise([*stages, last]):
        name = step.data["stage"]
        spent[name] = round(spent.get(name, 0.0) + (following.at - step.at).total_seconds(), 2)
    return spent


def _models(steps: list[Step]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for step in steps:
        if step.type in ("reply", "aside") and (name := step.data.get("model")):
            sums = found.setdefault(name, {"calls": 0, **dict.fromkeys(KINDS, 0), "usd": 0.0})
            sums["calls"] += 1
            for kind in KINDS:
                sums[kind] += step.data["usage"].get(kind, 0)
            sums["usd"] = round(sums["usd"] + (step.data.get("usd") or 0.0), 6)
    return found


ENDS = """
SELECT state, reason, count(*) FROM agents_run WHERE finished >= %s GROUP BY state, reason ORDER BY count(*) DESC
"""
TOTALS = """
SELECT count(*), coalesce(avg((facts ->> 'turns')::int), 0), coalesce(avg(last_seq), 0),
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished - started)), 0),
    coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM finished - started)), 0),
    coalesce(sum(cost), 0),
    count(*) FILTER (WHERE facts ->> 'review' = 'approved'), count(*) FILTER (WHERE facts ->> 'review' <> '')
FROM agents_run WHERE finished >= %s AND facts IS NOT NULL
"""
FIXES = """
SELECT fix.key, sum(fix.value::int), count(*) FROM agents_run, jsonb_each_text(facts -> 'fixes') AS fix
WHERE finished >= %s GROUP BY fix.key ORDER BY fix.key
"""
CHECKS = """
SELECT mended.key, count(*), count(*) FILTER (WHERE mended.value = 'true')
FROM agents_run, jsonb_each_text(facts -> 'checks') AS mended WHERE finished >= %s
GROUP BY mended.key ORDER BY count(*) DESC
"""
STAGES = """
SELECT stage.key, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY stage.value::float),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY stage.value::float), sum(stage.value::float)
FROM agents_run, jsonb_each_text(facts -> 'stages') AS stage WHERE finished >= %s
GROUP BY stage.key ORDER BY sum(stage.value::float) DESC
"""
MODELS = """
SELECT model.key, sum((model.value ->> 'calls')::bigint), sum((model.value ->> 'input')::bigint),
    sum((model.value ->> 'output')::bigint), sum((model.value ->> 'cache_read')::bigint),
    sum((model.value ->> 'cache_write')::bigint), sum((model.value ->> 'usd')::float)
FROM agents_run, jsonb_each(facts -> 'models') AS model WHERE finished >= %s GROUP BY model.key ORDER BY 7 DESC, 2 DESC
"""
PROMPTS = """
SELECT given.key, given.value, count(*), count(*) FILTER (WHERE state = 'succeeded')
FROM agents_run, jsonb_each_text(facts -> 'prompts') AS given WHERE finished >= %s GROUP BY given.key, given.value
"""


def prompts() -> dict[tuple[str, str], tuple[int, int]]:
    """{(name, version): (runs, of which succeeded)} of the runs that ended in the last 90 days."""
    since = timezone.now() - timedelta(days=90)
    return {(name, version): (runs, good) for name, version, runs, good in _rows(PROMPTS, since)}


def over(span: str) -> dict[str, Any]:
    """Sums over the runs that ended in the last `span` (a name of SPANS); through the index on their end."""
    since = timezone.now() - timedelta(hours=SPANS[span])
    ends = [dict(zip(("state", "reason", "runs"), row, strict=True)) for row in _rows(ENDS, since)]
    [(_, turns, steps, half, most, cost, approved, reviewed)] = _rows(TOTALS, since)
    total, over_all = sum(end["runs"] for end in ends), dict.fromkeys(Run.TERMINAL, 0)
    for end in ends:
        over_all[end["state"]] += end["runs"]
    names = ("model", "calls", *KINDS, "usd")
    return {
        "runs": total,
        "states": over_all,
        "ends": [end for end in ends if end["reason"]],
        "turns": round(float(turns), 1),
        "steps": round(float(steps), 1),
        "seconds_p50": round(float(half), 1),
        "seconds_p95": round(float(most), 1),
        "cost": int(cost),
        "reviewed": reviewed,
        "approved": approved,
        "fixes": [dict(zip(("cause", "rounds", "runs"), row, strict=True)) for row in _rows(FIXES, since)],
        "checks": [dict(zip(("name", "failed", "mended"), row, strict=True)) for row in _rows(CHECKS, since)],
        "stages": [dict(zip(("stage", "runs", "p50", "p95", "sum"), row, strict=True)) for row in _rows(STAGES, since)],
        "models": [dict(zip(names, row, strict=True)) for row in _rows(MODELS, since)],
    }


def recent(span: str) -> dict[str, Any]:
    """`over`, at most some seconds old: however often somebody asks, a month is not summed each time."""
    with suppress(RedisError):  # without it they are summed each time
        if found := cache.get(f"figures:{span}"):
            return dict(found)
    sums = over(span)
    with suppress(RedisError):
        cache.set(f"figures:{span}", sums, KEPT_SECONDS[span])
    return sums


def _rows(statement: str, since: datetime) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [since])
        return list(cursor.fetchall())
