"""/metrics: what an operator watches, as Prometheus text. Not public; every query answers from an index.

Figures are of the whole installation, so that it does not matter which web process is asked.
"""

import ipaddress
import platform
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import accumulate
from typing import Literal, NamedTuple

import django
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, Min, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from agents import figures
from agents.models import Run, Sandbox
from usage.models import Entry
from usage.tasks import LAST_COUNT
from vibe import traffic

# https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A request with one of these came through a proxy: its address is the proxy's, or whatever the client wrote.
PROXIED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


class Metric(NamedTuple):
    """A name, its help, and a value for each combination of labels (written as Prometheus does).

    A histogram is its buckets; its sum and count come after them, with no kind of their own.
    """

    name: str
    help: str
    values: Mapping[str, float]
    kind: Literal["gauge", "counter", "histogram", ""] = "gauge"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for who asks from a private address without a proxy, or with METRICS_TOKEN; else 404."""
    if not (_has_token(request) or _is_near(request)):
        raise Http404
    return HttpResponse("".join(_text(metric) for metric in collect()), content_type=CONTENT_TYPE)


def collect() -> Iterator[Metric]:
    build = f'version="{settings.VERSION}",python="{platform.python_version()}",django="{django.__version__}"'
    yield Metric("vibe_build_info", "What runs; always 1.", {build: 1})
    yield from _runs()
    yield _last_hour()
    yield from _figures()
    yield _sandboxes()
    charged = Entry.objects.filter(created__gte=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))
    micro = -(charged.filter(kind=Entry.Kind.CHARGE).aggregate(sum=Sum("amount"))["sum"] or 0)
    yield Metric("vibe_credits_charged_today", "Credits charged since midnight UTC.", {"": micro / settings.MICRO})
    counted = _last_count()
    found = {"": counted["differences"]} if counted else {}
    yield Metric("vibe_ledger_differences", "Accounts that differ from their ledger, as of the last count.", found)
    age = {"": time.time() - counted["at"]} if counted else {}
    yield Metric("vibe_ledger_counted_seconds", "Age of the last count.", age)
    yield from _database()
    yield from _traffic()
    yield Metric("vibe_users", "Accounts; from 50 000 on as PostgreSQL estimates them.", {"": _users()})


def _runs() -> Iterator[Metric]:
    """From the partial index over queued and running runs, however many there once were."""
    due = Run.objects.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING])
    found = due.aggregate(
        queued=Count("pk", filter=Q(state=Run.State.QUEUED)),
        running=Count("pk", filter=Q(state=Run.State.RUNNING)),
        expired=Count("pk", filter=Q(state=Run.State.RUNNING, lease_until__lt=Now())),
    )
    before = Run.objects.filter(project=OuterRef("project"), created__lt=OuterRef("created"), state__in=Run.ACTIVE)
    # A run that waits for an earlier one of its project is not late.
    oldest = due.filter(~Exists(before), state=Run.State.QUEUED).aggregate(at=Min("created"))["at"]
    age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
    states = {f'state="{state}"': found[state] for state in ("queued", "running")}
    yield Metric("vibe_runs", "Runs that are queued or running now.", states)
    yield Metric("vibe_queue_oldest_seconds", "Age of the oldest queued run that is first in its project.", {"": age})
    yield Metric("vibe_leases_expired", "Running runs whose worker was not heard of in time.", {"": found["expired"]})


def _last_hour() -> Metric:
    """Through the projects that changed since: starting a run changes its project, and that column has an index."""
    since = Now() - timedelta(hours=1)
    rows = Run.objects.filter(project__updated__gte=since, created__gte=since).values_list("state")
    counts = dict(rows.annotate(Count("pk")).order_by())
    values = {f'state="{state}"': counts.get(state, 0) for state in Run.State.values}
    return Metric("vibe_runs_last_hour", "Runs that were asked for in the last hour, by their state now.", values)


def _figures() -> Iterator[Metric]:
    """What runs took in the last day."""
    found = figures.recent("24h")
    seconds = {'quantile="0.5"': found["seconds_p50"] or 0, 'quantile="0.95"': found["seconds_p95"] or 0}
    yield Metric("vibe_run_seconds_last_day", "How long runs took that ended in 24 hours.", seconds)
    rounds = {f'cause="{fix["cause"]}"': fix["rounds"] for fix in found["fixes"]}
    yield Metric("vibe_fix_rounds_last_day", "Rounds of mending in runs that ended in 24 hours, by cause.", rounds)
    checks = {
        f'check="{check["name"]}",mended="{word}"': count
        for check in found["checks"]
        for word, count in (("yes", check["mended"]), ("no", check["failed"] - check["mended"]))
    }
    yield Metric("vibe_checks_failed_last_day", "Runs in which a check failed, and whether it was mended.", checks)
    reviews = {'verdict="approved"': found["approved"], 'verdict="issues"': found["reviewed"] - found["approved"]}
    yield Metric("vibe_reviews_last_day", "Last reviews of runs that ended in 24 hours.", reviews)
    tokens = {
        f'model="{model["model"]}",kind="{kind}"': model[kind] for model in found["models"] for kind in figures.KINDS
    }
    yield Metric("vibe_tokens_last_day", "Tokens of runs that ended in 24 hours, by model and kind.", tokens)
    usd = {f'model="{model["model"]}"': model["usd"] or 0 for model in found["models"]}
    yield Metric("vibe_model_usd_last_day", "What providers ask for these tokens, by their price lists.", usd)
    stages = {f'stage="{stage["stage"]}"': stage["sum"] for stage in found["stages"]}
    yield Metric("vibe_stage_seconds_last_day", "Seconds that runs spent in each stage.", stages)


def _sandboxes() -> Metric:
    used = Sandbox.objects.filter(last_used__gte=Now() - timedelta(days=1))
    found = used.aggregate(running=Count("pk", filter=Q(paused=False)), paused=Count("pk", filter=Q(paused=True)))
    values = {f'state="{state}"': found[state] for state in ("running", "paused")}
    return Metric("vibe_sandboxes", "Sandboxes used in the last 24 hours.", values)


DATABASE = """
SELECT pg_database_size(current_database()), current_setting('max_connections')::int,
    (SELECT numbackends FROM pg_stat_database WHERE datname = current_database()),
    (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)), 0) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid())
