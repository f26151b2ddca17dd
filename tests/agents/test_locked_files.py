"""Locked files: no tool changes them, whatever way it takes; the model is told, the version keeps them."""

import pytest
from django.db import connection

from agents import services
from agents.models import Run
from demo_model import wire
from projects import briefing, versions
from tests.agents.scripted import finish, page, write

LEGAL = "<p>Terms</p>\n" * 3


@pytest.fixture
def locked(model, start, work):
    """A project with a version, in which legal/ is locked."""
    model.say(
        [wire.tool("write_files", {"files": [{"path": "legal/terms.html", "content": LEGAL}]})],
        [write(index_html=page("Tea"))],
        [finish()],
    )
    run = work(start())
    briefing.change(run.project, locked=["legal", "*.lock"])
    return run.project


def test_it_refuses_every_tool_that_writes(locked, model, work):
    file = {"path": "legal/terms.html"}
    model.say(
        [
            wire.tool("write_files", {"files": [{**file, "content": "mine"}, {"path": "a.txt", "content": "a"}]}),
            wire.tool("write_files", {"files": [{"path": "legal/new.html", "content": "mine"}]}),
            wire.tool("edit_file", {**file, "edits": [{"search": "Terms", "replace": "Mine"}]}),
            wire.tool("delete_files", {"paths": ["legal/terms.html"]}),
            wire.tool("read_files", {"paths": ["legal/terms.html"]}),
        ],
        [write(index_html=page("Green"))],
        [finish()],
    )
    run = work(services.start_run(locked, "Change the terms"))

    results = [step.record for step in run.steps.filter(type="tool_result").order_by("seq")][:5]
    assert [result["is_error"] for result in results] == [True, True, True, True, False]
    assert all("locked by the owner (legal)" in result["content"] for result in results[:4])
    assert versions.read(run.version, "legal/terms.html").decode() == LEGAL
    assert set(run.version.manifest) & {"a.txt", "legal/new.html"} == set()
    assert "Locked files, not to be changed: legal, *.lock" in str(model.requests[3]["messages"])


def test_it_puts_back_what_a_command_changed_and_says_so(locked, model, work):
    command = "echo mine > legal/terms.html; echo x > legal/more.html; echo y > free.txt; touch deep.lock"
    model.say(
        [wire.tool("terminal", {"command": command})],
        [wire.tool("terminal", {"command": "cat legal/*; rm -r legal"})],
        [finish()],
    )
    run = work(services.start_run(locked, "Change the terms"))

    first, second = [step.record["content"] for step in run.steps.filter(type="tool_result").order_by("seq")][:2]
    assert "deep.lock, legal/more.html, legal/terms.html was put back" in first
    assert "Terms" in second and "mine" not in second
    assert "legal/terms.html was put back" in second
    assert versions.read(run.version, "legal/terms.html").decode() == LEGAL
    assert "free.txt" in run.version.manifest
    assert not {"legal/more.html", "deep.lock"} & set(run.version.manifest)


def test_it_adds_no_package_where_the_list_of_them_is_locked(locked, model, work):
    briefing.change(locked, locked=["package.json"])
    model.say([wire.tool("add_packages", {"packages": ["left-pad"]})], [wire.text("It cannot be done.")])
    run = work(services.start_run(locked, "Pad it"))
    assert "package.json is locked by the owner" in run.steps.get(type="tool_result").record["content"]


def test_it_saves_them_as_they_were_however_late_they_are_changed(locked, model, work):
    slow = "while sleep 0.2; do echo mine > legal/terms.html; done"
    model.say(
        [wire.tool("terminal", {"command": slow, "background": True, "timeout": 200})],
        [write(index_html=page("Green"))],
        [finish()],
    )
    run = work(services.start_run(locked, "Change the terms"))
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "legal/terms.html").decode() == LEGAL
    assert versions.read(run.version, "index.html").decode() == page("Green")


def test_it_locks_from_the_moment_the_owner_says_so(locked, model, work):
    def turn(request):
        briefing.change(locked, locked=["index.html"])
        connection.close()  # this thread's
        return [write(index_html=page("Green"))]

    model.say(turn, [finish()])
    run = work(services.start_run(locked, "Make it green"))
    assert run.version is None
    assert "locked by the owner" in run.steps.filter(type="tool_result").first().record["content"]
