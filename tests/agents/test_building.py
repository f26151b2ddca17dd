"""A build run from the prompt to the version: what is in the log, in the files, and on the bill."""

from agents import services
from agents.models import Run
from demo_model import wire
from projects import versions
from tests.agents.scripted import finish, page, types, write
from usage.services import account_of


def test_it_builds_checks_and_saves_a_version(model, start, work):
    model.say([wire.text("I write the page."), write(index_html=page("Tea"))], [finish("A page about **tea**.")])
    run = work(start())

    assert (run.state, run.reason) == (Run.State.SUCCEEDED, "")
    assert versions.read(run.version, "index.html").decode() == page("Tea")
    assert run.version.verdict == {"lint": True, "page": True}
    assert run.reply.text == "A page about **tea**."
    [code] = run.reply.fragments.filter(kind="CODE")
    assert code.meta == {"path": "index.html", "language": "html", "change": "changed"}


def test_it_logs_every_step_without_a_gap(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())

    steps = list(run.project.steps.all())
    assert [step.cursor for step in steps] == list(range(1, len(steps) + 1))
    assert [step.seq for step in steps] == list(range(1, len(steps) + 1))
    kinds = types(run.project)
    assert kinds[:3] == ["user_message", "state", "state"]
    assert kinds[-1] == "complete"
    assert kinds.index("tool_call") < kinds.index("tool_result") < kinds.index("file") < kinds.index("version")


def test_it_charges_what_was_delivered_and_gives_the_rest_back(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())

    account = account_of(run.project.owner)
    assert run.cost > 0
    assert account.reserved == 0
    assert account.balance == 25_000_000 - run.cost


def test_it_charges_nothing_when_nothing_changed(model, start, work):
    model.say([wire.text("There is nothing to do.")])
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    assert run.version is None
    assert run.cost == 0
    assert account_of(run.project.owner).available == 25_000_000


def test_it_sees_the_conversation_and_the_files_in_a_follow_up(model, start, work):
    from agents import services

    model.say([write(index_html=page("Tea"))], [finish("Tea it is.")])
    first = work(start("A page about tea"))
    edit = {"path": "index.html", "edits": [{"search": "<h1>Tea</h1>", "replace": "<h1>Coffee</h1>"}]}
    model.say([wire.tool("edit_file", edit)], [finish("Coffee now.")])
    second = work(services.start_run(first.project, "Make it about coffee"))

    assert b"<h1>Coffee</h1>" in versions.read(second.version, "index.html")
    assert second.version.number == 2
    asked = str(model.requests[2]["messages"])
    assert "A page about tea" in asked and "Tea it is." in asked and "index.html" in asked


def test_it_fixes_what_the_checks_find_and_does_not_charge_for_it(model, start, work):
    broken = "export const broken: number = 'text'\n"
    app = "export default function App() {\n  return <h1>Tea</h1>\n}\n"
    fixed = {"path": "src/broken.ts", "edits": [{"search": "'text'", "replace": "1"}]}
    files = {"files": [{"path": "src/App.tsx", "content": app}, {"path": "src/broken.ts", "content": broken}]}
    model.say([wire.tool("write_files", files)], [finish()], [wire.tool("edit_file", fixed)], [finish("Works now.")])
    run = work(start(framework="react"))

    assert run.state == Run.State.SUCCEEDED
    assert run.version.verdict == {"lint": True, "build": True, "page": True}
    assert "not assignable" in str(model.requests[2]["messages"])
    replies = list(run.steps.filter(type="reply"))
    assert [reply.data["round"] for reply in replies] == [0, 0, 1, 1]
    assert run.cost == sum(reply.data["cost"] for reply in replies[:2])


def test_it_answers_a_question_without_any_tool_that_writes(model, start, work):
    from agents import services

    model.say([write(index_html=page("Tea"))], [finish()])
    first = work(start())
    model.say(
        [wire.tool("read_files", {"paths": ["index.html"]}), write(index_html=page("Sneaky"))],
        [wire.text("It says Tea.")],
    )
    second = work(services.start_run(first.project, "What does it say?", mode="ask"))

    assert {tool["name"] for tool in model.requests[2]["tools"]} == {"read_files", "list_files", "search", "check_app"}
    assert (second.state, second.version, second.reply.text) == (Run.State.SUCCEEDED, None, "It says Tea.")
    assert first.project.versions.count() == 1


def test_it_shows_the_model_what_was_attached(model, start, work, owner):
    from agents import services
    from projects import attachments
    from tests.api.test_attachments import png

    model.say([write(index_html=page("Tea"))], [finish()], [finish("Seen.")])
    first = work(start())
    sent = [attachments.add(first.project, "look.png", png()), attachments.add(first.project, "n.txt", b"Two lines")]
    work(services.start_run(first.project, "Like this", attached=[one.pk for one in sent]))

    *_, picture, text, prompt = model.requests[-1]["messages"][-1]["content"]
    assert picture["source"]["media_type"] == "image/png"
    assert text["text"] == '<attached_file name="n.txt">\nTwo lines\n</attached_file>'
    assert prompt["text"].endswith("Like this")


def test_it_checks_a_version_that_was_saved_by_hand_and_notes_what_it_found(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    project = work(start()).project
    made = versions.save_file(project, "index.html", page("By hand").encode())
    assert made and not made.works
    model.say([wire.tool("terminal", {"command": "ls"})], [finish("It is fine.")])
    run = work(services.start_run(project, "Check it as it is"))
    made.refresh_from_db()
    assert (run.state, run.version, made.works) == (Run.State.SUCCEEDED, None, True)
    assert made.verdict == run.steps.get(type="complete").data["checks"]
