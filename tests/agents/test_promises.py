"""Promises: what each request made true is kept, checked again by later runs, and shown; what regressed is mended."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from agents import browser, prompts, services
from agents.events import render
from agents.models import Run
from demo_model import wire
from projects import briefing, promises, versions
from projects import services as projects
from projects.models import Promise
from tests.agents.scripted import finish, page, write
from tests.agents.test_taking_over import work_until

look = browser.available
seeing = pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")


@pytest.fixture
def eyes(model, monkeypatch):
    """The platform looks with a real browser."""
    monkeypatch.setattr(browser, "available", look)


def tea(*words: str) -> wire.Block:
    return write(index_html=page("Tea").replace("</html>", "".join(f"<p>{word}</p>" for word in words) + "</html>"))


def promise(text: str, path: str = "/") -> dict[str, str]:
    return {"says": f"The page lists {text}", "path": path, "text": text}


def done(*texts: str, **more: object) -> wire.Block:
    return wire.tool("finish", {"summary": "Done.", "expects": [promise(text) for text in texts], **more})


def told(run: Run) -> Any:
    return run.steps.get(type="complete").data


def check(run: Run) -> Any:
    """The run's newest look at promises."""
    return list(run.steps.filter(type="check", data__name="promises").order_by("seq"))[-1].data


@pytest.fixture
def first(eyes, model, start, work):
    """A project whose first run promised two things."""
    model.say([tea("Earl Grey", "Assam")], [done("earl  grey", "Assam")])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    return run


def kept(project):
    return [(one["text"], one["holds"], one["checked"]) for one in promises.listed(project)]


@seeing
def test_it_keeps_what_was_promised_and_checks_it_again(first, model, work):
    assert kept(first.project) == [("earl grey", True, 1), ("Assam", True, 1)]
    assert first.version.verdict["promises"] is True
    assert told(first)["promises"]["new"] == 2
    model.say([tea("Earl Grey", "Assam", "Sencha")], [done("Sencha")])
    run = work(services.start_run(first.project, "Add Sencha"))
    assert "The page lists Assam On / stands: Assam" in str(model.requests[2]["messages"])
    assert kept(first.project) == [("earl grey", True, 2), ("Assam", True, 2), ("Sencha", True, 2)]
    assert [one.version for one in Promise.objects.all()] == [1, 1, 2]
    facts = told(run)["promises"]
    assert (facts["held"], facts["of"], facts["broken"], facts["new"]) == (2, 2, [], 1)
    assert "2 of 2 earlier promises still hold" in render(run.steps.get(type="complete"))
    assert len(model.requests) == 4


@seeing
def test_it_finds_what_regressed_and_has_it_mended(first, model, work):
    model.say([tea("Earl Grey")], [finish()], [tea("Earl Grey", "Assam", "More")], [finish("Mended.")])
    run = work(services.start_run(first.project, "Make it shorter"))
    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Mended.")
    failed, passed = run.steps.filter(type="check", data__name="promises").order_by("seq")
    assert (failed.data["ok"], passed.data["ok"]) == (False, True)
    said = str(model.requests[4]["messages"][-1])
    assert "True before, and not any more" in said and "The page lists Assam" in said and "as outdated instead" in said
    assert "earl" not in failed.data["output"].split("Still true")[0]
    assert kept(first.project) == [("earl grey", True, 2), ("Assam", True, 2)]
    assert run.cost == sum(step.data["cost"] for step in list(run.steps.filter(type="reply"))[:2])


@seeing
def test_it_ends_red_when_nothing_mends_it_and_blames_no_later_run(first, model, work):
    model.say([tea("Earl Grey")], [finish()], [finish("I see nothing wrong.")])
    run = work(services.start_run(first.project, "Make it shorter"))
    assert (run.state, run.reason) == (Run.State.FAILED, "same_error")
    assert run.version.verdict["promises"] is False and not run.version.works
    assert kept(first.project) == [("earl grey", True, 2), ("Assam", False, 2)]
    assert told(run)["promises"]["broken"] == ["The page lists Assam"]
    assert "The page lists Assam" in render(run.steps.get(type="complete"))
    assert "not true now" in prompts.promised(first.project)
    model.say([tea("Earl Grey", "More")], [finish()])
    later = work(services.start_run(first.project, "Add more"))
    assert (later.state, check(later)["ok"]) == (Run.State.SUCCEEDED, False)
    assert not later.steps.filter(type="stage", data__stage="fix").exists() and len(model.requests) == 7
    assert later.version.verdict["promises"] is False and not later.version.works
    assert (told(later)["promises"]["held"], told(later)["promises"]["of"]) == (1, 2)


