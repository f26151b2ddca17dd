"""Processes die, sleep, and come back; messages come ten times or never; the database goes away. Work goes on, once."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import Error, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from agents import runs, services, tasks
from agents.mcp import servers
from agents.models import Run, Step
from agents.tools import TOOLS
from demo_model import wire
from projects import versions
from tests.agents.mcp_server import McpServer
from tests.agents.scripted import Failure, finish, page, types, write
from usage import services as credits
from usage.models import Entry, Reservation

LEASE_SECONDS = 2


def turn(request: Any) -> Any:
    """A model that looks at the conversation, as a real one does, so that being asked twice does no harm."""
    said = sum(message["role"] == "assistant" for message in request["messages"])
    turns: list[Any] = [
        [wire.text("I begin."), write(index_html=page("Tea"))],
        [wire.tool("terminal", {"command": "echo '<!-- once -->' >> index.html"})],
        [finish()],
    ]
    return turns[min(said, 2)]


class Workers:
    """Starts workers that come to a bad end, all forked from one process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.model = process, ""

    def start(self, ident: Any, point: str, name: str = "SIGKILL") -> int:
        """Starts one on this run, to be sent that signal at that point; its pid."""
        return self._ask({"id": str(ident), "point": point, "signal": name, "model": self.model})

    def end_of(self, pid: int) -> int:
        """Waits until one has ended; its exit code, negative for a signal."""
        return self._ask({"wait": pid})

    def _ask(self, order: dict[str, Any]) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def _workers(django_db_setup: None) -> Iterator[Workers]:
    database = re.sub(r"/[^/]*$", f"/{connection.settings_dict['NAME']}", os.environ["DATABASE_URL"])
    changes = {"LEASE_SECONDS": str(LEASE_SECONDS), "HEARTBEAT_SECONDS": "1", "RUNS_PER_USER": "9", "MCP_LOCAL": "true"}
    environment = {**os.environ, **changes, "DATABASE_URL": database, "ANTHROPIC_API_KEY": "test-key"}
    command, pipe = [sys.executable, "-m", "tests.agents.dying"], subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as process:
        yield Workers(process)
        os.killpg(process.pid, signal.SIGKILL)  # those that sleep too


@pytest.fixture
def workers(_workers: Workers, model: Any, settings: Any) -> Workers:
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS, settings.RUNS_PER_USER = LEASE_SECONDS, 1, 9
    _workers.model = model.url
    return _workers


@pytest.fixture
def due(eventually: Callable[..., Any]) -> Callable[..., None]:
    """Waits until the sweeper would hand these runs to another worker."""

    def wait(*runs: Run) -> None:
        left = Run.objects.filter(pk__in=[run.pk for run in runs], state=Run.State.RUNNING, lease_until__lt=Now())
        eventually(lambda: left.count() == len(runs), 30)

    return wait


def test_it_goes_on_once_after_its_worker_was_killed(
    model: Any, start: Any, work: Any, workers: Workers, due: Any
) -> None:
    model.say(*[turn] * 32)
    points = ["stream", "after:reply", "before:tool_result", "before:version"]
    left = {point: start(point) for point in points}
    pids = [workers.start(run.pk, point) for point, run in left.items()]
    assert [workers.end_of(pid) for pid in pids] == [-signal.SIGKILL] * 4
    due(*left.values())
    assert tasks.sweep() == 4
    for point, killed in left.items():
        run = work(killed)

        assert (point, run.state) == (point, Run.State.SUCCEEDED)
        content = versions.read(run.version, "index.html").decode()
        assert content.startswith(page("Tea")) and content.count("once") == 1, point
        assert run.project.versions.count() == run.steps.filter(type="complete").count() == 1, point
        assert run.steps.filter(type="reply").count() == 3 and run.usage["calls"] == 4, point  # and the review
    assert Entry.objects.filter(kind="charge").count() == 4


def test_a_tool_of_somebody_elses_server_is_not_called_again(
    model: Any, start: Any, work: Any, workers: Workers, due: Any, owner: Any, settings: Any
) -> None:
    """Its worker was killed when the answer had come and was not written: nobody can be asked whether it was done."""
    settings.MCP_LOCAL = True
    wiki = McpServer()
    row = owner.mcp_servers.create(name="wiki", url=wiki.url)
    servers.ask(row)
    row.save()
    model.say([wire.tool("mcp__wiki__search", {"query": "tea"})], [write(index_html=page("Tea")), finish()])
    run = start()
    run.project.mcp_servers.add(row)
    assert workers.end_of(workers.start(run.pk, "before:tool_result")) == -signal.SIGKILL
    assert len(wiki.calls) == 1
    due(run)
    run = work(run)
    wiki.stop()

    told = run.steps.get(type="tool_result", data__name="mcp__wiki__search").record
    assert told["is_error"] and "Whether it was done is unknown" in told["content"]
    assert (run.state, len(wiki.calls)) == (Run.State.SUCCEEDED, 1)


