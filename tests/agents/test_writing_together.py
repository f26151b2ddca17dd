"""What a worker's runs log in the same moment is written by one statement, and each as if it were alone."""

import threading
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from django.db import Error, IntegrityError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from agents import events, runs
from agents.models import Run, Step
from agents.runs import Fence, LeaseLost

COUNT = 6
DATA = {"stage": "work", "status": "started", "title": "Wörk \x00 \ud800"}


@pytest.fixture
def fences(start: Any, settings: Any) -> list[Fence]:
    settings.RUNS_PER_USER = COUNT
    claimed = [runs.claim(start(f"Page {number}").pk, 60) for number in range(COUNT)]
    return [fence for fence in claimed if fence]


class Writers:
    """Threads that each append to one run: the first is held up, so that the others come while it writes."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.raised: dict[Any, BaseException | None] = {}
        self.statements: list[str] = []
        self.connections: list[Any] = []

    def write(self, fence: Fence, key: str = "", **more: Any) -> None:
        self.threads.append(threading.Thread(target=self._write, args=(fence, key), kwargs=more))
        self.threads[-1].start()

    def _write(self, fence: Fence, key: str, record: Any = None) -> None:
        self.raised[fence.run_id] = None
        self.connections.append(connections["default"])
        connection.ensure_connection()
        try:
            with CaptureQueriesContext(connection) as seen:
                runs.append(fence, "stage", dict(DATA), key, record)
        except (Error, LeaseLost, RecursionError) as error:
            self.raised[fence.run_id] = error
        self.statements += [query["sql"] for query in seen.captured_queries]
        connections.close_all()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)


@pytest.fixture
def held_up(eventually: Any) -> Callable[..., Any]:
    """Writers, all of whom wait in the block: one for the table, the others for that one."""

    @contextmanager
    def held_up(*fences: Any) -> Any:
        writers = Writers()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE agents_step IN EXCLUSIVE MODE")
            for number, (fence, more) in enumerate(fences):
                writers.write(fence, **more)
                eventually(lambda waiting=number: _waits(waiting))
            yield writers
        writers.join()

    return held_up


def _waits(others: int) -> bool:
    """Whether one writer waits for the table's lock, and so many for that one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'agents_step'::regclass")
        return cursor.fetchone()[0] == 1 and len(runs._entries.waiting) == others


def last(fence: Fence) -> Step:
    return Step.objects.filter(run_id=fence.run_id).latest("seq")


def test_it_writes_what_came_meanwhile_by_one_statement(fences, held_up, monkeypatch):
    published: list[list[Step]] = []
    monkeypatch.setattr(events, "publish", published.append)
    before = [last(fence) for fence in fences]
    with held_up(*((fence, {"record": {"by": fence.token}}) for fence in fences)) as writers:
        pass

    assert sum("INSERT" in sql for sql in writers.statements) == 2
    assert not any(writers.raised.values())
    for fence, earlier in zip(fences, before, strict=True):
        step = last(fence)
        assert (step.seq, step.cursor) == (earlier.seq + 1, earlier.cursor + 1)
        assert step.record == {"by": fence.token}
        assert step.data["title"] == "Wörk \ufffd \ufffd"  # as the database can hold it
    assert [len(steps) for steps in published] == [1, COUNT - 1]
    assert {step.pk for steps in published for step in steps} == {last(fence).pk for fence in fences}


def test_it_sums_up_what_each_run_took(fences, held_up):
    took = {fence: Run.objects.get(pk=fence.run_id) for fence in fences}

    def steps(fence: Fence) -> list[Step]:
        head = {"project_id": fence.project_id, "run_id": fence.run_id, "type": "aside", "key": ""}
        return [Step(**head, data={"name": name}) for name in ("x", "y")]

    def take(fence: Fence) -> None:
        runs.append_all(fence, steps(fence), runs.Spent(took[fence], {"input": 4}, 70))
        connections.close_all()

    threads = [threading.Thread(target=take, args=[fence]) for fence in fences[1:]]
    with held_up((fences[0], {})):
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(20)
    for fence in fences[1:]:
        run = Run.objects.get(pk=fence.run_id)
        assert (run.usage["input"], run.cost) == (4, 70)
        assert [step.data["name"] for step in run.steps.filter(type="aside").order_by("seq")] == ["x", "y"]


