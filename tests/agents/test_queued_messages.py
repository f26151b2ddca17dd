"""Messages that wait behind a run can be changed and taken back, and stand in the chat where their run begins."""

import pytest

from agents import runs, services
from agents.api import run_state
from agents.models import Run, Step
from agents.views import workspace_context
from projects import listing
from projects.models import Project
from projects.services import BadPrompt
from tests.agents.scripted import Failure, finish, page, write
from usage.services import account_of


def cards(project):
    return [item.html_id.split("-")[0] for item in workspace_context(project)["items"]]


def test_it_works_on_the_text_as_it_was_changed(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()], [write(index_html=page("Cocoa"))], [finish()])
    first = start()
    second = services.start_run(first.project, "Now coffee")
    services.edit_queued(second, "Now cocoa")
    work(first)
    work(second)
    assert "Now cocoa" in str(model.requests[-1]["messages"]) and "Now coffee" not in str(model.requests[-1])


def test_it_refuses_to_change_what_is_being_worked_on(start):
    run = start()
    assert runs.claim(run.pk, 30)
    with pytest.raises(services.NotNow):
        services.edit_queued(run, "Something else")
    with pytest.raises(services.NotNow):
        services.drop_queued(run)
    assert Run.objects.get(pk=run.pk).message.text != "Something else"


def test_it_refuses_an_empty_text(start):
    second = services.start_run(start().project, "Now coffee")
    with pytest.raises(BadPrompt):
        services.edit_queued(second, "  ")


def test_it_forgets_what_was_dropped_and_gives_its_credits_back(start):
    first = start()
    free = account_of(first.project.owner).available
    second = services.start_run(first.project, "Now coffee")
    third = services.start_run(first.project, "Now cocoa")
    services.drop_queued(second)
    services.drop_queued(third)
    assert account_of(first.project.owner).available == free
    assert Run.objects.get(pk=second.pk).reason == Run.DROPPED
    assert workspace_context(first.project)["queue"] == []
    assert cards(first.project) == ["msg"]


def test_it_shows_what_waits_below_the_chat_and_then_where_its_run_begins(model, start, work):
    first = start()
    second = services.start_run(first.project, "Now coffee")
    third = services.start_run(first.project, "Now cocoa")
    context = workspace_context(first.project)
    assert cards(first.project) == ["msg"]
    assert [one["message"].text for one in context["queue"]] == ["Now coffee", "Now cocoa"]
    assert "Now coffee" in context["queue"][0]["card"]
    model.say([write(index_html=page("Tea"))], [finish()], [write(index_html=page("Coffee"))], [finish()])
    work(first)
    work(second)
    shown = cards(first.project)
    assert shown[0] == "msg" and shown[shown.index("done") + 1] == "msg"
    # The last is next in line: nothing stands before it any more.
    assert shown[-1] == "msg" and workspace_context(first.project)["queue"] == []
    assert Step.objects.filter(run=third, type="complete").count() == 0


def test_it_knows_the_answer_that_came_before_a_message_that_waited(model, start, work):
    model.say(
        [write(index_html=page("Tea"))], [finish("The tea page.")], [write(index_html=page("Coffee"))], [finish()]
    )
    first = start()
    second = services.start_run(first.project, "Now coffee")
    services.drop_queued(services.start_run(first.project, "Now cocoa"))
    work(first)
    work(second)
    said = [(one["role"], str(one["content"])) for one in model.requests[-1]["messages"]]
    assert [role for role, _ in said][:3] == ["user", "assistant", "user"]
    assert "The tea page." in said[1][1] and "Now coffee" in said[2][1]
    assert "Now cocoa" not in str(said)


def test_it_gives_waiting_messages_another_order(api, alice, bob, project, run):
    first, second = (services.start_run(project, text) for text in ("Add a menu", "Add a map"))
    url = f"/api/v1/projects/{project.pk}/queue/"
    order = [str(second.pk), str(run.pk), str(first.pk)]
    assert api(bob).put(url, {"runs": order}).status_code == 404
    assert api(alice).put(url, {"runs": order}).status_code == 204
    waiting = project.runs.order_by("created").values_list("pk", flat=True)
    assert [str(pk) for pk in waiting] == order
    places = [step.data["place"] for step in project.steps.filter(type="state", data__has_key="place")]
    assert places == [1, 2, 3]

    # Only those that wait, all of them: one that a worker took meanwhile is refused, and nothing moves.
    assert runs.claim(second.pk, 30)
    assert api(alice).put(url, {"runs": order}).status_code == 409
    assert api(alice).put(url, {"runs": order[2:]}).status_code == 409
    assert api(alice).put(url, {"runs": [order[2], order[1]]}).status_code == 204


