"""Files that the agent named as those it will change: no tool changes another; what a command did is told."""

import pytest

from agents.claims import undeclared
from agents.models import Run
from agents.tools import BY_MODE
from demo_model import wire
from projects import briefing, versions
from tests.agents.scripted import finish, page, write


def declare(*files, why="They hold the words."):
    return wire.tool("declare_files", {"files": list(files), "why": why})


def results(run):
    return [step.record for step in run.steps.filter(type="tool_result").order_by("seq")]


def test_it_refuses_every_tool_that_would_change_another(model, start, work):
    edit = {"path": "styles.css", "edits": [{"search": "body", "replace": "main"}]}
    model.say(
        [write(styles_css="body {}\n", old_html="<p>Old\n")],
        [
            declare("index.html", "menu/*.html"),
            write(index_html=page("Tea")),
            write(about_html=page("About")),
            wire.tool("edit_file", edit),
            wire.tool("delete_files", {"paths": ["old.html"]}),
            wire.tool("write_files", {"files": [{"path": "menu/green.html", "content": page("Green")}]}),
            wire.tool("write_files", {"files": [{"path": "menu/deep/a.html", "content": page("A")}]}),
        ],
        [finish()],
    )
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    assert [one["is_error"] for one in results(run)] == [False, False, False, True, True, True, False, True, False]
    refused = [one["content"] for one in results(run) if one["is_error"]]
    assert all("is not among the files that you named for this request (index.html, menu/*.html)" in r for r in refused)
    assert versions.read(run.version, "styles.css") == b"body {}\n"
    assert {"old.html", "menu/green.html"} <= set(run.version.manifest)
    assert not {"about.html", "menu/deep/a.html"} & set(run.version.manifest)


def test_it_takes_more_with_a_reason_that_the_person_sees(model, start, work):
    why = "The colours stand there."
    model.say(
        [declare("index.html"), write(styles_css="body {}\n")],
        [declare("styles.css", why=why), write(styles_css="body {}\n", index_html=page("Tea"))],
        [finish()],
    )
    run = work(start())
    assert [one["is_error"] for one in results(run)] == [False, True, False, False, False]
    card = run.steps.filter(type="tool_result", data__name="declare_files").last().data
    assert (card["title"], card["summary"], card["scope"]) == ("Will change styles.css", why, ["styles.css"])
    assert "styles.css" in run.version.manifest


def test_it_refuses_nothing_where_none_were_named(model, start, work):
    model.say([write(index_html=page("Tea"), styles_css="body {}\n")], [finish()])
    run = work(start())
    assert not any(one["is_error"] for one in results(run))
    assert run.steps.get(type="complete").data["doubts"] == []


@pytest.mark.parametrize("name", ["**", "*/*", "*.*", "[!x]*", "**/[a-z]*"])
def test_it_does_not_take_every_file(model, start, work, name):
    model.say([declare("index.html", name), write(about_html=page("About"))], [finish()])
    refused, written, _ = results(work(start()))
    assert f"{name} is every file" in refused["content"] and not written["is_error"], "nothing was named"


@pytest.mark.parametrize("name", ["../x", "", "a\\b", "/etc/passwd/../x"])
def test_it_refuses_names_that_lead_elsewhere(model, start, work, name):
    model.say([declare(name)], [write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert results(run)[0]["is_error"] and run.state == Run.State.SUCCEEDED


def test_it_takes_names_as_the_other_tools_do(model, start, work):
    route = {"files": [{"path": "src/[id]/page.html", "content": page("One")}]}
    named = declare("/home/user/app/index.html", "./menu/", "src/[id]/page.html")
    model.say([named, write(index_html=page("Tea")), wire.tool("write_files", route)], [finish()])
    run = work(start())
    assert not any(one["is_error"] for one in results(run))
    assert run.steps.get(type="tool_result", data__name="declare_files").data["scope"] == [
        "index.html", "menu", "src/[id]/page.html"
    ]  # fmt: skip


def test_it_takes_no_endless_list(model, start, work):
    many = [declare(*(f"{number}/{name}" for name in range(50))) for number in range(6)]
    model.say([*many, write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert [one["is_error"] for one in results(run)] == [*[False] * 4, True, True, True, False]
    assert "at most 200 names" in results(run)[4]["content"]
    assert max(len(one["content"]) for one in results(run)) < 2_000


def test_it_says_at_once_that_one_is_locked(model, start, work):
    run = start()
    briefing.change(run.project, locked=["legal"])
    model.say([declare("legal/terms.html")], [write(index_html=page("Tea"))], [finish()])
    assert "legal/terms.html is locked by the owner (legal)" in results(work(run))[0]["content"]


def test_it_tells_what_a_command_changed_beyond_them(model, start, work):
    command = {"command": "echo x > other.txt; echo y > menu.txt"}
    model.say(
        [declare("index.html", "menu.txt"), write(index_html=page("Tea")), wire.tool("terminal", command)], [finish()]
    )
    run = work(start())
    assert run.steps.get(type="complete").data["doubts"] == ["Changed, but not named beforehand: other.txt."]
    assert undeclared(["a"], {"added": ["package.json", "package-lock.json", "a/b"]}) == [], "npm did"
    assert undeclared([], {"added": ["b"]}) == []


def test_it_is_offered_only_to_a_run_that_may_change_something():
    assert [mode for mode, tools in BY_MODE.items() if "declare_files" in tools] == ["build"]
