"""The review: a second look at what a run changed, by another model, in a form that programs read."""

import pytest

from agents import services
from agents.models import Run
from demo_model import wire
from projects import briefing
from tests.agents.scripted import Failure, finish, page, write

ISSUE = {"file": "index.html", "line": 1, "severity": "high", "problem": "No button", "evidence": "<h1>Tea</h1>"}
APPROVED = {"verdict": "approved", "issues": []}


def issues(**more):
    return {"verdict": "issues", "issues": [{**ISSUE, **more}]}


def test_it_shows_the_reviewer_the_request_the_criteria_the_checks_and_the_change(model, start, work):
    run = start("A page about tea")
    briefing.change(run.project, criteria="Every price ends in .90")
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)

    assert run.state == Run.State.SUCCEEDED
    said = str(model.asides[0]["messages"])
    for words in (
        "A page about tea",
        "Every price ends in .90",
        "Page answers: passed",
        "+<!doctype html>",
        "index.html",
    ):
        assert words in said
    assert "b/index.html" in said and "b/styles.css" not in said  # only what changed
    verdict = run.steps.get(type="review").data
    assert (verdict["verdict"], verdict["issues"], verdict["number"]) == ("approved", [], 1)
    assert run.steps.get(type="complete").data["review"]["verdict"] == "approved"


def test_it_has_serious_findings_mended_and_does_not_charge_for_that(model, start, work):
    model.answers["review"] = [issues(), APPROVED]
    model.say(
        [write(index_html=page("Tea"))], [finish()], [write(index_html=page("Tea and more"))], [finish("Mended.")]
    )
    run = work(start())

    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Mended.")
    told = str(model.requests[2]["messages"][-1])
    assert "No button" in told and "index.html:1" in told
    replies = list(run.steps.filter(type="reply"))
    assert [reply.data["round"] for reply in replies] == [0, 0, 1, 1]
    assert run.cost == sum(reply.data["cost"] for reply in replies[:2])
    assert [step.data["verdict"] for step in run.steps.filter(type="review")] == ["issues", "approved"]
    assert [step.data["round"] for step in run.steps.filter(type="check", data__name="page")] == [0, 1]
    fix = [step.data for step in run.steps.filter(type="stage") if step.data["stage"] == "fix"]
    assert [step["cause"] for step in fix] == ["review"]


def test_it_notes_small_things_without_another_round(model, start, work):
    model.answers["review"] = [issues(severity="low")]
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    verdict = run.steps.get(type="review").data
    assert (verdict["verdict"], len(verdict["issues"])) == ("approved", 1)
    assert len(model.requests) == 2


def test_it_ends_after_two_rounds_and_says_what_is_left(model, start, work):
    model.answers["review"] = [issues()]
    turns = [[write(index_html=page(f"Tea {number}"))] for number in range(3)]
    model.say(turns[0], [finish()], turns[1], [finish()], turns[2], [finish("As good as it gets.")])
    run = work(start())

    assert (run.state, len(model.asides)) == (Run.State.SUCCEEDED, 2)
    left = run.steps.get(type="complete").data["review"]
    assert (left["verdict"], left["issues"][0]["problem"]) == ("issues", "No button")


@pytest.mark.parametrize(
    "answer", [Failure(400), [wire.text("Looks good!")], {"verdict": "fine"}], ids=["400", "text", "x"]
)
def test_it_takes_no_answer_for_neither_a_yes_nor_a_failure(model, start, work, answer):
    model.answers["review"] = [answer]
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert run.steps.get(type="review").data["verdict"] == "none"


def test_it_is_left_out_where_there_is_nothing_to_review(model, start, work):
    model.say([wire.text("There is nothing to do.")])
    first = work(start())
    model.say([wire.text("It is about tea.")])
    work(services.start_run(first.project, "What is it about?", mode="ask"))
    briefing.change(first.project, review=False)
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(services.start_run(first.project, "Do it"))

    assert model.asides == []
    assert run.state == Run.State.SUCCEEDED and run.version.works
    assert not run.steps.filter(type="review").exists()
