"""ask_user: the run waits without a worker, goes on with the answer, and can be stopped with its work kept."""

from datetime import timedelta

import pytest
from django.db.models import F

from agents import runs, services
from agents.events import render
from agents.models import Run, Step
from demo_model import wire
from projects.services import add_message
from tests.agents.scripted import finish, page, types, write
from usage.services import account_of


@pytest.fixture
def waiting(model, start, work):
    """A run that wrote a file and then asked."""
    ask = wire.tool("ask_user", {"question": "Which colour?", "options": ["Green", "Red"]})
    model.say([write(index_html=page("Tea"))], [ask])
    return work(start())


def test_it_waits_holding_nobody(waiting):
    assert waiting.state == Run.State.WAITING
    assert waiting.lease_until is None
    question = waiting.steps.get(type="tool_call", data__name="ask_user").data
    assert (question["question"], question["options"]) == ("Which colour?", ["Green", "Red"])
    assert waiting.steps.filter(type="state").last().data["state"] == "waiting"


def test_it_goes_on_with_the_answer(model, waiting, work):
    model.say([finish("Green it is.")])
    same = services.start_run(waiting.project, "Green")
    run = work(waiting)

    assert same.pk == waiting.pk
    assert run.state == Run.State.SUCCEEDED
    result = model.requests[2]["messages"][-1]["content"][0]
    assert (result["type"], result["content"]) == ("tool_result", "Green")
    states = [step.data["state"] for step in run.steps.filter(type="state")]
    assert states == ["queued", "running", "waiting", "queued", "running", "succeeded"]
    assert waiting.project.runs.count() == 1


def test_it_counts_the_time_at_work_and_not_what_the_answer_took(model, waiting, work):
    waiting.steps.update(at=F("at") - timedelta(minutes=10))
    Run.objects.filter(pk=waiting.pk).update(started=F("started") - timedelta(minutes=10))
    model.say([finish("Green it is.")])
    services.start_run(waiting.project, "Green")
    told = work(waiting).steps.get(type="complete").data
    assert 0 < told["seconds"] < 300


def test_it_says_long_times_in_minutes(waiting):
    def card(seconds):
        data = {"state": "succeeded", "version": 1, "seconds": seconds, "mode": "build", "checks": {}}
        return render(Step(run=waiting, project=waiting.project, type="complete", data=data))

    assert ">120 s<" in card(120.2) and ">2 min 33 s<" in card(153.4) and " s<" not in card(0.2)


def test_it_takes_one_answer_only(model, waiting, work):
    services.start_run(waiting.project, "Green")
    second = services.start_run(waiting.project, "And add a footer")
    assert second.pk != waiting.pk
    assert second.state == Run.State.QUEUED


def test_it_takes_no_run_that_goes_on_from_another_for_the_answer(model, waiting):
    said = add_message(waiting.project, "user", "Add a menu")
    failed = Run.objects.create(project=waiting.project, message=said, model="vibe-m", state=Run.State.FAILED)
    made = services.continue_run(failed)
    waiting.refresh_from_db()
    assert made.follows == failed and waiting.state == Run.State.WAITING


def test_it_takes_no_message_that_is_sent_once_more_for_the_answer(model, waiting, work, api):
    said = add_message(waiting.project, "user", "Add a menu")
    failed = Run.objects.create(project=waiting.project, message=said, model="vibe-m", state=Run.State.FAILED)
    client = api(waiting.project.owner)
    answer = client.post(f"/api/v1/runs/{failed.pk}/retry/")
    assert answer.status_code == 202 and answer.json()["id"] not in (str(waiting.pk), str(failed.pk))
    made = Run.objects.get(pk=answer.json()["id"])
    assert (made.state, made.message.text) == (Run.State.QUEUED, "Add a menu")
    waiting.refresh_from_db()
    assert waiting.state == Run.State.WAITING and not waiting.steps.filter(data__has_key="answers").exists()

    model.say([finish("Green it is.")])
    client.post(f"/api/v1/projects/{waiting.project_id}/messages/", {"text": "Green"})
    assert work(waiting).state == Run.State.SUCCEEDED
    assert model.requests[2]["messages"][-1]["content"][0]["content"] == "Green"


def test_it_keeps_the_work_when_it_is_stopped_while_it_waits(model, waiting, work):
    services.cancel_run(waiting)
    run = work(waiting)

    assert run.state == Run.State.CANCELLED
    assert "index.html" in run.version.manifest
    assert len(model.requests) == 2
    assert types(run.project)[-1] == "complete"
    assert account_of(run.project.owner).reserved == 0


def test_it_ends_when_it_is_stopped_just_as_it_asks(model, start, work, monkeypatch):
    append = runs.append_all

    def stopped(fence, steps, *more):
        stop = append(fence, steps, *more)
        if any(step.type == "tool_call" and step.data["name"] == "ask_user" for step in steps):
            services.cancel_run(Run.objects.get(pk=fence.run_id))
        return stop

    monkeypatch.setattr(runs, "append_all", stopped)
    model.say([write(index_html=page("Tea"))], [wire.tool("ask_user", {"question": "Which colour?"})])
    run = work(start())

    assert (run.state, run.version.number) == (Run.State.CANCELLED, 1)
    assert not run.steps.filter(type="state", data__state="waiting").exists()
    assert account_of(run.project.owner).reserved == 0


def test_it_ends_at_a_stop_that_comes_again(waiting, work, api):
    """A worker of the version before left it waiting although its user had asked to stop."""
    Run.objects.update(cancel_requested=True)
    assert api(waiting.project.owner).post(f"/api/v1/runs/{waiting.pk}/cancel/").status_code == 202
    assert work(waiting).state == Run.State.CANCELLED


def test_it_cannot_wait_in_ask_mode(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    project = work(start()).project
    model.say([wire.tool("ask_user", {"question": "Which?"})], [wire.text("Both.")])
    run = work(services.start_run(project, "Which is it?", mode="ask"))
    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Both.")