@seeing
def test_it_takes_back_what_a_request_made_untrue_on_purpose(first, model, work):
    [_, assam] = Promise.objects.all()
    model.say([tea("Earl Grey", "Ceylon")], [done("Ceylon", outdated=[assam.pk, 10**9])])
    run = work(services.start_run(first.project, "Ceylon instead of Assam"))
    assert run.state == Run.State.SUCCEEDED
    assert kept(first.project) == [("earl grey", True, 2), ("Ceylon", True, 2)]
    assert told(run)["promises"]["retired"] == ["The page lists Assam"]
    assert "The page lists Assam" in render(run.steps.get(type="complete"))


@seeing
def test_it_lets_the_model_take_it_back_when_the_check_says_so(first, model, work):
    assam = Promise.objects.get(text="Assam").pk
    again = wire.tool("finish", {"summary": "On purpose.", "outdated": [assam]})
    model.say([tea("Earl Grey")], [finish()], [again])
    run = work(services.start_run(first.project, "No Assam"))
    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 5)
    assert kept(first.project) == [("earl grey", True, 2)]


@seeing
def test_it_takes_back_nothing_for_a_run_that_did_not_work(first, model, work):
    assam = Promise.objects.get(text="Assam").pk
    broken = write(index_html="<title>x</title><script>tea.name</script>")
    over = wire.tool("finish", {"summary": "x", "outdated": [assam], "expects": [promise("x")]})
    model.say([broken], [over], [finish("No.")])
    run = work(services.start_run(first.project, "No Assam"))
    assert run.state == Run.State.FAILED
    assert [(text, holds) for text, holds, _ in kept(first.project)] == [("earl grey", True), ("Assam", True)]


@seeing
def test_it_believes_no_check_of_files_that_were_changed_after_it(first, model, work, settings):
    settings.RUN_MAX_TURNS = 3
    model.say([tea("Earl Grey")], [finish()], [tea("Earl Grey", "Assam", "Half of it")])
    run = work(services.start_run(first.project, "Make it shorter"))
    assert (run.state, run.version.number, check(run)["ok"]) == (Run.State.STOPPED, 2, False)
    assert kept(first.project) == [("earl grey", True, 1), ("Assam", True, 1)]
    assert told(run)["promises"]["broken"] == []


@seeing
def test_it_takes_back_nothing_of_another_project(first, model, start, work):
    number = Promise.objects.get(text="Assam").pk
    model.say([tea("Sencha")], [done("Sencha", outdated=[number])])
    other = work(start("Another page"))
    assert other.project != first.project
    assert kept(first.project) == [("earl grey", True, 1), ("Assam", True, 1)]


@seeing
def test_it_does_not_know_what_stands_where_it_did_not_read(eyes, model, start, work):
    model.say([tea("word " * 5_000, "Assam")], [done("Assam")])
    run = work(start())
    assert (kept(run.project), told(run)["doubts"]) == ([("Assam", None, None)], [])


@seeing
def test_it_takes_a_new_statement_that_is_not_so_for_a_doubt(eyes, model, start, work):
    model.say([tea("Assam")], [done("Assam", "Champagne")])
    run = work(start())
    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 2)
    assert kept(run.project) == [("Assam", True, 1)]
    assert told(run)["doubts"] == ["Said, but not seen on /: “Champagne”."]


@seeing
def test_it_looks_at_two_more_pages_and_knows_nothing_of_the_rest(eyes, model, start, work):
    files = {f"{name}.html": page(name) for name in ("one", "two", "three")}
    named = wire.tool("write_files", {"files": [{"path": path, "content": text} for path, text in files.items()]})
    expects = [promise(name, f"/{name}.html") for name in ("one", "two", "three")]
    model.say([tea("Assam"), named], [wire.tool("finish", {"summary": "x", "expects": expects})])
    run = work(start())
    assert kept(run.project) == [("one", True, 1), ("two", True, 1), ("three", None, None)]
    model.say([tea("Ceylon")], [finish()])
    run = work(services.start_run(run.project, "Ceylon"))
    assert kept(run.project) == [("one", True, 2), ("two", True, 1), ("three", True, 2)]
    card = render(run.steps.get(type="complete"))
    assert "1 not checked" in card and "<li>2 of 3 earlier promises still hold, 1 not checked</li>" in card
    assert (check(run)["title"], "promises" in run.version.verdict) == ("Promises kept, 1 not checked", False)


