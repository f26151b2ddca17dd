"""/metrics tells an operator what goes on, and nobody else anything."""

import re
from datetime import timedelta
from urllib.request import urlopen
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agents.models import Run, Sandbox
from usage import services as credits
from vibe import traffic

pytestmark = pytest.mark.django_db
TOKEN = "a-token-for-metrics"


@pytest.fixture
def ask(client):
    """`ask(address, **headers)`: the answer to a request that comes from there."""
    return lambda address="127.0.0.1", **headers: client.get("/metrics", REMOTE_ADDR=address, headers=headers)


@pytest.fixture
def figures(ask):
    """`figures()`: {"name{labels}": value} as a scraper reads them."""

    def read() -> dict[str, float]:
        lines = [line.rsplit(" ", 1) for line in ask().text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    return read


def test_it_is_prometheus_text(ask):
    answer = ask()
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? -?[0-9.e+]+')
    about = re.compile(r"# (HELP [a-z_]+ .+|TYPE [a-z_]+ (gauge|counter|histogram))")
    for line in answer.text.splitlines():
        assert about.fullmatch(line) or sample.fullmatch(line), line
    assert answer.text.endswith("\n") and 'vibe_build_info{version="' in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.7", "192.168.1.9", "fd00::7"])
def test_it_answers_who_is_near(ask, address):
    assert ask(address).status_code == 200


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450::1", "::ffff:8.8.8.8", "", "nonsense"])
def test_it_is_not_there_for_who_is_far(ask, address):
    assert ask(address).status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_it_believes_no_address_that_came_through_a_proxy(ask, header):
    assert ask("127.0.0.1", **{header: "127.0.0.1"}).status_code == 404


def test_it_answers_the_token_from_anywhere(ask, settings):
    settings.METRICS_TOKEN = TOKEN
    assert ask("8.8.8.8", Authorization=f"Bearer {TOKEN}").status_code == 200
    for wrong in ("Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ä"):
        assert ask("8.8.8.8", Authorization=wrong).status_code == 404


def test_it_takes_no_empty_token(ask, settings):
    settings.METRICS_TOKEN = ""
    assert ask("8.8.8.8", Authorization="Bearer ").status_code == 404


def test_it_is_only_read(client):
    assert client.post("/metrics").status_code == 405


def test_it_counts_runs(figures, run):
    before = figures()
    assert before['vibe_runs{state="queued"}'] == 1 and before['vibe_runs{state="running"}'] == 0
    assert before['vibe_runs_last_hour{state="queued"}'] == 1 and before["vibe_leases_expired"] == 0
    late = timezone.now() - timedelta(minutes=5)
    Run.objects.filter(pk=run.pk).update(state="running", lease_until=late)
    after = figures()
    assert after['vibe_runs{state="queued"}'] == 0 and after['vibe_runs{state="running"}'] == 1
    assert after["vibe_leases_expired"] == 1
    Run.objects.filter(pk=run.pk).update(state="failed")
    assert figures()['vibe_runs_last_hour{state="failed"}'] == 1


def test_it_tells_how_long_a_run_waits_that_nothing_holds_up(figures, run):
    from agents import services

    assert figures()["vibe_queue_oldest_seconds"] < 60
    ago = timezone.now() - timedelta(minutes=10)
    Run.objects.filter(pk=run.pk).update(created=ago)
    assert 600 <= figures()["vibe_queue_oldest_seconds"] < 660
    Run.objects.filter(pk=run.pk).update(state="running")
    following = services.start_run(run.project, "And green")
    Run.objects.filter(pk=following.pk).update(created=ago + timedelta(seconds=1))
    assert figures()["vibe_queue_oldest_seconds"] == 0


def test_it_counts_sandboxes_credits_and_users(figures, project, alice):
    Sandbox.objects.create(project=project, sandbox_id="abc", template="html")
    number = uuid4()
    credits.reserve(alice, 3_000_000, number)
    credits.settle(number, 1_250_000)
    found = figures()
    assert found['vibe_sandboxes{state="running"}'] == 1 and found['vibe_sandboxes{state="paused"}'] == 0
    assert found["vibe_credits_charged_today"] == 1.25 and found["vibe_users"] >= 1
    Sandbox.objects.update(paused=True)
    assert figures()['vibe_sandboxes{state="paused"}'] == 1


def test_it_tells_how_the_database_is(figures):
    found = figures()
    assert found["vibe_database_bytes"] > 1_000_000 and found["vibe_database_longest_seconds"] >= 0
    used, most = (found[f'vibe_database_connections{{is="{name}"}}'] for name in ("used", "limit"))
    assert 1 <= used <= most


def test_it_tells_how_long_runs_took(figures, run):
    ended = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        state="succeeded", started=ended - timedelta(seconds=40), finished=ended, facts={}
    )
    cache.delete("figures:24h")
    assert figures()['vibe_run_seconds_last_day{quantile="0.95"}'] == 40


