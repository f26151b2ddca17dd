"""Plan mode: a plan that a person edits and approves; only then is anything built."""

import pytest

from agents import plans, services
from agents.models import Run
from demo_model import wire
from projects import versions
from projects.models import Fragment
from tests.agents.scripted import finish, page, write

PLAN = {
    "title": "A page about tea",
    "summary": "You get a page.",
    "steps": ["Write index.html", "Name three teas"],
    "files": ["index.html"],
    "questions": ["Which teas?"],
}


@pytest.fixture
def planned(model, start, work):
    """A run in Plan mode that ended in a plan, in a project with one version."""
    model.say([write(index_html=page("Tea"))], [finish()])
    first = work(start())
    model.say([wire.tool("read_files", {"paths": ["index.html"]})], [wire.tool("propose_plan", PLAN)])
    return work(services.start_run(first.project, "More about tea", mode="plan"))


def url(run, tail=""):
    return f"/api/v1/runs/{run.pk}/plan/{tail}"


def test_it_ends_in_a_plan_and_changes_nothing(planned, model):
    assert (planned.state, planned.version) == (Run.State.SUCCEEDED, None)
    assert planned.cost > 0
    offered = {tool["name"] for tool in model.requests[-1]["tools"]}
    assert offered == {"read_files", "list_files", "search", "check_app", "propose_plan"}
    event = planned.steps.get(type="plan").data
    assert (event["title"], event["state"], event["steps"]) == (PLAN["title"], "proposed", PLAN["steps"])
    assert event["questions"] == [{"question": "Which teas?", "answer": ""}]
    assert planned.reply.fragments.get(kind=Fragment.Kind.PLAN).meta["files"] == ["index.html"]
    assert PLAN["title"] in planned.reply.text


def test_it_is_edited_and_then_built(planned, model, work, api):
    client = api(planned.project.owner)
    change = {"steps": ["Name three teas"], "questions": [{"question": "Which teas?", "answer": "Green ones."}]}
    changed = client.patch(url(planned), change)
    assert (changed.status_code, changed.json()["steps"]) == (200, ["Name three teas"])
    model.say([write(index_html=page("Green"))], [finish()])
    built = client.post(url(planned, "approve/"), {"title": "Green teas"})
    assert built.status_code == 202
    run = work(Run.objects.get(pk=built.json()["id"]))

    assert (run.state, run.message.mode) == (Run.State.SUCCEEDED, "build")
    assert versions.read(run.version, "index.html").decode() == page("Green")
    told = run.message.text
    assert run.version.title == "Green teas"
    assert "Green teas" in told and "1. Name three teas" in told and "Green ones." in told and "Write index" not in told
    plan = client.get(url(planned)).json()
    assert (plan["state"], plan["built_by"]) == ("approved", str(run.pk))
    assert [step.data["state"] for step in planned.steps.filter(type="plan")] == ["proposed", "proposed", "approved"]


def test_it_is_said_to_be_ready_until_it_is_approved(planned, model, work, as_user, api):
    client = as_user(planned.project.owner)
    state = '<span id="run-state" class="bar-state"><span class="badge state" data-state="{}">{}</span>'
    assert state.format("planned", "Plan ready") in client.get(f"/projects/{planned.project_id}/").content.decode()
    model.say([write(index_html=page("Green"))], [finish()])
    work(Run.objects.get(pk=api(planned.project.owner).post(url(planned, "approve/")).json()["id"]))
    assert state.format("succeeded", "Done") in client.get(f"/projects/{planned.project_id}/").content.decode()


def test_it_is_built_once(planned, api):
    client = api(planned.project.owner)
    assert client.post(url(planned, "approve/")).status_code == 202
    assert client.post(url(planned, "approve/")).status_code == 409
    assert client.patch(url(planned), {"title": "Late"}).status_code == 409
    assert planned.project.runs.filter(state="queued").count() == 1


@pytest.mark.parametrize(
    "change",
    [{"steps": []}, {"steps": ["x" * 401]}, {"title": ""}, {"steps": ["a"] * 16}, {"questions": [{}]}, {"files": "x"}],
)
def test_it_refuses_what_is_no_plan(planned, api, change):
    answer = api(planned.project.owner).patch(url(planned), change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(change))
    assert plans.of(planned).meta["steps"] == PLAN["steps"]


def test_it_hides_other_peoples_plans(planned, api, django_user_model):
    stranger = api(django_user_model.objects.create_user("bob@example.com", None))
    answers = [stranger.get(url(planned)), stranger.patch(url(planned), {"title": "Mine"})]
    assert {answer.status_code for answer in [*answers, stranger.post(url(planned, "approve/"))]} == {404}


def test_it_asks_for_a_plan_when_only_words_come(model, start, work):
    model.say([wire.text("I would do this and that.")], [wire.tool("propose_plan", PLAN)])
    run = services.start_run(start().project, "Plan a page", mode="plan")
    services.cancel_run(run.project.runs.exclude(pk=run.pk).get())
    run = work(run)
    assert run.steps.filter(type="nudge").count() == 1
    assert plans.of(run).meta["title"] == PLAN["title"]


WRITING = [
    write(index_html=page("Sneaky")),
    wire.tool("edit_file", {"path": "index.html", "edits": [{"search": "Tea", "replace": "Sneaky"}]}),
    wire.tool("terminal", {"command": "echo Sneaky > index.html"}),
    wire.tool("delete_files", {"paths": ["index.html"]}),
    wire.tool("add_packages", {"packages": ["left-pad"]}),
    wire.tool("remember", {"notes": ["Sneaky"]}),
]


@pytest.mark.parametrize("mode", ["ask", "plan"])
def test_it_has_no_tool_that_writes_however_the_model_tries(planned, model, work, mode):
    model.say(WRITING, [wire.text("I tried.")], [wire.text("I tried.")], [wire.text("I tried.")])
    run = work(services.start_run(planned.project, "What does it say?", mode=mode))

    results = list(run.steps.filter(type="tool_result"))
    assert len(results) == len(WRITING)
    assert all("There is no tool" in step.record["content"] for step in results)
    assert run.project.versions.count() == 1 and run.project.memory == ""
    model.script = [[wire.tool("read_files", {"paths": ["index.html"]})], [wire.text("Tea.")]]
    again = work(services.start_run(planned.project, "And now?", mode="ask"))
    assert "<h1>Tea</h1>" in again.steps.get(type="tool_result").record["content"]


def test_it_says_what_was_changed_beyond_the_plan(planned, model, work):
    model.say([write(index_html=page("Green"), about_html=page("About"), styles_css="body {}")], [finish("Done.")])
    run = work(plans.approve(planned))
    assert run.steps.get(type="complete").data["doubts"] == ["Changed, but not in the plan: about.html, styles.css."]
    model.say([write(about_html=page("More"))], [finish("Done.")])
    follow_up = work(services.start_run(planned.project, "More about us"))
    assert follow_up.steps.get(type="complete").data["doubts"] == [], "no plan, no doubt"


def test_it_has_no_doubt_of_what_the_plan_names_however_it_names_it(planned, model, work):
    plans.edit(planned, {"files": ["`index.html` (new title)", "./styles.css: colours"]})
    model.say([write(index_html=page("Green"), styles_css="body {}")], [finish("Done.")])
    assert work(plans.approve(planned)).steps.get(type="complete").data["doubts"] == []
