"""The framework of a prompt that names none: chosen by a short question, once, before anything is made."""

import pytest

from agents import services
from agents.models import Run
from demo_model import wire
from projects.models import Project
from tests.agents.scripted import Failure, finish, page, write


@pytest.fixture
def begin(owner, settings):
    settings.DEFAULT_FRAMEWORK = "react"
    return lambda prompt="A page about tea": services.start_project(owner, prompt)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A shop in Next.js with React", "nextjs"),
        ("a nextjs blog", "nextjs"),
        ("SvelteKit notes", "svelte"),
        ("A VueJS board", "vue"),
        ("An HTML page about tea", "html"),
        ("A board in plain HTML", "html"),
        ("Build it with React, please", "react"),
    ],
)
def test_it_takes_the_framework_that_is_named(prompt, name):
    assert services.named_framework(prompt) == name


@pytest.mark.parametrize(
    "prompt", ["Let people react to posts", "A reactive board", "no React please", "Converts HTML to PDF", "A bakery"]
)
def test_it_does_not_take_a_word_for_a_name(prompt):
    assert services.named_framework(prompt) is None


def test_it_asks_a_model_once_and_builds_in_what_it_chose(model, begin, work):
    model.answers["choose_framework"] = [{"framework": "html"}]
    model.say([write(index_html=page("Tea"))], [finish()])
    run = begin()
    assert run.project.framework_open
    run = work(run)

    project = Project.objects.get(pk=run.project_id)
    assert (run.state, project.framework, project.framework_open) == (Run.State.SUCCEEDED, "html", False)
    assert project.sandbox.template == "html"
    chosen = run.steps.get(type="stage", key="framework")
    assert (chosen.data["framework"], chosen.data["stage"]) == ("html", "prepare")
    request = model.asides[0]
    assert [tool["name"] for tool in request["tools"]] == ["choose_framework"]
    assert "A page about tea" in str(request["messages"])
    assert "Framework: html" in str(model.requests[0]["system"])
    # The question is counted, and nobody pays for it.
    assert run.usage["calls"] == 4
    assert run.cost == sum(step.data["cost"] for step in run.steps.filter(type="reply"))


def test_it_names_the_default_for_when_the_model_is_unsure(model, begin, work, settings):
    settings.DEFAULT_FRAMEWORK = "vue"
    model.answers["choose_framework"] = [{"framework": "html"}]
    model.say([write(index_html=page("Tea"))], [finish()])
    work(begin())
    request = model.asides[0]
    assert "When unsure: vue." in str(request["system"]) and "unsure" not in str(request["messages"])
    assert request["tools"][0]["input_schema"]["properties"]["framework"]["enum"][0] == "vue"


@pytest.mark.parametrize(
    "answer", [Failure(400), [wire.text("html")], {"framework": "cobol"}], ids=["400", "text", "x"]
)
def test_it_takes_the_default_when_no_answer_comes(model, begin, work, settings, answer):
    settings.DEFAULT_FRAMEWORK = "html"
    model.answers["choose_framework"] = [answer]
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(begin())
    assert (run.state, run.project.framework, run.project.framework_open) == (Run.State.SUCCEEDED, "html", False)


def test_it_asks_nothing_when_the_framework_is_known(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    work(start("A page about tea", "html"))
    assert "choose_framework" not in str(model.asides)
