"""What runs need goes away in the middle: Redis, the database, room on its disk. Work goes on, or waits for it."""

import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import e2b
import psycopg
import pytest
import redis
from allauth.usersessions.models import UserSession
from celery import current_app
from django.contrib.sessions.models import Session
from django.db import Error, OperationalError, connection
from django.db.models.functions import Now
from django.urls import reverse

from accounts import limits, people
from accounts.models import User
from agents import aio, events, lease, people_views, runs, sandbox, services, tasks
from agents.models import Run, Sandbox
from demo_model import wire
from launcher import runtime, testing
from projects import versions
from projects.models import Message
from tests.agents.scripted import Failure, finish, page, write
from tests.agents.test_live import SOON, collect, numbered, say
from tests.people import PASSWORD
from usage import services as credits
from usage.models import Entry, Reservation


class Valkey:
    """A server of the test's own, which keeps nothing on disk: killed, it forgets all."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "valkey.sock"
        self.address = f"unix://{self.socket}?db=0"
        binary = str(runtime.valkey_binary(testing.current().place))
        self.command = [binary, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            try:
                redis.Redis.from_url(self.address).ping()
                return
            except redis.RedisError:
                time.sleep(0.01)
        raise AssertionError("no server")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def gone_before(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """A function that is called once this is killed."""

        def without(*args: Any) -> Any:
            self.kill()
            return work(*args)

        return without


@pytest.fixture
def valkey(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """The broker, cache and carrier of live events for this test, which may kill it."""
    own = Valkey(tmp_path)
    settings.REDIS_URL = own.address
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": own.address}}
    monkeypatch.setitem(current_app.conf, "broker_url", f"redis+socket://{own.socket}?virtual_host=0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    clients = (events._redis, limits._redis)
    for client in clients:
        client.cache_clear()
    yield own
    for client in clients:
        client.cache_clear()
    own.kill()


def test_it_takes_works_on_and_shows_a_message_while_redis_is_away(
    valkey: Valkey, model: Any, owner: Any, api: Any, as_user: Any, work: Any
) -> None:
    model.say([write(index_html=page("Tea"))], [finish()], [write(index_html=page("Coffee"))], [finish()])
    browser = as_user(owner)
    valkey.kill()
    began = time.monotonic()
    made = api(owner).post("/api/v1/projects/", {"prompt": "A page about tea", "framework": "html"}, format="json")
    assert made.status_code == 201, made.content
    assert time.monotonic() - began < 3
    run = Run.objects.get()
    got: list[Any] = []
    ended: list[float] = []

    def look() -> None:
        got.extend(collect(run.project_id, 0, lambda seen: seen and seen[-1] and seen[-1]["type"] == "complete", 60))
        ended.append(time.monotonic())
        connection.close()

    page_of_theirs = threading.Thread(target=look)
    page_of_theirs.start()
    run = work(run)
    began = time.monotonic()
    page_of_theirs.join(30)
    assert run.state == Run.State.SUCCEEDED
    assert numbered(got) == list(range(1, run.project.steps.count() + 1))
    assert ended[0] - began < 4  # it looks every two seconds
    # Pages, too: who is signed in stands in the database.
    assert browser.get(f"/projects/{run.project_id}/").status_code == 200


def test_it_has_a_message_whatever_happens_to_the_bell(
    model: Any, owner: Any, api: Any, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(current_app, "send_task", broken)
    model.say([write(index_html=page("Tea"))], [finish()])
    made = api(owner).post("/api/v1/projects/", {"prompt": "A page about tea", "framework": "html"}, format="json")
    assert made.status_code == 201, made.content
    assert work(Run.objects.get()).state == Run.State.SUCCEEDED


def test_it_looks_into_the_log_once_redis_goes_away_under_an_open_page(valkey: Valkey, start: Any) -> None:
    project_id, threads = start().project_id, []

    def meanwhile(job: Callable[[], None]) -> None:
        threads.append(threading.Thread(target=job))
        threads[-1].start()

    def speak() -> None:
        say(project_id)
        connection.close()

    def speak_unheard() -> None:
        valkey.kill()
        speak()

    def watch(got: list[Any]) -> bool:
        if len(got) in (1, 2) and len(threads) < len(got):
            meanwhile((speak, speak_unheard)[len(threads)])
        return len(got) == 3

    assert numbered(collect(project_id, 1, watch, SOON)) == [2, 3, 4]
    for thread in threads:
        thread.join()


def test_it_does_not_say_that_somebody_is_signed_out_whom_the_cache_still_knows(
    valkey: Valkey, owner: Any, as_user: Any, client: Any, settings: Any
) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": {"socket_timeout": 0.2}}}
    browser = as_user(owner)
    assert browser.get("/settings/").status_code == 200
    client.cookies.update(browser.cookies)
    valkey.process.send_signal(signal.SIGSTOP)
    refused = browser.post("/accounts/logout/")
    valkey.process.send_signal(signal.SIGCONT)
    assert refused.status_code == 503
    client.post("/accounts/logout/")
    client.cookies.update(browser.cookies)
    assert client.get("/settings/").status_code == 302


@pytest.mark.parametrize(
    ("where", "moment"),
    [(None, ""), (people_views, "delete"), (credits, "close_account")],
    ids=["all", "begun", "late"],
)
def test_it_deletes_nothing_of_an_account_that_redis_keeps_from_being_deleted(
    valkey: Valkey, owner: Any, start: Any, as_user: Any, monkeypatch: pytest.MonkeyPatch, where: Any, moment: str
) -> None:
    owner.set_password(PASSWORD)
    owner.save()
    run, browser, other = start(), as_user(), as_user()
    for each in (browser, other):
        each.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})

    def there() -> list[set[Any]]:
        kept: list[Any] = [Session.objects, UserSession.objects, Reservation.objects.filter(state="open")]
        return [set(rows.values_list("pk", flat=True)) for rows in kept]

    before = there()
    form, url = {"password": PASSWORD}, reverse("account-delete")
    with monkeypatch.context() as patch:
        if where is None:
            valkey.kill()
        else:
            work = getattr(where, moment)
            patch.setattr(where, moment, valkey.gone_before(work))
        refused = browser.post(url, form)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert "cannot be reached for the moment" in refused.text
    assert User.objects.get().is_active and Run.objects.get().state == Run.State.QUEUED
    assert there() == before and len(before[0]) == len(before[1]) == 2
    valkey.start()
    if moment != "close_account":  # by then their sessions were ended
        assert browser.get("/settings/").status_code == 200
    assert other.get(f"/projects/{run.project_id}/").status_code == 200
    assert other.post(url, form).status_code == 302
    assert not User.objects.exists() and not Run.objects.exists()
    assert not any(now & then for now, then in zip(there(), before, strict=True))
    assert browser.get("/settings/").status_code == 302


@pytest.mark.sandbox
def test_it_ends_the_sandboxes_of_who_left_once_somebody_hears_of_it(
    valkey: Valkey, owner: Any, start: Any, as_user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.ensure(start().project)
    sandbox_id = Sandbox.objects.get().sandbox_id
    monkeypatch.setattr(people, "_ring", valkey.gone_before(people._ring))
    browser = as_user(owner)
    gone = browser.post(reverse("account-delete"), {"email": owner.email})
    assert (gone.status_code, gone.url) == (302, "/")
    assert browser.get("/settings/").status_code == 302 and browser.get("/").status_code == 200
    assert not User.objects.exists() and not Run.objects.exists()
    address = settings.E2B_API_URL
    settings.E2B_API_URL = "http://127.0.0.1:9"  # the host is away as well
    tasks.stop_suspended()
    assert Sandbox.objects.get().sandbox_id == sandbox_id
    settings.E2B_API_URL = address
    tasks.stop_suspended()
    assert not Sandbox.objects.exists()
    with pytest.raises(e2b.NotFoundException):
        aio.run(e2b.AsyncSandbox.get_info(sandbox_id, **sandbox.options()))


def test_it_misses_and_repeats_nothing_over_fifty_drops_and_a_restart_of_redis(valkey: Valkey, start: Any) -> None:
    project_id, dice, said = start().project_id, random.Random(14), 400
    kept: list[int] = []
    dropped: list[int] = []
    last = 2 + said

    def speak() -> None:
        for _ in range(said):
            runs.note(project_id, "stage", {"stage": "work", "status": "started", "title": "."})
            time.sleep(0.004)
        connection.close()

    def stay() -> None:
        kept.extend(numbered(collect(project_id, 0, lambda got: last in numbered(got[-1:]), 60)))

    threads = [threading.Thread(target=job) for job in (speak, stay)]
    for thread in threads:
        thread.start()
    for drop in range(50):
        if drop == 20:
            valkey.kill()
        if drop == 22:
            valkey.start()
        after, many = max(dropped, default=0), dice.randint(1, 9)
        if after + many < last:
            dropped += numbered(collect(project_id, after, lambda got, many=many: len(numbered(got)) >= many))
    for thread in threads:
        thread.join(60)
    dropped += numbered(collect(project_id, dropped[-1], lambda got: last in numbered(got[-1:])))
    assert kept == dropped == list(range(1, last + 1))


FULL = """
CREATE SEQUENCE refusals;
CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('refusals');
    RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE {event} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION disk_is_full();
