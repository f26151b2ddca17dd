"""The bounds of a run: it ends gracefully, the work is kept, and a run that goes on knows what was done."""

import pytest

from agents import services
from agents.models import Run
from demo_model import wire
from projects import versions
from tests.agents.scripted import finish, page, types, write


def url(run):
    return f"/api/v1/runs/{run.pk}/continue/"


@pytest.mark.parametrize(
    ("name", "value", "title"),
    [
        ("RUN_MAX_TURNS", 2, "Step limit"),
        ("RUN_MAX_TOKENS", 1_500, "Token limit"),
        ("RUN_MAX_SECONDS", -1, "Time limit"),
    ],
)
def test_it_stops_at_a_limit_and_goes_on_when_it_is_asked_to(model, start, work, settings, api, name, value, title):
    setattr(settings, name, value)
    model.say([write(index_html=page("Tea"))], [wire.text("On."), wire.tool("list_files", {})], [finish()])
    run = work(start("A page about tea"))

    assert (run.state, run.reason) == (Run.State.STOPPED, "limit")
    assert run.steps.get(type="error").data["title"] == title
    assert run.steps.get(type="complete").data["can_continue"]
    if name == "RUN_MAX_SECONDS":  # it never got as far as a turn
        assert (run.version, model.requests) == (None, [])
        return
    assert versions.read(run.version, "index.html").decode() == page("Tea")
    assert run.reply.text.endswith(" What was built so far is kept.")

    setattr(settings, name, 1_000_000)
    model.script = [[write(more_html=page("More"))], [finish("All done.")]]
    before = len(model.requests)
    answer = api(run.project.owner).post(url(run))
    assert answer.status_code == 202
    second = work(Run.objects.get(pk=answer.json()["id"]))

    assert (second.state, second.follows_id, second.reply.text) == (Run.State.SUCCEEDED, run.pk, "All done.")
    told = str(model.requests[before]["messages"][-1])
    assert "A page about tea" in told and "index.html (changed)" in told and "Go on with what is open" in told


def test_it_says_at_a_limit_that_nothing_could_be_saved(model, start, work, settings):
    settings.RUN_MAX_TURNS = 1
    model.say([write(index_html=page("Tea")), wire.tool("terminal", {"command": "head -c 70M /dev/urandom > big"})])
    run = work(start())

    assert (run.state, run.reason, run.version) == (Run.State.STOPPED, "limit", None)
    told = run.steps.get(type="error").data
    assert told["title"] == "Step limit" and "60 MB" in told["detail"] and "smaller files" in told["next"]
    assert "Nothing that this run built is saved" in run.reply.text and "is kept" not in run.reply.text


def test_it_remembers_the_request_however_often_it_goes_on(model, start, work, settings):
    settings.RUN_MAX_TURNS = 1
    run = start("A page about tea")
    for number in range(3):
        model.script = [[write(**{f"p{number}_html": page(str(number))})]]
        run = work(run)
        assert run.state == Run.State.STOPPED
        run = services.continue_run(run)
    settings.RUN_MAX_TURNS = 40
    model.script = [[finish()]]
    work(run)
    told = str(model.requests[-1]["messages"][-1])
    assert "A page about tea" in told
    assert all(f"p{number}.html (created)" in told for number in range(3))


def test_it_goes_on_only_from_a_run_that_stopped(model, start, work, api):
    run = start()
    client = api(run.project.owner)
    assert client.post(url(run)).status_code == 409
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)
    assert client.post(url(run)).status_code == 409
    assert run.project.runs.count() == 1


def test_it_hides_other_peoples_runs(start, api, django_user_model):
    stranger = api(django_user_model.objects.create_user("bob@example.com", None))
    assert stranger.post(url(start())).status_code == 404


def test_it_is_bounded_whatever_the_model_does(model, start, work, settings):
    """Many calls in one turn, a call over and over, and megabytes in one (what an answer may have: llm/streams.py)."""
    settings.RUN_MAX_TURNS = 6
    flood = [wire.tool("list_files", {"path": f"d{number}"}) for number in range(80)]
    huge = wire.tool("write_files", {"files": [{"path": "big.txt", "content": "x" * 2_000_000}]})
    same = [wire.tool("list_files", {}) for _ in range(30)]
    model.say([write(index_html=page("Tea"))], [huge], flood, same)
    run = work(start())

    assert run.state == Run.State.FAILED and run.reason == "same_call"
    refused = [step.record["content"] for step in run.steps.filter(type="tool_result") if step.record["is_error"]]
    assert sum("one turn has at most 50 calls" in text for text in refused) == 30
    assert any("this very call was made" in text for text in refused)
    assert run.version is not None and run.cost == 0


def test_it_takes_odd_calls_for_what_they_are(model, start, work):
    twice = [
        wire.tool("edit_file", {"path": "a.txt", "edits": [{"search": "one", "replace": "1"}]}),
        wire.tool("edit_file", {"path": "a.txt", "edits": [{"search": "two", "replace": "2"}]}),
    ]
    odd = [
        wire.tool("launch_missiles", {"now": True}),
        wire.tool("write_files", {}),
        wire.tool("read_files", {"paths": ["a.txt"], "project": "another", "sandbox_id": "x"}),
        wire.tool("finish", {}),
        wire.tool("read_files", {"paths": [{"path": "a.txt", "from": 0}]}),
    ]
    model.say([write(a_txt="one two\n")], twice, odd, [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "a.txt") == b"1 2\n"
    results = [step.record for step in run.steps.filter(type="tool_result").order_by("seq")][3:8]
    assert all(result["is_error"] for result in results)
    assert types(run.project)[-1] == "complete"
