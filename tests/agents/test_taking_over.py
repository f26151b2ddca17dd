"""A worker that dies, sleeps too long, or is told to go: another one goes on, nothing is done twice."""

import threading

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models.functions import Now

from agents import claims, loop, runs, services, tasks
from agents import lease as leases
from agents.models import Run
from agents.runs import Fence, LeaseLost
from demo_model import wire
from projects import versions
from projects.models import Project
from tests.agents.scripted import Failure, finish, page, write
from usage import services as credits
from usage.models import Entry


class Died(BaseException):
    """Stands for kill -9: nothing after it runs."""


def claim(run: Run, seconds: float = 30) -> Fence:
    """The run's lease, which nobody else has."""
    fence = runs.claim(run.pk, seconds)
    assert fence
    return fence


def work_until(run: Run, monkeypatch: pytest.MonkeyPatch, type: str, *, before: bool, key: str = "") -> None:
    """Works on a run until the step of that type (and key) is written, or is about to be, then dies."""
    append = runs.append_all

    def deadly(fence, steps, *more):
        is_it = any(step.type == type and (not key or step.key == key) for step in steps)
        if is_it and before:
            raise Died
        stop = append(fence, steps, *more)
        if is_it:
            transaction.on_commit(die)  # what is written together with it is written
        return stop

    def die():
        raise Died

    monkeypatch.setattr(runs, "append_all", deadly)
    with pytest.raises(Died):
        loop.run_agent(leases.Lease(claim(run)))
    monkeypatch.setattr(runs, "append_all", append)
    Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(lease_until=Now())


