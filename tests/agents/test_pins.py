"""Pinned files are in the first look at a project; dropped ones are not read unless somebody names them."""

import pytest

from agents import lens, prompts, services
from demo_model import wire
from projects import briefing, versions
from projects.frameworks import starting_files
from projects.models import Project
from projects.services import create_project
from tests.agents.scripted import finish, page, write


@pytest.fixture
def project(owner):
    made = create_project(owner, "A page for a tea shop", model="vibe-m", framework="html")
    files = {"notes.md": b"Steep for three minutes.", "big.json": b'{"tea": 1}', "leaf.png": b"\xff\xd8 no text"}
    versions.save(made, {**starting_files("html"), **files}, source="run")
    return made


def look(project):
    """The first look as the next run has it."""
    return prompts.context(Project.objects.get(pk=project.pk))


def test_it_shows_what_is_pinned_from_the_next_message_on(project, model, work):
    assert "Steep" not in look(project)
    briefing.change(project, pinned=["notes.md", "gone.md", "leaf.png"])
    assert "notes.md, pinned by the owner:\nSteep for three minutes." in look(project)
    assert "gone.md" not in look(project) and "leaf.png, pinned" not in look(project)
    model.say([write(index_html=page("Green"))], [finish()])
    work(services.start_run(project, "Make it green"))
    assert "Steep for three minutes." in str(model.requests[0]["messages"])
    briefing.change(project, pinned=[])
    assert "Steep" not in look(project)


def test_it_counts_what_is_pinned(project):
    before = lens.look(Project.objects.get(pk=project.pk))["tokens"]["files"]
    briefing.change(project, pinned=["notes.md"])
    seen = lens.look(Project.objects.get(pk=project.pk))
    assert seen["tokens"]["files"] > before and seen["pinned"] == ["notes.md"]


def test_it_bounds_all_pins_together_and_says_what_is_cut(project):
    files = {f"{name}.txt": name.encode() * 50_000 for name in "abc"} | {"d.txt": b"short"}
    versions.save(project, files, source="run")
    briefing.change(project, pinned=sorted(files))
    text = look(project)
    assert "d.txt, pinned by the owner:\nshort" in text
    assert prompts.PINNED_CHARS - 10 < sum(text.count(name * 100) for name in "abc") * 100 + 300 < 29_000
    assert text.count("of 50,000 characters; read_files has the rest)") == 3
    assert len(text) < prompts.PINNED_CHARS + 1_000


def test_it_shows_a_pinned_readme_once(project):
    versions.save(project, {"README.md": b"About tea. " * 400}, source="run")
    briefing.change(project, pinned=["README.md"])
    assert look(project).count("README.md") == 2, "in the tree, and in whole"
    assert look(project).count("About tea.") == 400


def test_it_does_not_keep_a_look_from_before_a_pin(project):
    """A run looked at the files while the owner pinned one of them."""
    stale = Project.objects.get(pk=project.pk)
    briefing.change(project, pinned=["notes.md"])
    assert "Steep" not in prompts.context(stale, refresh=True)
    assert "Steep" in look(project)


@pytest.fixture
def results(model, work):
    """`results(run, *calls)`: what the model is told of calls of read_files."""

    def results(run, *paths):
        model.say([wire.tool("read_files", {"paths": list(paths)})], [write(index_html=page("Green"))], [finish()])
        run = work(run)
        return run.steps.filter(type="tool_result").order_by("seq").first().record

    return results


def test_it_marks_what_is_dropped_and_does_not_read_it(project, results):
    briefing.change(project, dropped=["big.json"])
    assert "big.json [not to be read]\n" in look(project) and "marked [not to be read]: leave it alone" in look(project)
    told = results(services.start_run(project, "Make it green"), "./big.json", "notes.md")
    assert "The owner dropped this file from what you see" in told["content"]
    assert '"tea"' not in told["content"] and "Steep for three minutes." in told["content"]
    assert not told["is_error"]


def test_it_reads_a_dropped_file_that_the_message_names(project, results):
    briefing.change(project, dropped=["big.json"])
    told = results(services.start_run(project, "Show what is in big.json"), "big.json")
    assert '{"tea": 1}' in told["content"]


def test_it_reads_a_dropped_file_once_the_answer_names_it(project, model, work):
    briefing.change(project, dropped=["big.json"])
    ask = wire.tool("ask_user", {"question": "May I?", "options": ["Read big.json", "Go on without it"]})
    read = wire.tool("read_files", {"paths": ["big.json"]})
    model.say([read], [ask])
    run = work(services.start_run(project, "Make it green"))
    model.say([read], [write(index_html=page("Green"))], [finish()])
    services.start_run(project, "Read big.json")
    run = work(run)
    first, _, second = [step.record["content"] for step in run.steps.filter(type="tool_result").order_by("seq")][:3]
    assert "The owner dropped" in first and '{"tea": 1}' in second


def test_it_leaves_out_a_readme_that_is_dropped(project):
    versions.save(project, {"README.md": b"About tea."}, source="run")
    briefing.change(project, dropped=["README.md"])
    assert "README.md [not to be read]" in look(project) and "About tea." not in look(project)
