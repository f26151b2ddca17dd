"""The sandbox of a run goes away, hangs, or does not come: work goes on, or it is said what became of it."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import e2b
import pytest
from django.db import connection

from agents import checking, lease, sandbox, services, tasks
from agents.models import Run, Step
from agents.tools import TOOLS
from demo_model import wire
from launcher import testing
from projects import versions
from tests.agents.scripted import finish, page, write


@pytest.fixture
def own_host(settings: Any, eventually: Any) -> Iterator[Any]:
    """A sandbox host that the test may kill, with a small disk for each sandbox; runs use it from now on."""
    from tests.sandbox_host.conftest import Host, make_state

    place = testing.current().place
    host = Host(make_state(None), None, ["--spares", "0", "--runtime", str(place.runtime)])
    (host.state / "templates").symlink_to((place.home / "templates").resolve())
    host.arguments += ["--limit-disk", "60", "--limit-inodes", "4000"]
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = host.url
    settings.E2B_API_KEY = host.key
    try:
        yield host.start()
    finally:
        host.close()


@pytest.mark.sandbox
def test_it_goes_on_once_over_a_sandbox_host_that_was_killed_and_one_that_is_away(
    own_host: Any, model: Any, start: Any, work: Any
) -> None:
    def killed(request: Any) -> Any:
        own_host.kill()
        return [wire.tool("terminal", {"command": "echo away"})]

    def back(request: Any) -> Any:
        own_host.start()
        return [wire.tool("terminal", {"command": "echo '<!-- once -->' >> index.html; pgrep -c sleep"})]

    def restarted(request: Any) -> Any:
        own_host.kill()
        own_host.start()
        return [wire.tool("terminal", {"command": "echo '<!-- twice -->' >> index.html"})]

    asleep = wire.tool("terminal", {"command": "sleep 300", "background": True})
    model.say([write(index_html=page("Tea")), asleep], killed, back, restarted, [finish()])
    run = work(start())

    assert (run.state, run.reason) == (Run.State.SUCCEEDED, "")
    results = [step.data for step in Step.objects.filter(run=run, type="tool_result").order_by("seq")]
    assert [data["ok"] for data in results] == [True, True, False, False, True, True], results
    assert "The sandbox" in results[2]["output"]
    assert results[3]["output"].strip().endswith("0")  # nothing that ran in it is left
    content = versions.read(run.version, "index.html").decode()
    assert content.startswith(page("Tea"))
    assert (content.count("once"), content.count("twice")) == (1, 1)
    assert run.steps.filter(type="complete").count() == 1


@pytest.mark.sandbox
def test_it_goes_on_where_the_sandbox_is_gone_again_and_again(
    model: Any, start: Any, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: Any = TOOLS["terminal"].work

    async def lost(toolbox: Any, given: Any) -> Any:
        await e2b.AsyncSandbox.kill(toolbox.box.sdk.sandbox_id, **sandbox.options())
        return await used(toolbox, given)

    monkeypatch.setitem(TOOLS, "terminal", replace(TOOLS["terminal"], work=lost))
    model.say([wire.tool("terminal", {"command": "true"})], [write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert (run.state, run.version.number) == (Run.State.SUCCEEDED, 1)
    told = run.steps.get(type="tool_result", data__name="terminal").data
    assert not told["ok"] and "The sandbox did not do it" in told["output"]


@pytest.mark.sandbox
def test_it_stays_stopped_where_the_sandbox_does_not_answer_any_more(
    own_host: Any, model: Any, start: Any, eventually: Any
) -> None:
    model.say([write(index_html=page("Tea")), wire.tool("terminal", {"command": "sleep 300"})])
    run = start()
    worker = threading.Thread(target=tasks.run_agent, args=[str(run.pk)], daemon=True)
    worker.start()
    eventually(lambda: run.steps.filter(type="tool_call", data__name="terminal").exists(), 60)
    own_host.process.send_signal(signal.SIGSTOP)
    services.cancel_run(run)
    eventually(lambda: all(held.stopped for held in lease.all_held()))
    own_host.kill()  # what hangs breaks off
    worker.join(60)
    own_host.start()
    run.refresh_from_db()
    assert (run.state, run.reason, run.version) == (Run.State.CANCELLED, "cancelled", None)
    assert run.reply and run.reply.text.startswith("Stopped. Nothing that this run built is saved. ")
    assert run.steps.get(type="error").data["next"]


@pytest.mark.sandbox
def test_it_says_so_when_the_sandbox_does_not_answer_to_a_check(
    model: Any, start: Any, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "PAGE_SECONDS", 0.01)
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "sandbox_lost")
    told = run.steps.get(type="error").data
    assert "no answer within" in told["detail"] and told["next"]


def test_it_says_so_when_no_sandbox_comes(
    model: Any, start: Any, work: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "OPENING_SECONDS", 1)
    monkeypatch.setattr(sandbox, "PATIENCE_SECONDS", 0.5)
    model.say([write(index_html=page("Tea"))])
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        settings.E2B_API_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = work(start())
    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "sandbox_unavailable", 0)
    assert "within 1 s" in run.steps.get(type="error").data["detail"]


@pytest.mark.sandbox
def test_it_is_told_of_a_full_disk_and_goes_on_once_there_is_room(
    own_host: Any, model: Any, start: Any, work: Any
) -> None:
    more = "x" * 500_000
    fill = "for n in $(seq 40); do head -c 2M /dev/zero > big$n || break; done; true"
    model.say(
        [write(index_html=page("Tea")), wire.tool("check_app", {})],  # its server runs by then
        [wire.tool("terminal", {"command": fill})],
        [write(more_js=more), wire.tool("terminal", {"command": "rm big*"})],
        [wire.tool("delete_files", {"paths": [f"big{n}" for n in range(1, 11)]})],
        [wire.tool("terminal", {"command": "rm -f big*"}), write(index_html=page("Coffee"))],
        [finish()],
    )
    run = work(start())
    told = [step.data for step in run.steps.filter(type="tool_result").order_by("seq")]
    filled, refused, removing, *after = told[2:]
    assert (filled["ok"], filled["exit_code"]) == (True, 0)  # it could say how it ended
    assert not refused["ok"] and "disk is full" in refused["output"]
    assert removing["ok"] or "no room" in removing["output"]
    assert all(data["ok"] for data in (*told[:2], *after[1:])), told
    assert (run.state, versions.read(run.version, "index.html").decode()) == (Run.State.SUCCEEDED, page("Coffee"))
    assert not any(path.startswith(("big", "more")) for path in run.version.manifest)


@pytest.mark.sandbox
def test_it_can_still_run_a_command_where_what_commands_said_or_wrote_fills_the_disk(
    own_host: Any, model: Any, start: Any, work: Any
) -> None:
    flood = "head -c 40M /dev/zero | tr '\\0' x; echo; echo last"
    fill = "cat /dev/zero > ~/outside; for n in $(seq 500); do mkdir ~/m$n || break; done; true"
    size = "du -sm ~/.vibe/steps | cut -f1"
    model.say(
        [write(index_html=page("Tea")), wire.tool("check_app", {}), wire.tool("terminal", {"command": flood})],
        [wire.tool("terminal", {"command": size})],
        [wire.tool("terminal", {"command": "yes", "timeout": 10})],  # until the disk is full
        [wire.tool("terminal", {"command": "echo after"})],
        [wire.tool("terminal", {"command": fill})],
        [wire.tool("terminal", {"command": "rm -r ~/outside ~/m*; echo gone"})],
        [wire.tool("terminal", {"command": "echo again"})],
        [finish()],
    )
    run = work(start())
    told = [step.data for step in run.steps.filter(type="tool_result").order_by("seq")]
    flooded, sized, _, after, _, gone, again, *_ = (data["output"] for data in told[2:])
    assert flooded.rstrip().endswith("last") and int(sized.split()[-1]) <= 3
    assert "after" in after and "gone" in gone and "again" in again, told
    assert run.state == Run.State.SUCCEEDED


def test_it_holds_no_connection_of_the_pool_while_a_sandbox_is_opened(
    start: Any, settings: Any, eventually: Callable[..., Any]
) -> None:
    """However many are waited for, the other runs of the process have the database."""
    project = start().project
    pool = connection.pool  # type: ignore[attr-defined]  # of PostgreSQL's backend

    def taken() -> int:
        stats = pool.get_stats()
        return int(stats["pool_size"] - stats["pool_available"])

    connection.close()
    before = taken()  # by what another test of this process left
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        settings.E2B_API_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        failed: list[str] = []

        def opening() -> None:
            try:
                sandbox.ensure(project)
            except sandbox.SandboxUnavailable as error:
                failed.append(str(error))
            connection.close()

        openers = [threading.Thread(target=opening) for _ in range(pool.max_size + 1)]
        for opener in openers:
            opener.start()
        came = [silent.accept()[0] for _ in openers]
        connection.close()
        eventually(lambda: taken() <= before)
        for one in came:
            one.close()
    for opener in openers:
        opener.join(20)
    assert len(failed) == len(openers)
