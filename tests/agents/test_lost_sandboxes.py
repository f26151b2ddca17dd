"""A sandbox that is lost with what a run did in it: the model is told and does it again, or the run says so."""

from django.db import connection
from e2b_code_interpreter import AsyncSandbox

from agents import aio, sandbox
from agents.models import Run, Sandbox
from demo_model import wire
from projects import versions
from tests.agents.scripted import finish, page, write
from tests.agents.test_taking_over import work_until

BOTH = write(index_html=page("Tea"), menu_html=page("Menu"))


def lose():
    aio.run(AsyncSandbox.kill(Sandbox.objects.get().sandbox_id, **sandbox.options()))
    connection.close()  # the scripted model's thread ends


def lost(*calls):
    """A turn during which the sandbox is lost."""

    def turn(request):
        lose()
        return list(calls)

    return turn


def again(request):
    """What a model says that reads what it is told."""
    said = str(request["messages"][-1])
    return [BOTH] if "went away" in said and "menu.html" in said else [finish()]


def test_it_has_the_model_write_again_what_is_gone(model, start, work):
    model.say([BOTH], lost(wire.tool("read_files", {"paths": ["package.json"]})), again, [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "menu.html").decode() == page("Menu")
    told = run.steps.get(type="tool_result", data__name="read_files").data
    assert not told["ok"] and "The sandbox went away" in told["output"]


def test_it_tells_the_model_so_once(model, start, work):
    look = wire.tool("list_files", {})
    model.say([BOTH], lost(look), [look], again)
    run = work(start())
    assert [step.data["ok"] for step in run.steps.filter(type="tool_result", data__name="list_files")] == [False, True]


def test_it_has_the_model_write_again_what_was_lost_between_two_workers(model, start, work, monkeypatch):
    model.say([BOTH], [wire.tool("list_files", {})], again, [finish()])
    run = start()
    work_until(run, monkeypatch, "tool_result", before=False, key="1.0")
    lose()
    run = work(run)
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "menu.html").decode() == page("Menu")


def test_it_does_not_succeed_without_what_was_lost_after_the_last_word(model, start, work):
    model.say([BOTH], lost(finish()))
    run = work(start())
    assert (run.state, run.reason, run.version) == (Run.State.FAILED, "sandbox_lost", None)
    assert "menu.html" in run.steps.get(type="error").data["detail"]


def test_it_goes_on_where_nothing_of_the_run_is_lost(model, start, work):
    model.say([wire.tool("list_files", {})], lost(wire.tool("list_files", {})), [BOTH], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED and "menu.html" in run.version.manifest
    assert all(step.data["ok"] for step in run.steps.filter(type="tool_result"))