def test_a_worker_that_slept_too_long_writes_nothing_any_more(
    model: Any, start: Any, work: Any, workers: Workers, due: Any, eventually: Any
) -> None:
    model.say(*[turn] * 8)
    run = start()
    zombie = workers.start(run.pk, "before:tool_result", "SIGSTOP")
    eventually(lambda: _state_of(zombie) == "T", 60)
    due(run)
    run = work(run)
    before = list(Step.objects.values_list("pk", flat=True))
    os.kill(zombie, signal.SIGCONT)

    assert workers.end_of(zombie) == 0
    assert list(Step.objects.values_list("pk", flat=True)) == before
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "index.html").decode().count("once") == 1


def _state_of(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0]


def test_a_run_that_kills_every_worker_is_given_up_and_others_go_on(
    model: Any, start: Any, work: Any, workers: Workers
) -> None:
    model.say(*[turn] * 16)
    poison, other = start("One"), start("Two")
    ends: list[int] = []
    while not ends or (ends[-1] and len(ends) < 9):
        ends.append(workers.end_of(workers.start(poison.pk, "before:reply")))
        Run.objects.filter(pk=poison.pk, state=Run.State.RUNNING).update(lease_until=Now())
    # A new step in the log, such as the preview's, counts as getting somewhere.
    assert ends[-1] == 0 and runs.MAX_DEATHS <= ends.count(-signal.SIGKILL) <= runs.MAX_DEATHS + 3
    poison.refresh_from_db()
    assert (poison.state, poison.reason, poison.cost) == (Run.State.FAILED, "crash_loop", 0)
    assert work(other).state == Run.State.SUCCEEDED
    assert not Reservation.objects.filter(state="open").exists()


def test_a_step_that_does_not_move_is_ended_and_the_run_goes_on(
    model: Any, start: Any, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker lives and its heart beats, so nobody takes the run over: the step's own deadline is what helps."""
    monkeypatch.setitem(TOOLS, "terminal", replace(TOOLS["terminal"], seconds=3))
    model.say(
        [wire.tool("terminal", {"command": "sleep 61; touch late", "timeout": 200})],
        [wire.tool("terminal", {"command": "pgrep -fc 'sleep 6[1]'"})],
        [write(index_html=page("Tea"))],
        [finish()],
    )
    run = work(start())
    first, second = (step.data for step in run.steps.filter(type="tool_result", data__name="terminal").order_by("seq"))
    assert not first["ok"] and "no answer within 3 s" in first["output"]
    assert second["output"].strip().endswith("0")  # nothing of it goes on
    assert (run.state, run.lease_token) == (Run.State.SUCCEEDED, 1)


def test_a_message_that_was_told_to_nobody_is_worked_on(
    model: Any, start: Any, work: Any, workers: Workers, monkeypatch: Any
) -> None:
    model.say([write(index_html=page("Tea"))], [finish()], [wire.text("A drink.")])
    project = work(start()).project
    assert workers.end_of(workers.start(project.pk, "submitted")) == -signal.SIGKILL
    run = Run.objects.exclude(state=Run.State.SUCCEEDED).get()
    assert run.state == Run.State.QUEUED and types(project)[-1] == "state"

    rung: list[Any] = []
    monkeypatch.setattr(services, "ring", lambda run: rung.append(run.pk))
    Run.objects.filter(pk=run.pk).update(rung=timezone.now() - timedelta(seconds=tasks.RING_AGAIN_SECONDS + 1))
    tasks.sweep()
    assert rung == [run.pk]
    assert work(run).state == Run.State.SUCCEEDED


def test_ten_bells_make_one_worker(model: Any, start: Any) -> None:
    model.say(*[turn] * 8)
    run, gate = start(), threading.Barrier(10)

    def answer() -> None:
        gate.wait()
        tasks.run_agent(str(run.pk))

    _together([answer] * 10)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED and run.lease_token == 1
    assert len(model.requests) == 3


def test_a_stop_and_a_worker_that_race_leave_one_end(start: Any, owner: Any) -> None:
    """Two hundred times: whoever is first ends the run or learns that it is over, and no credits stay held back."""
    credits.grant(owner, 10**9, "for many")
    project = start().project
    gate = threading.Barrier(2, timeout=60)
    current: list[Run] = [Run.objects.get()]
    outcomes: list[str] = []

    def finish_it() -> None:
        for _ in range(200):
            gate.wait()
            if fence := runs.claim(current[0].pk, 30):
                try:
                    with transaction.atomic():
                        runs.lock(fence)
                        runs.append(fence, "state", {"state": "succeeded", "reason": ""})
                        credits.settle(fence.run_id, 0)
                        runs.finish(fence, Run.State.SUCCEEDED)
                except runs.LeaseLost:
                    outcomes.append("lost")
            gate.wait()

    def stop_it() -> None:
        for number in range(200):
            gate.wait()
            try:
                services.cancel_run(current[0])
            except services.NotNow:
                outcomes.append("late")
            gate.wait()
            outcomes.append(Run.objects.get(pk=current[0].pk).state)
            if number < 199:
                current[0] = services.start_run(project, "Again")

    _together([finish_it, stop_it])
    states = [outcome for outcome in outcomes if outcome not in ("late", "lost")]
    assert len(states) == 200 and set(states) <= {"succeeded", "cancelled"}
    assert not Reservation.objects.filter(state="open").exists()


@pytest.mark.parametrize("hours", [2, -2])
def test_no_lease_is_taken_or_kept_by_a_workers_own_clock(
    model: Any, start: Any, work: Any, monkeypatch: Any, hours: int
) -> None:
    now, seconds = timezone.now, time.time
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=hours))
    monkeypatch.setattr(time, "time", lambda: seconds() + hours * 3600)
    held, left, mine = start("One"), start("Two"), start("Three")
    assert runs.claim(held.pk, 30) and runs.claim(held.pk, 30) is None
    assert runs.claim(left.pk, 0) and runs.claim(left.pk, 30)
    model.say(*[turn] * 4)
    assert work(mine).state == Run.State.SUCCEEDED