def test_it_orders_what_waits_behind_the_one_that_waits_for_a_worker(api, alice, project, run):
    first, second = (services.start_run(project, text) for text in ("Add a menu", "Add a map"))
    url = f"/api/v1/projects/{project.pk}/queue/"
    assert api(alice).put(url, {"runs": [str(second.pk), str(first.pk)]}).status_code == 204
    assert list(project.runs.order_by("created")) == [run, second, first]
    assert api(alice).put(url, {"runs": [str(first.pk)]}).status_code == 409


def test_it_leaves_a_message_as_it_is_that_was_begun_and_waits_for_the_next_worker(api, alice, project, run):
    first, second = (services.start_run(project, text) for text in ("Add a menu", "Add a map"))
    fence = runs.claim(run.pk, 30)
    assert fence
    runs.hand_back(fence)
    client, queue = api(alice), f"/api/v1/projects/{project.pk}/queue/"
    assert client.patch(f"/api/v1/runs/{run.pk}/", {"text": "Something else"}).status_code == 409
    assert client.put(queue, {"runs": [str(second.pk), str(run.pk), str(first.pk)]}).status_code == 409
    assert client.put(queue, {"runs": [str(second.pk), str(first.pk)]}).status_code == 204
    waiting = project.runs.order_by("created").values_list("message__text", flat=True)
    assert list(waiting) == [run.message.text, "Add a map", "Add a menu"]


def waiting_texts(project):
    return [(one["message"].text, one["aside"]) for one in workspace_context(project)["queue"]]


def test_it_sets_aside_what_waits_behind_a_run_that_is_stopped(model, start, work):
    first = start()
    project, owner = first.project, first.project.owner
    second = services.start_run(project, "Now coffee")
    third = services.start_run(project, "Now cocoa")
    assert runs.claim(first.pk, 0)
    free = account_of(owner).available
    services.cancel_run(first)
    assert work(first).state == Run.State.CANCELLED
    assert account_of(owner).available > free
    assert not Run.objects.filter(state__in=Run.ACTIVE).exists() and not runs.claim(second.pk, 30)
    assert waiting_texts(project) == [("Now coffee", True), ("Now cocoa", True)]
    assert cards(project)[0] == "msg" and cards(project).count("msg") == 1

    # One is sent again, one is not wanted any more.
    again = services.retry_run(third)
    services.drop_queued(second)
    assert waiting_texts(project) == []
    model.say([write(index_html=page("Cocoa"))], [finish()])
    assert work(again).state == Run.State.SUCCEEDED
    assert "Now coffee" not in str(model.requests) and "Now cocoa" in str(model.requests)
    with pytest.raises(services.NotNow):
        services.drop_queued(second)


@pytest.mark.parametrize("how", ["fails", "stops at a limit"])
def test_it_sets_aside_what_waits_behind_a_run_that_does_not_come_to_its_end(model, start, work, settings, how):
    settings.RUN_MAX_TURNS = 1
    model.say(Failure(status=401) if how == "fails" else [write(index_html=page("Tea"))])
    first = start()
    project, owner = first.project, first.project.owner
    second = services.start_run(project, "Now coffee")
    held = account_of(owner).available
    assert work(first).state == (Run.State.FAILED if how == "fails" else Run.State.STOPPED)
    assert not Run.objects.filter(state__in=Run.ACTIVE).exists() and not runs.claim(second.pk, 30)
    assert waiting_texts(project) == [("Now coffee", True)]
    assert account_of(owner).available > held  # nothing is held back for it meanwhile
    # What is shown of the project is how that run ended, not that another one never began.
    first.refresh_from_db()
    assert run_state(project) == workspace_context(project)["run_state"] == first.state
    assert vars(listing.with_cards(Project.objects.all()).get())["run_state"] == first.state

    model.say([write(index_html=page("Coffee"))], [finish()])
    settings.RUN_MAX_TURNS = 40
    assert work(services.retry_run(second)).state == Run.State.SUCCEEDED
    assert waiting_texts(project) == []


def test_it_goes_on_behind_a_run_that_came_to_its_end(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    first = start()
    second = services.start_run(first.project, "Now coffee")
    assert work(first).state == Run.State.SUCCEEDED
    assert Run.objects.get(pk=second.pk).state != Run.State.CANCELLED


def test_it_lets_the_others_wait_when_one_that_waits_is_cancelled(start):
    first = start()
    second, third = (services.start_run(first.project, text) for text in ("Now coffee", "Now cocoa"))
    services.cancel_run(second)
    assert Run.objects.get(pk=third.pk).state == Run.State.QUEUED