@pytest.mark.parametrize("type", ["stage", "reply", "tool_call", "tool_result", "check", "version"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_it_ends_as_if_nothing_had_happened_wherever_the_worker_died(model, start, work, monkeypatch, type, before):
    def turn(request):
        """A model that looks at the conversation, as a real one does, so that being asked twice does no harm."""
        answered = sum(message["role"] == "assistant" for message in request["messages"])
        return [write(index_html=page("Tea"))] if answered == 0 else [finish()]

    model.say(*[turn] * 5)
    run = start()
    work_until(run, monkeypatch, type, before=before)
    run = work(run)

    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "index.html").decode() == page("Tea")
    assert run.project.versions.count() == 1
    assert run.steps.filter(type="reply").count() == 2
    assert run.steps.filter(type="file").count() == 1
    assert run.usage["calls"] == 3  # the two turns and the review
    assert run.steps.filter(type="complete").count() == 1
    cursors = list(run.project.steps.values_list("cursor", flat=True))
    assert cursors == list(range(1, len(cursors) + 1))


POINTS = [
    ("aside", "framework", False),
    ("stage", "framework", True),
    ("stage", "framework", False),
    ("stage", "context", False),
    ("stage", "validate-0", False),
    ("check", "page-0", False),
    ("stage", "review-1", False),
    ("aside", "review-1", False),
    ("review", "review-1", True),
    ("review", "review-1", False),
    ("stage", "fix-1", True),
    ("stage", "fix-1", False),
    ("check", "page-1", False),
    ("aside", "review-2", False),
    ("stage", "save", False),
]


@pytest.mark.parametrize(("type", "key", "before"), POINTS, ids=[f"{'-' * b}{t}-{k}" for t, k, b in POINTS])
def test_it_goes_on_in_any_stage_and_asks_nothing_twice(model, owner, work, monkeypatch, type, key, before):
    def turn(request):
        at = sum(message["role"] == "assistant" for message in request["messages"])
        return [[write(index_html=page("Tea"))], [finish()], [write(index_html=page("More"))], [finish("Done.")]][at]

    issue = {"file": "index.html", "severity": "high", "problem": "Too little", "evidence": "<h1>Tea</h1>"}
    model.answers["choose_framework"] = [{"framework": "html"}]
    model.answers["review"] = [{"verdict": "issues", "issues": [issue]}, {"verdict": "approved", "issues": []}]
    model.say(*[turn] * 6)
    run = services.start_project(owner, "A page about tea")
    work_until(run, monkeypatch, type, before=before, key=key)
    run = work(run)

    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Done.")
    assert versions.read(run.version, "index.html").decode() == page("More")
    assert (run.project.versions.count(), run.project.framework) == (1, "html")
    assert len(model.asides) == 3 and len(model.requests) == 4
    assert run.usage["calls"] == 7
    replies = list(run.steps.filter(type="reply"))
    assert [reply.data["round"] for reply in replies] == [0, 0, 1, 1]
    assert run.cost == sum(reply.data["cost"] for reply in replies[:2])
    for step_type, step_key in (
        ("stage", "framework"),
        ("review", "review-1"),
        ("stage", "fix-1"),
        ("complete", "complete"),
    ):
        assert run.steps.filter(type=step_type, key=step_key).count() == 1


@pytest.mark.parametrize("last", ["limit", "finish", "stop"])
def test_it_says_that_nothing_is_saved_where_it_finds_no_sandbox(model, start, work, monkeypatch, settings, last):
    ends = {
        "limit": (Run.State.STOPPED, "limit"),
        "finish": (Run.State.FAILED, "sandbox_unavailable"),
        "stop": (Run.State.CANCELLED, "cancelled"),
    }
    address, settings.RUN_MAX_TURNS = settings.E2B_API_URL, 1 if last == "limit" else 9
    model.say([write(index_html=page("Tea"))], [finish()])
    run = start()
    work_until(run, monkeypatch, "review" if last == "finish" else "tool_result", before=False)
    if last == "stop":
        services.cancel_run(run)
    settings.E2B_API_URL = "http://127.0.0.1:9"  # nobody listens
    run = work(run)
    settings.E2B_API_URL = address

    assert (run.state, run.reason) == ends[last]
    assert run.version is None and "could not be reached" in run.reply.text and "is kept" not in run.reply.text


def test_it_never_runs_a_command_twice(model, start, work, monkeypatch):
    model.say([wire.tool("terminal", {"command": "echo once >> index.html"})], [finish()])
    run = start()
    work_until(run, monkeypatch, "tool_result", before=True)
    run = work(run)

    assert versions.read(run.version, "index.html").decode().count("once") == 1
    result = run.steps.get(type="tool_result", data__name="terminal")
    assert result.data["exit_code"] == 0


CHANGES = [
    wire.tool("edit_file", {"path": "index.html", "edits": [{"search": "<h1>Tea", "replace": "<h1>Coffee"}]}),
    wire.tool("delete_files", {"paths": ["notes.txt"]}),
]


@pytest.mark.parametrize("change", CHANGES, ids=["edit", "delete"])
def test_it_takes_a_change_that_was_made_already_for_done(model, start, work, monkeypatch, change):
    model.say([write(index_html=page("Tea"), notes_txt="Buy tea.\n")], [change], [finish()])
    run = start()
    work_until(run, monkeypatch, "tool_result", before=True, key="2.0")
    run = work(run)

    assert run.steps.get(type="tool_result", key="2.0").data["ok"]
    assert len(model.requests) == 3 and run.state == Run.State.SUCCEEDED


INSERT = {"search": "import a", "replace": "import a\nimport b"}


@pytest.mark.parametrize("type", ["tool_call", "tool_result"], ids=["begun", "made"])
def test_it_makes_an_edit_once(model, start, work, monkeypatch, type):
    """Also one whose search text still stands there afterwards, and one that builds on the one before."""
    edits = [INSERT, {"search": "import b", "replace": "import c"}, {"search": "\nx", "replace": ""}]
    edit = wire.tool("edit_file", {"path": "a.txt", "edits": edits})
    model.say([write(a_txt="import a\nx\n")], [edit], [finish()])
    run = start()
    work_until(run, monkeypatch, type, before=type == "tool_result", key="2.0")
    run = work(run)

    assert versions.read(run.version, "a.txt") == b"import a\nimport c\n"
    step = run.steps.get(type="file", data__action="changed")
    assert (step.data["added"], step.data["removed"]) == (1, 1) and len(model.requests) == 3


def test_it_takes_no_edit_for_done_that_never_fitted(model, start, work, monkeypatch):
    edits = [INSERT, {"search": "no such line", "replace": ""}]
    model.say([write(a_txt="import a\n")], [wire.tool("edit_file", {"path": "a.txt", "edits": [INSERT]})])
    model.say([wire.tool("edit_file", {"path": "a.txt", "edits": edits})], [finish()])
    run = start()
    work_until(run, monkeypatch, "tool_call", before=False, key="3.0")
    run = work(run)

    assert not run.steps.get(type="tool_result", key="3.0").data["ok"]
    assert versions.read(run.version, "a.txt") == b"import a\nimport b\n"


def test_it_says_that_the_outcome_is_unknown_when_it_is(model, start, work, monkeypatch):
    ends_itself = "until kill -KILL -- -$(cat $HOME/.vibe/steps/*/pid); do sleep 0.1; done"
    model.say([wire.tool("terminal", {"command": ends_itself})], [finish()])
    run = work(start())

    result = run.steps.get(type="tool_result", data__name="terminal")
    assert result.data["exit_code"] is None and not result.data["ok"]
    assert "unknown" in str(model.requests[1]["messages"][-1])


def test_it_writes_nothing_once_the_lease_is_somebody_elses(start):
    run = start()
    old, new = claim(run, 0), claim(run)
    before = run.project.steps.count()

    assert new.token == old.token + 1
    with pytest.raises(LeaseLost):
        runs.append(old, "stage", {"stage": "work", "status": "started", "title": ""})
    with pytest.raises(LeaseLost):
        runs.finish(old, Run.State.SUCCEEDED)
    with pytest.raises(LeaseLost):
        runs.extend(old, 30)
    runs.hand_back(old)
    run.refresh_from_db()
    assert (run.state, run.lease_token) == (Run.State.RUNNING, new.token)
    assert run.project.steps.count() == before
    runs.append(new, "stage", {"stage": "work", "status": "started", "title": ""})


def test_it_lets_go_of_the_model_when_the_lease_is_somebody_elses(model, start, eventually):
    model.say(Failure(hang=60))
    run = start()
    old = threading.Thread(target=tasks.run_agent, args=[str(run.pk)])
    old.start()
    eventually(lambda: model.requests)
    Run.objects.filter(pk=run.pk).update(lease_until=Now())
    claim(run)
    leases.request_stop(run.pk)  # has the old worker ask its row now, and not at its next heartbeat

    assert model.gone.wait(20)
    old.join(20)
    assert not old.is_alive() and len(model.requests) == 1
    assert not run.steps.filter(type__in=["reply", "error", "complete"]).exists()


def test_it_holds_a_run_that_it_took_over_from_itself(model, start, eventually):
    """A machine that slept: the sweeper rings before the heart beats, and the same process answers."""
    model.say(Failure(hang=60), Failure(hang=60))
    run = start()
    workers = [threading.Thread(target=tasks.run_agent, args=[str(run.pk)], daemon=True) for _ in range(2)]
    for asked, worker in enumerate(workers, 1):
        worker.start()
        eventually(lambda asked=asked: len(model.requests) == asked)
        Run.objects.filter(pk=run.pk, lease_token=1).update(lease_until=Now())
    leases.request_stop(run.pk)  # nobody has asked for one: who holds the run looks, and who lost it goes
    workers[0].join(20)
    assert not workers[0].is_alive() and workers[1].is_alive()

    services.cancel_run(run)
    workers[1].join(20)
    run.refresh_from_db()
    assert not workers[1].is_alive()
    assert (run.state, run.lease_token) == (Run.State.CANCELLED, 2)


def test_it_writes_nothing_once_the_run_is_over(start):
    run = start()
    fence = claim(run)
    runs.append(fence, "state", {"state": Run.State.SUCCEEDED})
    credits.release(run.pk)
    runs.finish(fence, Run.State.SUCCEEDED)
    before = run.project.steps.count()

    for late in (
        lambda: runs.append(fence, "stage", {"stage": "work", "status": "started", "title": ""}),
        lambda: runs.finish(fence, Run.State.FAILED),
        lambda: runs.extend(fence, 30),
        lambda: runs.stop_wanted(fence),
        lambda: runs.wait(fence),
    ):
        with pytest.raises(LeaseLost):
            late()
    runs.hand_back(fence)
    run.refresh_from_db()
    assert (run.state, run.project.steps.count()) == (Run.State.SUCCEEDED, before)


def test_it_takes_a_key_once_whoever_writes(start):
    """Held by the database, also against a worker whose own list of what is done is wrong."""
    run = start()
    fence = claim(run)
    for key in ("save", "", ""):
        runs.append(fence, "stage", {"stage": "save", "status": "started", "title": ""}, key)
    with pytest.raises(IntegrityError, match="one_step_per_key"):
        runs.append(fence, "stage", {"stage": "save", "status": "started", "title": ""}, "save")


def test_it_gives_a_run_to_one_of_many_that_ask_at_once(start):
    run, got, gate = start(), [], threading.Barrier(8)

    def race():
        gate.wait()
        got.append(runs.claim(run.pk, 30))
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fence is not None for fence in got) == 1