def test_it_comes_to_the_right_end_when_the_database_drops_everyone_again_and_again(
    model: Any, start: Any, settings: Any
) -> None:
    """A short form of the chaos that `bin/manage benchmark --chaos` makes; the same each time, by its seed."""
    settings.LEASE_SECONDS, settings.HEARTBEAT_SECONDS = 2, 1
    model.say(*[turn] * 60)
    started, dice, over = [start(f"Number {number}") for number in range(3)], random.Random(4), threading.Event()

    def drop() -> None:
        for _ in range(6):
            time.sleep(dice.uniform(0.2, 0.8))
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            except Error:
                connection.close()
        over.set()

    def persist(run: Run) -> Callable[[], None]:
        def again() -> None:
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline:
                try:
                    tasks.run_agent(str(run.pk))
                    if Run.objects.get(pk=run.pk).state in Run.TERMINAL:
                        return
                except (Error, runs.LeaseLost):
                    pass
                connection.close()
                time.sleep(0.1)

        return again

    try:
        _together([drop, *[persist(run) for run in started]])
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined] # those in it are dead, and other tests would be given them
    assert over.is_set()
    ends = Run.objects.values_list("state", "reason")
    assert set(ends) == {("succeeded", "")}, list(ends)
    assert Entry.objects.filter(kind="charge").count() == 3


@pytest.mark.parametrize("status", [429, 500, 404])
def test_it_says_so_when_no_sandbox_can_be_had(model: Any, start: Any, work: Any, settings: Any, status: int) -> None:
    provider = type(model)()
    provider.say(*[Failure(status, body=b'{"code": 1, "message": "scripted"}')] * 9)
    settings.E2B_API_URL = provider.url
    model.say([write(index_html=page("Tea"))], [finish()])
    try:
        run = work(start())
    finally:
        provider.server.shutdown()
        provider.server.server_close()
    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "sandbox_unavailable", 0)
    assert run.steps.get(type="error").data["next"]
    assert not Reservation.objects.filter(state="open").exists()


@pytest.mark.sandbox
def test_it_loses_no_run_when_workers_are_replaced_and_the_queue_is_emptied(
    stack: Any, owner: Any, eventually: Callable[..., Any], settings: Any
) -> None:
    """A deployment in the middle of work, and a queue that forgets everything: no run fails, none is left."""
    queue = redis.Redis.from_url(settings.REDIS_URL)
    first = services.start_project(owner, "A page about tea [[demo:slow=2]]", "html")
    eventually(lambda: first.steps.filter(type="stage", data__stage="work").exists(), 60)
    stack.stop("worker")
    first.refresh_from_db()
    assert (first.state, first.deaths) == (Run.State.QUEUED, 0)
    queue.flushdb()  # the bell that it rang when it left, too
    Run.objects.update(rung=timezone.now() - timedelta(seconds=tasks.RING_AGAIN_SECONDS + 1))
    stack.start_worker()
    eventually(lambda: not Run.objects.filter(state__in=Run.ACTIVE).exists(), 150)
    assert set(Run.objects.values_list("state", "deaths")) == {(Run.State.SUCCEEDED, 0)}


def _together(jobs: list[Callable[[], None]]) -> None:
    """Runs the jobs side by side; raises what the first of them raised."""
    wrong: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 – raised again below
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    if wrong:
        raise wrong[0]
