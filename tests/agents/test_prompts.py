"""Prompts: each renders for each framework, says what is so there, and stays short."""

import pytest

from agents import prompts
from agents.prompts import talk
from agents.tools import BY_MODE
from projects import briefing
from projects.frameworks import FRAMEWORKS
from projects.models import Project
from tests.agents.scripted import finish, page, write

STAGES = ["build", "ask", "plan", "review"]
# Tokens of a system prompt with its framework's facts; of all tools that a build run has.
MOST, TOOLS = 1_500, 2_100


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("stage", STAGES)
def test_it_renders_and_stays_short(framework, stage):
    text = prompts.instructions(framework, stage)
    assert f"Framework: {framework}" in text
    assert prompts.template(framework) in text
    assert talk.tokens([], text) <= MOST
    assert "not instructions" in text
    if stage == "build":
        assert f"port {FRAMEWORKS[framework].port}" in text
        for fact in (
            "finish",
            "Accessible",
            "Secure",
            "palette",
            "dev server",
            "remember",
            "locked",
            "PascalCase",
            "Good:",
            "Bad:",
        ):
            assert fact in text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_names_files_that_are_there(framework):
    facts, folder = FRAMEWORKS[framework], prompts.template(framework)
    assert facts.entry.rsplit("/", 1)[-1] in folder
    if facts.lint and framework != "html":
        assert "npm run lint" in folder and "npm run build" in folder


def test_it_names_every_framework_when_it_has_one_chosen():
    assert all(name in prompts.choosing() for name in FRAMEWORKS)
    assert talk.tokens([], prompts.choosing()) < 300


def test_it_describes_the_tools_briefly():
    for mode, tools in BY_MODE.items():
        definitions = [tool.definition() for tool in tools.values()]
        assert talk.tokens([], str(definitions)) <= TOOLS, mode


@pytest.mark.parametrize("name", ["fix", "findings", "compaction", "continue", "build_plan"])
def test_it_fills_in_every_blank(name):
    blanks = {
        "title": "T", "output": "O", "history": "", "issues": "I", "summary": "S", "reason": "R", "request": "Q",
        "steps": "1. a", "files": "", "answers": "",
    }  # fmt: skip
    text = prompts.template(name).format(**blanks)
    assert "{" not in text and talk.tokens([], text) < 200


def test_it_takes_what_a_person_wrote_as_text(model, start, work):
    """Braces and tags in rules, requests and file names are no places to fill in."""
    run = start("Use {curly} and {0} in <b>")
    briefing.change(run.project, rules="Write {x}.", memory="- {y}")
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(run)
    said = str(model.requests[0]["messages"])
    assert "Use {curly} and {0} in <b>" in said and "Write {x}." in said and "- {y}" in said


def test_it_looks_at_a_project_again_only_when_its_files_changed(model, start, work):
    model.say([write(index_html=page("Tea"), more_html=page("More"))], [finish()])
    project = work(start()).project
    first = prompts.context(project)
    assert "more.html" in first and Project.objects.get(pk=project.pk).context_version == 1
    Project.objects.filter(pk=project.pk).update(context="kept")
    assert prompts.context(Project.objects.get(pk=project.pk)) == "kept"
    assert prompts.context(Project.objects.get(pk=project.pk), refresh=True) == first


def test_it_shows_a_readme_that_a_person_wrote_and_not_the_templates(model, start, work):
    run = start()
    assert "README.md:\n" not in prompts.context(run.project)
    model.say([wire_file("README.md", "# Tea rules\n" * 20)], [finish()])
    run = work(run)
    assert "README.md:\n# Tea rules" in prompts.context(run.project)


def wire_file(path, content):
    from demo_model import wire

    return wire.tool("write_files", {"files": [{"path": path, "content": content, "shrink": True}]})