def test_it_does_not_give_away_a_run_that_is_held_or_over(start, work, model):
    run = start()
    fence = claim(run)
    assert runs.claim(run.pk, 30) is None
    runs.append(fence, "state", {"state": Run.State.SUCCEEDED})
    credits.release(run.pk)
    runs.finish(fence, Run.State.SUCCEEDED)
    assert runs.claim(run.pk, 30) is None


def test_it_gives_up_a_run_that_kills_its_workers(start, work, model):
    run = start()
    for _ in range(4):
        assert runs.claim(run.pk, 0)
    run = work(run)

    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "crash_loop", 0)


def test_it_gives_up_only_the_one_of_many_that_kills_its_workers(start, work, model, settings):
    """All that a worker holds dies with it, at steps that take longer than it lived."""
    settings.RUNS_PER_USER = 9
    model.say(*[[wire.text("Done."), finish()]] * 20)
    poison, *others = [start(f"App {number}") for number in range(6)]
    for _ in range(runs.MAX_DEATHS):
        held = [run for run in (poison, *others) if runs.claim(run.pk, 30)]
        Run.objects.filter(pk__in=[run.pk for run in held]).update(lease_until=Now())
    assert held == [poison]

    assert work(poison).reason == "crash_loop"
    assert [work(run).reason for run in others] == [""] * 5