"""


def _database() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        size, most, used, longest = cursor.fetchone()
    yield Metric("vibe_database_bytes", "Size of the database.", {"": size})
    connections = {'is="used"': used, 'is="limit"': most}
    yield Metric("vibe_database_connections", "Connections to the database, and the server's limit.", connections)
    yield Metric("vibe_database_longest_seconds", "Age of the oldest statement that runs now.", {"": float(longest)})


def _traffic() -> Iterator[Metric]:
    """Kept in Redis, as the last count of the ledger is: without it there are no figures of requests."""
    try:
        sums = traffic.sums()
    except RedisError:
        sums = traffic.Sums(Counter(), {}, {})
    answers = {
        f'method="{method}",route="{route}",status="{status}"': number
        for (method, route, status), number in sums.answers.items()
    }
    yield Metric("vibe_http_requests_total", "Requests answered, of all web processes.", answers, "counter")
    bounds = [f"{bound:g}" for bound in traffic.BOUNDS] + ["+Inf"]
    buckets = {
        f'route="{route}",le="{bound}"': number
        for route, times in sums.times.items()
        for bound, number in zip(bounds, accumulate(times), strict=True)
    }
    yield Metric("vibe_http_seconds_bucket", "Time until an answer began.", buckets, "histogram")
    seconds = {f'route="{route}"': sums.seconds.get(route, 0) for route in sums.times}
    yield Metric("vibe_http_seconds_sum", "", seconds, "")
    yield Metric("vibe_http_seconds_count", "", {f'route="{route}"': sum(of) for route, of in sums.times.items()}, "")


def _last_count() -> dict[str, float]:
    """Kept in Redis; without it there is no figure, and everything else is told all the same."""
    try:
        return cache.get(LAST_COUNT) or {}
    except RedisError:
        return {}


def _users() -> int:
    """Counting reads every row: 50 000 take milliseconds, a million would not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN reltuples > 50000 THEN reltuples::bigint ELSE (SELECT count(*) FROM accounts_user) END"
            " FROM pg_class WHERE oid = 'accounts_user'::regclass"
        )
        return int(cursor.fetchone()[0])


def _text(metric: Metric) -> str:
    name = metric.name.removesuffix("_bucket")
    lines = [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"] if metric.kind else []
    # All digits: a rate of a large count is a difference of its last ones.
    lines += [
        f"{metric.name}{f'{{{labels}}}' if labels else ''} {value:.15g}" for labels, value in metric.values.items()
    ]
    return "".join(f"{line}\n" for line in lines)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN.encode()
    return bool(wanted) and scheme.lower() == "bearer" and secrets.compare_digest(token.strip().encode(), wanted)


def _is_near(request: HttpRequest) -> bool:
    """Behind a proxy the address is the proxy's own, so one counts only where no such header came along."""
    if any(name in request.META for name in PROXIED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0])
    except ValueError:  # a unix socket has no address
        return False
    # Python counts all of ::ffff:0:0/96 as private.
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_private