"""


@pytest.fixture
def full_disk(transactional_db: None) -> Iterator[Callable[..., Callable[[], None]]]:
    """`full_disk(condition)`: rows of steps for which it holds, or of another event, find no room; what is returned
    makes it again.
    """

    def free() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION IF EXISTS disk_is_full CASCADE; DROP SEQUENCE IF EXISTS refusals")

    def fill(when: str, event: str = "INSERT ON agents_step") -> Callable[[], None]:
        with connection.cursor() as cursor:
            cursor.execute(FULL.format(when=when, event=event))
        return free

    yield fill
    free()


def test_it_waits_for_room_where_the_databases_disk_is_full(
    full_disk: Any, model: Any, owner: Any, start: Any, work: Any, api: Any
) -> None:
    model.say([wire.tool("terminal", {"command": "echo '<!-- once -->' >> index.html"})], [finish()])
    run = start()
    free = full_disk("NEW.type = 'tool_result'")
    with pytest.raises(OperationalError, match="No space left"):
        tasks.run_agent(str(run.pk))
    assert not run.steps.filter(type="tool_result").exists()
    run.refresh_from_db()
    assert run.state == Run.State.RUNNING  # not given back: it would be begun, and ask the model, again and again
    free()

    free = full_disk("true")
    held = Reservation.objects.filter(state="open").count()
    answer = api(owner).post(f"/api/v1/projects/{run.project_id}/messages/", {"text": "And coffee"}, format="json")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert Message.objects.filter(text="And coffee").count() == 0
    assert Reservation.objects.filter(state="open").count() == held
    free()

    Run.objects.filter(pk=run.pk).update(lease_until=Now())
    run = work(run)
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "index.html").decode().count("once") == 1
    assert Entry.objects.filter(kind="charge").count() == 1


def test_it_hears_of_a_stop_also_after_the_database_refused_to_say_of_one(
    full_disk: Any, model: Any, start: Any, eventually: Any, settings: Any
) -> None:
    model.say(Failure(hang=60))
    run = start()
    worker = threading.Thread(target=tasks.run_agent, args=[str(run.pk)], daemon=True)
    worker.start()
    eventually(lambda: model.requests)
    free = full_disk("true", "UPDATE OF lease_until ON agents_run")
    lease.request_stop(run.pk)

    def refused() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT is_called FROM refusals")
            return bool(cursor.fetchone()[0])

    eventually(refused)
    free()
    services.cancel_run(run)
    worker.join(settings.HEARTBEAT_SECONDS / 2)  # it was told, and did not have to find out
    assert not worker.is_alive()
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED


def test_it_gives_the_run_back_whenever_the_database_was_away(
    model: Any, start: Any, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More often than a run may lose its worker; once until it was tried to give it back."""
    name = connection.settings_dict["NAME"]
    address = {key.lower(): connection.settings_dict[key] for key in ("HOST", "USER")}

    def tell(statement: str) -> None:
        with psycopg.connect(dbname="postgres", autocommit=True, **address) as other:
            other.execute(statement)

    def back() -> None:
        tell(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    def hand_back(fence: runs.Fence) -> None:
        tries.append(fence)
        try:
            give_back(fence)
        except Error:
            back()
            raise

    def gone(for_long: bool) -> Callable[[Any], Any]:
        def answer(request: Any) -> Any:
            if for_long:
                tell(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            # Those of the pool: what other threads of the process hold is theirs, also after this test.
            for idle in list(connection.pool._pool):  # type: ignore[attr-defined] # of PostgreSQL's backend
                tell(f"SELECT pg_terminate_backend({idle.info.backend_pid})")
            return [finish()]

        return answer

    tries: list[runs.Fence] = []
    give_back = runs.hand_back
    monkeypatch.setattr(runs, "hand_back", hand_back)
    run = start()
    times = runs.MAX_DEATHS + 1
    model.say(*[gone(False)] * (times - 1), gone(True), [write(index_html=page("Tea"))], [finish()])
    try:
        for time_ in range(times):
            with pytest.raises(OperationalError):
                tasks.run_agent(str(run.pk))
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined] # those in it may be dead
            run.refresh_from_db()
            assert (run.state, run.deaths, run.lease_token) == (Run.State.QUEUED, 0, time_ + 1)
        assert len(tries) > times
        run = work(run)
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        back()
    assert (run.state, run.deaths) == (Run.State.SUCCEEDED, 0)
    assert Entry.objects.filter(kind="charge").count() == 1


def test_it_goes_on_while_the_tables_get_new_columns(model: Any, start: Any, work: Any) -> None:
    """A deployment: the newer version's migrations run while workers of this one are at work."""
    address = {name.lower(): connection.settings_dict[name] for name in ("HOST", "USER")}

    def migrate(*statements: str) -> None:
        with psycopg.connect(dbname=connection.settings_dict["NAME"], autocommit=True, **address) as other:
            for statement in statements:
                other.execute(statement)

    tables = ("agents_run", "agents_step", "projects_project", "usage_reservation", "projects_version")

    def newer(request: Any) -> Any:
        migrate(*(f"ALTER TABLE {table} ADD COLUMN of_tomorrow integer" for table in tables))
        return [finish()]

    model.say(*[[wire.tool("list_files", {})]] * 5, [write(index_html=page("Tea"))], newer)
    try:
        run = work(start())
    finally:
        migrate(*(f"ALTER TABLE {table} DROP COLUMN IF EXISTS of_tomorrow" for table in tables))
    assert (run.state, run.reason) == (Run.State.SUCCEEDED, "")
