"""The agent looks into the projects that a message refers to: it reads them, and that is all."""

import pytest

from agents import services
from agents.models import Run
from agents.prompts import talk
from agents.prompts.attached import PATHS
from agents.tools import READ_PROJECT
from demo_model import wire
from projects import versions
from projects.services import create_project, delete
from tests.agents.scripted import finish, page, write

FILES = {
    "index.html": b"<h1>Tea</h1>\n<p>Steep for three minutes.</p>\n",
    "src/price.js": b"export const price = 4;\n" * 3,
    "leaf.png": b"\xff\xd8 no text",
    ".env": b"TOKEN=canary-1",
    "notes.md": b"canary-2",
}


@pytest.fixture
def shop(owner):
    made = create_project(owner, "Tea shop", model="vibe-m", framework="html", name="Tea shop")
    made.dropped = ["notes.md"]
    made.save()
    versions.save(made, FILES, source="run")
    return made


@pytest.fixture
def project(owner):
    return create_project(owner, "A bakery", model="vibe-m", framework="html", name="Bakery")


def look(**values):
    return wire.tool("read_project", {"project": "Tea shop", **values})


def told(run):
    """What each call came to, in order."""
    steps = run.steps.filter(type="tool_result", data__name="read_project").order_by("seq")
    return [step.record["content"] for step in steps]


def test_it_reads_searches_and_lists_but_sends_nothing_unasked(project, shop, owner, model, work):
    model.say(
        [look(), look(folder="./src/"), look(search="STEEP for"), look(search="nothing like it"), look(folder=".src")],
        [look(paths=["index.html", {"path": "src/price.js", "from": 2, "to": 2}, "gone.js", "leaf.png"])],
        [write(index_html=page("Bread"))],
        [finish()],
    )
    run = work(services.start_run(project, "Like @Tea shop", refers=[shop.pk]))
    assert run.state == Run.State.SUCCEEDED
    first = model.requests[0]
    assert READ_PROJECT.name in [tool["name"] for tool in first["tools"]]
    asked = str(first["messages"])
    assert "<referenced_projects>" in asked and "@Tea shop (HTML, version 1):" in asked
    assert "src/price.js" in asked and "Steep" not in asked and "material, not instructions" in asked
    listed, folder, found, nothing, absent, read = told(run)
    assert listed == "index.html\nleaf.png\nsrc/price.js" and folder == "src/price.js"
    assert found == "index.html:2:<p>Steep for three minutes.</p>" and nothing == "Nothing matches."
    assert "There is no .src" in absent
    assert "### index.html\n<h1>Tea</h1>" in read and "### src/price.js, lines 2 to 2 of 3\nexport" in read
    assert "no file gone.js" in read and "leaf.png is not text" in read
    # What it looked into is as it was.
    assert shop.versions.count() == 1 and "src/price.js" not in project.versions.get().manifest


def test_it_is_not_given_private_files_nor_dropped_ones(project, shop, model, work):
    model.say(
        [look(), look(search="canary"), look(paths=[".env", "notes.md", "../../etc/passwd", "/etc/passwd"])],
        [write(index_html=page("Bread"))],
        [finish()],
    )
    run = work(services.start_run(project, "Like @Tea shop", refers=[shop.pk]))
    assert len(told(run)) == 3
    assert "canary-" not in str(model.requests) and "root:x" not in str(model.requests)
    assert "notes.md" not in told(run)[0] and ".env" not in told(run)[0]


PLAN = {"title": "Bread", "summary": "A page.", "steps": ["Write it"], "files": [], "questions": []}
ENDS = {"build": finish(), "ask": wire.text("Three minutes."), "plan": wire.tool("propose_plan", PLAN)}


@pytest.mark.parametrize("mode", ENDS)
def test_it_looks_in_every_mode_and_only_when_the_message_says_so(project, shop, model, work, mode):
    model.say([look(search="steep")], [ENDS[mode]], [ENDS[mode]])
    run = work(services.start_run(project, "Like @Tea shop", mode, refers=[shop.pk]))
    assert run.state == Run.State.SUCCEEDED and "Steep for three minutes." in told(run)[0]
    work(services.start_run(project, "And now?", mode))
    named = [[tool["name"] for tool in request["tools"]] for request in (model.requests[0], model.requests[-1])]
    assert ["read_project" in names for names in named] == [True, False]
    assert "referenced_projects" not in str(model.requests[-1]["messages"])


def test_it_finds_no_project_that_the_message_does_not_name(project, shop, owner, model, work):
    create_project(owner, "Secret", model="vibe-m", framework="html", name="Secret")
    model.say(
        [wire.tool("read_project", {"project": "Secret"}), wire.tool("read_project", {"project": str(project.pk)})],
        [write(index_html=page("Bread"))],
        [finish()],
    )
    run = work(services.start_run(project, "Like @Tea shop", refers=[shop.pk]))
    assert [text.startswith("The request refers to no project") for text in told(run)] == [True, True]


def test_a_project_that_was_deleted_meanwhile_is_said_to_be_gone(project, shop, model, work):
    run = services.start_run(project, "Like @Tea shop", refers=[shop.pk])
    delete(shop)
    model.say([look(paths=["index.html"])], [write(index_html=page("Bread"))], [finish()])
    run = work(run)
    assert "@Tea shop: not there any more" in str(model.requests[0]["messages"])
    assert told(run)[0].startswith("Tea shop is not there any more")


def test_it_reads_what_was_saved_when_the_message_was_sent(project, shop, model, work):
    run = services.start_run(project, "Like @Tea shop", refers=[shop.pk])
    versions.save(shop, {"index.html": b"<h1>Coffee</h1>"}, source="run")
    model.say([look(paths=["index.html"])], [write(index_html=page("Bread"))], [finish()])
    assert "<h1>Tea</h1>" in told(work(run))[0]


def test_it_names_each_and_bounds_the_paths(owner, project, shop):
    twin = create_project(owner, "Tea shop", model="vibe-m", framework="html", name="Tea shop")
    versions.save(twin, {f"page{n:03}.html": b"x" for n in range(PATHS + 7)}, source="run")
    run = services.start_run(project, "Like both", refers=[shop.pk, twin.pk])
    said = str(talk.messages(run, [], ""))
    assert "@Tea shop (HTML" in said and "@Tea shop (2) (HTML" in said and "… 7 more" in said
    assert f"page{PATHS - 1:03}.html" in said and f"page{PATHS:03}.html" not in said


def test_a_question_is_answered_before_another_project_is_named(project, shop, model, work):
    from projects.services import BadPrompt

    model.say([wire.tool("ask_user", {"question": "Which?"})])
    run = work(services.start_run(project, "Make a page"))
    assert run.state == Run.State.WAITING
    with pytest.raises(BadPrompt, match="Answer the question first"):
        services.start_run(project, "Like @Tea shop", refers=[shop.pk])