def test_it_takes_one_at_a_time_of_those_that_died_with_others(start, person, settings):
    settings.RUNS_PER_USER = 9
    many, gate, got = [start(f"App {number}") for number in range(6)], threading.Barrier(6), []
    for run in many:  # one person's claims wait for each other anyway
        Project.objects.filter(pk=run.project_id).update(owner=person())
    Run.objects.update(state=Run.State.RUNNING, lease_until=Now(), deaths=runs.SUSPECT_DEATHS - 1)

    def race(run):
        gate.wait()
        got.append(runs.claim(run.pk, 30))
        connection.close()

    threads = [threading.Thread(target=race, args=[run]) for run in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [first] = filter(None, got)
    free = next(run for run in many if run.pk != first.run_id)
    assert runs.claim(free.pk, 30) is None

    runs.append(first, "stage", {"stage": "work", "status": "started", "title": ""})  # it was not this one
    assert runs.claim(free.pk, 30)


def test_it_takes_one_for_each_worker_of_those_that_died_with_others(start, settings, monkeypatch):
    settings.RUNS_PER_USER = 9
    one, other = start("One"), start("Other")
    Run.objects.update(state=Run.State.RUNNING, lease_until=Now(), deaths=runs.SUSPECT_DEATHS - 1)
    assert runs.claim(one.pk, 30)
    assert runs.claim(other.pk, 30) is None
    monkeypatch.setattr(runs, "owner_name", lambda: "elsewhere:1")
    assert runs.claim(other.pk, 30)


def test_it_gives_up_a_run_that_is_begun_again_and_again(start, work, model):
    run = start()
    Run.objects.update(lease_token=runs.MAX_LEASES)
    run = work(run)

    assert (run.state, run.reason, run.cost, run.deaths) == (Run.State.FAILED, "crash_loop", 0, 0)
    assert str(runs.MAX_LEASES) in run.steps.get(type="error").data["detail"]


def test_it_is_not_given_up_while_it_gets_somewhere(start):
    run = start()
    for _ in range(runs.MAX_DEATHS + 1):
        runs.append(claim(run, 0), "stage", {"stage": "work", "status": "started", "title": ""})
        run.refresh_from_db()
        assert run.deaths == 0


def test_it_rings_again_for_runs_that_wait_and_for_runs_that_were_left(start, monkeypatch):
    waiting, left, fine = start("One"), start("Two"), start("Three")
    Run.objects.filter(pk=waiting.pk).update(rung="2020-01-01T00:00Z")
    runs.claim(left.pk, 0)
    runs.claim(fine.pk, 30)
    rung = []
    monkeypatch.setattr(services, "ring", lambda run: rung.append(run.pk))

    assert tasks.sweep() == 2
    assert set(rung) == {waiting.pk, left.pk}


def test_it_hands_its_runs_back_when_it_is_told_to_go(start, monkeypatch):
    run = start()
    monkeypatch.setattr(tasks, "_leaving", threading.Event())  # a process is told to go once; this one stays
    with leases.held(leases.Lease(claim(run))) as held:
        tasks.hand_back()
        with pytest.raises(LeaseLost):
            held.check()
    tasks.run_agent(str(run.pk))  # the bell that it rang itself
    assert Run.objects.get(pk=run.pk).state == Run.State.QUEUED
    assert runs.claim(run.pk, 30)


def test_it_goes_on_when_a_migration_changes_a_table_before_it_saves(model, start, work, monkeypatch):
    def alter(chars: int) -> None:
        # Not by one of the pool: psycopg forgets its plans where it sees the statement itself.
        given = connection.get_connection_params()
        address = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if name in given}
        with psycopg.connect(**address) as other:
            other.execute(f"ALTER TABLE projects_version ALTER COLUMN title TYPE varchar({chars})")

    def plan() -> None:
        """By every connection of the pool, which gives the one that was longest unused."""
        pool = connection.pool  # type: ignore[attr-defined]  # of PostgreSQL's backend
        for _ in range(pool.get_stats()["pool_size"]):
            versions.newest(run.project)
            connection.close()

    def secrets(*asked):
        """The last that is looked at before all is written at once."""
        found = look(*asked)
        plan()
        alter(201)
        return found

    model.say([write(index_html=page("Tea"))], [finish()])
    run = start("Make a page about tea")
    look = claims.secrets
    monkeypatch.setattr(claims, "secrets", secrets)
    try:
        with pytest.raises(OperationalError):
            work(run)
        monkeypatch.setattr(claims, "secrets", look)
        assert Run.objects.get().state == Run.State.QUEUED and not Entry.objects.filter(run_id=run.pk).exists()
        run = work(run)
    finally:
        alter(200)
        plan()
    assert (run.state, run.version.number, run.lease_token) == (Run.State.SUCCEEDED, 1, 2)
    assert [step.data["state"] for step in run.steps.filter(type="complete")] == ["succeeded"]