@seeing
def test_it_keeps_no_promise_that_is_known_to_be_broken_on_a_page_that_was_not_looked_at(first, model, work):
    for name in ("one", "two", "three"):
        briefing.promise(first.project, name, f"/{name}.html", name)
    Promise.objects.filter(says="one").update(held=False, checked=1)
    model.say([tea("Earl Grey", "Assam", "More")], [finish()])
    run = work(services.start_run(first.project, "Add more"))
    assert check(run)["ok"] is False and run.version.verdict["promises"] is False


@seeing
def test_it_says_what_is_not_so_after_an_edit_by_hand_and_mends_nothing(first, model, work):
    versions.save_file(first.project, "index.html", page("Tea").encode())
    model.say([tea("Sencha")], [finish()])
    run = work(services.start_run(first.project, "Add Sencha"))
    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 4)
    assert run.version.verdict["promises"] is False
    assert "0 of 2 earlier promises still hold" in render(run.steps.get(type="complete"))
    assert "Promises kept" not in str(model.requests[3]["messages"])


def test_it_says_that_nothing_was_checked_where_there_is_no_browser(model, start, work):
    model.say([tea("Assam")], [done("Assam", "Champagne")])
    run = work(start())
    assert kept(run.project) == [("Assam", None, None), ("Champagne", None, None)]
    assert told(run)["doubts"] == [] and "promises" not in run.version.verdict
    model.say([tea("Ceylon")], [finish()])
    run = work(services.start_run(run.project, "Ceylon"))
    assert (run.state, kept(run.project)[0]) == (Run.State.SUCCEEDED, ("Assam", None, None))
    assert "2 earlier promises not checked" in " ".join(render(run.steps.get(type="complete")).split())


NO_STATEMENTS: list[dict[str, Any]] = [
    {"expects": [promise("x")] * 6},
    {"expects": [{"says": "x" * 121, "text": "x"}]},
    {"expects": [{"says": "x", "text": "x" * 81}]},
    {"expects": [{"says": "x"}]},
    {"expects": [{"says": "x", "text": "x", "more": 1}]},
    {"expects": [promise("a\x00b")]},
    {"expects": [promise("a\x1bb")]},
    {"expects": [promise("\u202e \U000e0041")]},
    {"expects": [promise("  ")]},
    *({"expects": [promise("x", path)]} for path in ("", "menu", "//evil.example", "/../x", "/a/..", "/?to=//x")),
    *({"expects": [promise("x", path)]} for path in ("https://a.b/", "/\\a", "/a b", "/%2e%2e", "/a\n", "/" * 201)),
    {"expects": "all"},
    {"outdated": [0]},
    {"outdated": ["1"]},
    {"outdated": [True]},
    {"outdated": [2**64]},
    {"outdated": list(range(1, 42))},
]


def test_it_refuses_statements_that_are_none(model, start, work):
    tries = [[wire.tool("finish", {"summary": "x", **more})] for more in NO_STATEMENTS]
    model.say([tea("Assam")], *tries, [done("Assam")])
    run = work(start())
    refused = [run.steps.get(type="tool_result", key=f"{2 + turn}.0") for turn in range(len(tries))]
    for more, step in zip(NO_STATEMENTS, refused, strict=True):
        assert not step.data["ok"] and step.record["is_error"] and len(step.record["content"]) > 20, more
    assert run.state == Run.State.SUCCEEDED
    assert [one[0] for one in kept(run.project)] == ["Assam"]


def test_it_keeps_forty_and_drops_the_oldest_of_the_runs(model, start, work):
    run = start()
    for number in range(promises.MAX_PROMISES):
        briefing.promise(run.project, "By hand" if number == 0 else "Old", "/", f"old {number}")
    Promise.objects.exclude(says="By hand").update(version=1)
    model.say([tea("Assam")], [done("Assam", "Ceylon", "ceylon ", "OLD 5")])
    run = work(run)
    texts = [one[0] for one in kept(run.project)]
    assert len(texts) == promises.MAX_PROMISES
    assert texts[:2] == ["old 0", "old 3"] and texts[-2:] == ["Assam", "Ceylon"]