@pytest.mark.parametrize("alone", [True, False])
def test_it_leaves_out_what_is_not_to_begin_once_a_stop_is_wanted(fences, alone):
    fence, before = fences[0], last(fences[0])
    kept, left = (Step(project_id=fence.project_id, run_id=fence.run_id, type=kind, data={}) for kind in ("a", "b"))
    Run.objects.filter(pk=fence.run_id).update(cancel_requested=True)
    with transaction.atomic() if alone else nullcontext():
        assert runs.append_all(fence, [kept, left], None, 1) is True
    assert (kept.seq, kept.cursor) == (before.seq + 1, before.cursor + 1) and not left.pk
    after = runs.append(fence, "stage", dict(DATA))
    assert (after.seq, after.cursor) == (kept.seq + 1, kept.cursor + 1)


def test_it_takes_one_run_twice(fences, held_up):
    """A worker has one thread for each run; were there two, both would be heard."""
    with held_up(*((fence, {}) for fence in (fences[0], fences[1], fences[1]))) as writers:
        pass

    assert not any(writers.raised.values())
    assert Step.objects.filter(run_id=fences[1].run_id, data__title__startswith="Wörk").count() == 2


def test_it_refuses_only_the_one_that_lost_its_lease(fences, held_up):
    Run.objects.filter(pk=fences[3].run_id).update(lease_token=99)
    before = last(fences[3])
    with held_up(*((fence, {}) for fence in fences)) as writers:
        pass

    assert isinstance(writers.raised.pop(fences[3].run_id), LeaseLost)
    assert not any(writers.raised.values()) and last(fences[3]) == before
    assert all(last(fence).data["title"].startswith("Wörk") for fence in fences if fence != fences[3])


def test_it_refuses_only_the_one_that_cannot_be_written(fences, held_up):
    runs.append(fences[2], "stage", DATA, "once")
    with held_up(*((fence, {"key": "once"}) for fence in fences)) as writers:
        pass

    assert isinstance(writers.raised.pop(fences[2].run_id), IntegrityError)
    assert not any(writers.raised.values())
    assert Step.objects.filter(key="once").count() == COUNT


def test_it_refuses_only_the_one_that_is_no_json(fences, held_up):
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    with held_up(*((fence, {}) for fence in fences[:5])) as writers:
        writers.write(fences[5], record=deep)

    assert isinstance(writers.raised.pop(fences[5].run_id), RecursionError)
    assert not any(writers.raised.values()) and len(writers.raised) == COUNT - 1


def test_it_holds_no_connection_while_others_write(fences, held_up, eventually):
    """All of the pool's may be with those that wait, and the next to write may have none yet."""
    with held_up(*((fence, {}) for fence in fences)) as writers:
        eventually(lambda: [one.connection is None for one in writers.connections] == [False, *[True] * (COUNT - 1)])

    assert not any(writers.raised.values())


@pytest.mark.parametrize("table", ["agents_run", "projects_project"])
def test_it_does_not_wait_for_a_row_that_somebody_else_holds(fences, eventually, table):
    writers = Writers()
    held = fences[0].run_id if table == "agents_run" else fences[0].project_id
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", [held])
        for fence in fences:
            writers.write(fence)
        eventually(lambda: not any(thread.is_alive() for thread in writers.threads[1:]))
        assert writers.threads[0].is_alive()
    writers.join()
    assert not any(writers.raised.values()) and len(writers.raised) == COUNT
    assert all(last(fence).data["title"].startswith("Wörk") for fence in fences)


def test_it_tells_only_the_one_whose_connection_broke(fences, held_up):
    with held_up(*((fence, {}) for fence in fences)) as writers, connection.cursor() as cursor:
        ours = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"  # not of another test process
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid IN ({ours})")

    assert isinstance(writers.raised.pop(fences[0].run_id), OperationalError)
    assert not any(writers.raised.values()) and len(writers.raised) == COUNT - 1


def test_it_tells_all_who_were_written_together_when_that_broke(fences, held_up, monkeypatch):
    """Whether it was written nobody knows: not a word is said twice, the log tells whoever takes the runs over."""
    executed = runs._executed

    def breaking(sql: str, values: dict[str, Any]) -> list[Any]:
        rows = executed(sql, values)
        if values["entries"].count('"token"') > 1:
            raise OperationalError
        return rows

    monkeypatch.setattr(runs, "_executed", breaking)
    with held_up(*((fence, {}) for fence in fences)) as writers:
        pass

    assert writers.raised.pop(fences[0].run_id) is None
    assert all(isinstance(error, OperationalError) for error in writers.raised.values())
    assert Step.objects.filter(data__title__startswith="Wörk").count() == COUNT


def test_it_goes_on_after_a_writer_that_died(fences, monkeypatch):
    class Died(BaseException):
        """Stands for a thread's end in the middle."""

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_executed", die)
        with pytest.raises(Died):
            runs.append(fences[0], "stage", DATA)
    runs.append(fences[0], "stage", DATA)
    assert last(fences[0]).data["title"].startswith("Wörk")