def counted(figures, route, **labels):
    """How many requests of a route were counted with these labels."""
    wanted = {f'{name}="{value}"' for name, value in {**labels, "route": route}.items()}
    names = [name for name in figures if name.startswith("vibe_http_requests_total{")]
    return sum(figures[name] for name in names if wanted <= set(name.partition("{")[2].rstrip("}").split(",")))


def test_it_counts_requests_by_route_and_never_by_path(figures, api, alice, project):
    before = figures()
    client = api(alice)
    url = reverse("api-project", args=[project.pk])
    client.get(url)
    client.get(url)
    client.delete(url.replace(str(project.pk), str(uuid4())))
    client.generic("SPY", url)
    client.get("/no/such/page/")
    after = figures()
    for method, status, more in (("GET", "2xx", 2), ("DELETE", "4xx", 1), ("OTHER", "4xx", 1), ("POST", "4xx", 0)):
        labels = {"method": method, "status": status}
        assert counted(after, "api-project", **labels) - counted(before, "api-project", **labels) == more
    assert counted(after, "none", status="4xx") - counted(before, "none", status="4xx") == 1
    assert not any(str(project.pk) in name or "SPY" in name or "/" in name for name in after)
    # Every request is in the widest bucket, no bucket holds fewer than a narrower one, and the count is their number.
    buckets = [after[f'vibe_http_seconds_bucket{{route="api-project",le="{le}"}}'] for le in ("0.01", "0.1", "+Inf")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == after['vibe_http_seconds_count{route="api-project"}'] == counted(after, "api-project")
    assert after['vibe_http_seconds_sum{route="api-project"}'] > before.get(
        'vibe_http_seconds_sum{route="api-project"}', 0
    )


def test_it_adds_up_what_several_web_processes_answered(figures, stack, eventually):
    before = counted(figures(), "healthz")
    for _ in range(7):
        with urlopen(f"{stack.url}/healthz") as answer:
            assert answer.status == 200
    # That process tells its part by itself; no scrape reaches it.
    eventually(lambda: counted(figures(), "healthz") - before >= 7)


def test_it_counts_what_broke_while_redis_was_away_once_that_is_back(figures, client, settings):
    before, address = figures(), settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1"
    traffic._redis.cache_clear()
    assert client.get("/readyz").status_code == 503
    away = figures()
    assert "vibe_users" in away and not any(name.startswith("vibe_http") for name in away)
    settings.REDIS_URL = address
    traffic._redis.cache_clear()
    after = figures()
    assert counted(after, "readyz", status="5xx") - counted(before, "readyz", status="5xx") == 1
    assert counted(after, "metrics") - counted(before, "metrics") == 2


def test_it_asks_a_few_questions_that_indexes_answer(ask):
    cache.delete("figures:24h")  # what is kept for some seconds is asked for, too
    with CaptureQueriesContext(connection) as asked:
        ask()
    statements = [sql for query in asked if (sql := query["sql"].strip()).startswith("SELECT")]
    assert len(statements) <= 14 and not any("agents_step" in statement for statement in statements)
    with connection.cursor() as cursor:
        # Tables here are tiny, and PostgreSQL reads tiny tables whole unless told not to.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