POINTS = [("tool_result", True), ("check", True), ("check", False), ("version", True), ("complete", True)]


@seeing
@pytest.mark.parametrize(("type", "before"), POINTS)
def test_it_decides_the_same_wherever_the_worker_died(eyes, model, start, work, monkeypatch, type, before):
    def turn(request):
        answered = sum(message["role"] == "assistant" for message in request["messages"])
        return [tea("Assam")] if answered == 0 else [done("Assam", "Champagne")]

    model.say(*[turn] * 4)
    run = start()
    key = {"check": "promises-0", "tool_result": "2.0", "complete": "complete"}.get(type, "")
    work_until(run, monkeypatch, type, before=before, key=key)
    run = work(run)
    assert run.state == Run.State.SUCCEEDED
    assert kept(run.project) == [("Assam", True, 1)]
    assert told(run)["doubts"] == ["Said, but not seen on /: “Champagne”."]
    assert run.steps.filter(type="check", data__name="promises").count() == 1


def go_back(api, project, number: int) -> None:
    answer = api(project.owner).post(f"/api/v1/projects/{project.pk}/versions/{number}/restore/")
    assert answer.status_code == 201


@seeing
def test_it_goes_back_with_the_files_and_comes_again(first, model, work, api):
    project, assam = first.project, Promise.objects.get(text="Assam")
    model.say([tea("Earl Grey", "Sencha")], [done("Sencha", outdated=[assam.pk])])
    work(services.start_run(project, "Sencha instead of Assam"))
    go_back(api, project, 1)
    assert kept(project) == [("earl grey", True, 3), ("Assam", True, 3)]
    model.say([tea("Earl Grey", "Assam", "Mate")], [done("Mate")])
    run = work(services.start_run(project, "Add Mate"))
    facts = told(run)["promises"]
    assert (facts["held"], facts["of"], facts["broken"]) == (2, 2, [])
    go_back(api, project, 2)
    assert kept(project) == [("earl grey", True, 5), ("Sencha", True, 5)]
    go_back(api, project, 4)
    assert kept(project) == [("earl grey", True, 6), ("Assam", True, 6), ("Mate", True, 6)]


@seeing
def test_it_goes_back_and_keeps_what_a_person_wrote_down_since(first, api):
    versions.save_file(first.project, "index.html", page("Tea").encode())
    briefing.promise(first.project, "My own", "/", "Mine")
    go_back(api, first.project, 1)
    assert kept(first.project) == [("earl grey", True, 3), ("Assam", True, 3), ("Mine", None, None)]


@seeing
def test_it_forgets_what_it_saw_when_a_person_edits(first):
    versions.save_file(first.project, "index.html", page("Tea").encode())
    assert [one[1] for one in kept(first.project)] == [None, None]


@seeing
def test_it_belongs_to_a_version_from_before_that_was_noted(first, model, work, api):
    model.say([tea("Earl Grey", "Assam", "Sencha")], [done("Sencha")])
    work(services.start_run(first.project, "Add Sencha"))
    first.project.versions.update(promised=None)
    go_back(api, first.project, 1)
    assert kept(first.project) == [("earl grey", None, None), ("Assam", None, None)]


@seeing
def test_it_goes_with_a_copy_of_the_files(first, bob):
    briefing.promise(first.project, "My own", "/", "Mine")
    copy = projects.duplicate(first.project)
    assert kept(copy) == [("earl grey", True, 1), ("Assam", True, 1), ("Mine", None, None)]
    other = projects.copy_version(first.version, bob, "Other")
    assert kept(other) == [("earl grey", True, 1), ("Assam", True, 1)]
    Promise.objects.filter(text="Assam").update(aside=True)
    versions.save_file(first.project, "index.html", b"<h1>Other</h1>")
    assert kept(projects.copy_version(first.version, bob, "Other")) == [("earl grey", True, 1), ("Assam", True, 1)]
    assert kept(projects.duplicate(first.project)) == [("earl grey", None, None), ("Mine", None, None)]


@pytest.mark.django_db
def test_the_database_knows_no_answer_without_a_look(project):
    with pytest.raises(IntegrityError), transaction.atomic():
        Promise.objects.create(project=project, says="x", text="x", held=True)
    assert connection.is_usable()
