"""Stop: at once while a run waits; in the middle of a model's answer or a command when it runs; never after the end."""

import threading
import time

import pytest
from django.db import connection, transaction

from agents import aio, events, lease, sandbox, services, tasks
from agents.models import Run
from agents.services import NotNow
from demo_model import wire
from projects.models import Project
from tests.agents.scripted import Failure, finish, page, types, write
from usage.services import account_of


@pytest.fixture
def at_work(eventually):
    """Works on a run in a thread; gives a function that waits for it to be over."""
    threads = []

    def begin(run: Run):
        thread = threading.Thread(target=tasks.run_agent, args=[str(run.pk)])
        threads.append(thread)
        thread.start()

        def over() -> Run:
            thread.join(30)
            assert not thread.is_alive()
            return Run.objects.select_related("project", "version").get(pk=run.pk)

        return over

    yield begin
    for thread in threads:
        thread.join(30)


def test_it_ends_a_waiting_run_at_once_and_frees_its_credits(start):
    run = start()
    services.cancel_run(run)

    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert account_of(run.project.owner).reserved == 0
    assert types(run.project)[-1] == "complete"


def test_it_closes_the_models_stream(model, start, at_work, eventually, settings):
    model.say(Failure(hang=60))
    run = start()
    over = at_work(run)
    eventually(lambda: model.requests)
    began = time.monotonic()
    services.cancel_run(run)
    run = over()

    assert time.monotonic() - began < settings.HEARTBEAT_SECONDS / 2  # it was told, and did not have to find out
    assert (run.state, run.cost) == (Run.State.CANCELLED, 0)
    assert model.gone.wait(5)
    assert len(model.requests) == 1


def test_it_kills_the_running_command_and_keeps_the_files(model, start, at_work, eventually):
    model.say(
        [
            write(index_html=page("Tea")),
            wire.tool("terminal", {"command": "echo begun; sleep 1000; echo no >> index.html"}),
        ]
    )
    run = start()
    over = at_work(run)
    eventually(lambda: run.steps.filter(type="tool_call", data__name="terminal").exists())
    services.cancel_run(run)
    run = over()

    assert run.state == Run.State.CANCELLED
    assert "index.html" in run.version.manifest
    box = sandbox.ensure(Project.objects.get(pk=run.project_id))
    assert "sleep 1000" not in aio.run(box.sdk.commands.run("ps ax || cat /proc/[0-9]*/cmdline")).stdout
    assert not run.steps.filter(type="tool_result", data__name="terminal").exists()


def test_it_never_begins_a_command_that_was_stopped_before_it_began(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    box = sandbox.ensure(work(start()).project)
    aio.run(box.kill_step("early"))
    result = aio.run(box.run_once("early", "touch begun", 10, lambda text: None))
    assert result.exit_code is None
    assert "begun" not in aio.run(box.paths())


def test_it_kills_a_command_that_is_just_beginning(model, start, work):
    """Between its start and the moment in which it leads a group of its own, there is none to kill."""
    model.say([write(index_html=page("Tea"))], [finish()])
    box = sandbox.ensure(work(start()).project)
    late = "(sleep 0.3; exec setsid sleep 1234) > /dev/null 2>&1 &"
    aio.run(box.sdk.commands.run(f"d=~/.vibe/steps/early; mkdir -p $d; {late} echo $! > $d/pid"))
    aio.run(box.kill_step("early"))
    assert "sleep 1234" not in aio.run(box.sdk.commands.run("ps ax || cat /proc/[0-9]*/cmdline")).stdout
    aio.run(box.kill_step("early"))  # once more does no harm


def test_it_begins_no_tool_once_the_stop_is_committed(model, start, work, monkeypatch):
    """Also where the message to the worker was lost, long before its next heartbeat."""
    monkeypatch.setattr(lease, "request_stop", lambda run_id: None)
    run = start()

    def stopped_meanwhile(request):
        services.cancel_run(Run.objects.get(pk=run.pk))
        connection.close()
        return [write(index_html=page("Tea"))]

    model.say(stopped_meanwhile)
    assert work(run).state == Run.State.CANCELLED
    assert not run.steps.filter(type="tool_call").exists()
    assert len(model.requests) == 1


def test_it_asks_the_model_nothing_more(model, start, at_work, eventually):
    model.say(*[[wire.tool("terminal", {"command": f"sleep 0.{n}"})] for n in range(1, 9)])
    run = start()
    over = at_work(run)
    eventually(lambda: len(model.requests) >= 2)
    services.cancel_run(run)
    run = over()

    asked = len(model.requests)
    asking = run.steps.get(type="state", data__state="cancelling")
    assert run.state == Run.State.CANCELLED
    assert not run.steps.filter(type="tool_call", cursor__gt=asking.cursor + 1).exists()
    assert len(model.requests) == asked


def test_it_keeps_the_part_of_the_answer_that_came(model, start, at_work, eventually):
    model.say(Failure(say="I was about to build", hang=60))
    run = start()
    over = at_work(run)
    eventually(lambda: events.live_so_far(*_kept(run)))
    services.cancel_run(run)
    run = over()

    reply = run.steps.get(type="reply").data
    assert reply["text"] == "I was about to build" and reply["interrupted"]
    assert (reply["cost"], run.cost) == (0, 0)


def _kept(run):
    name = events.channel(run.project_id)
    return events._redis().mget(f"{name}:head", f"{name}:text")


def test_it_refuses_when_the_run_is_over(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    with pytest.raises(NotNow):
        services.cancel_run(run)
    assert Run.objects.get(pk=run.pk).state == Run.State.SUCCEEDED


def test_it_may_be_asked_twice(model, start, at_work, eventually):
    model.say(Failure(hang=60))
    run = start()
    over = at_work(run)
    eventually(lambda: model.requests)
    with transaction.atomic():  # the worker hears of both at once, and is not over after the first
        services.cancel_run(run)
        services.cancel_run(run)
    assert over().state == Run.State.CANCELLED
    assert types(run.project).count("complete") == 1
