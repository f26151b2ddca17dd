"""A message that was worked on, sent in other words: files go back, what came after is set aside, a new run begins."""

from uuid import uuid4

import pytest

from agents import edits, lens, replays, runs, services
from agents.models import Run
from agents.views import workspace_context
from demo_model import wire
from projects import attachments, briefing
from projects.frameworks import starting_manifest
from projects.models import Project
from projects.services import create_project
from tests.agents.scripted import finish, page, write
from tests.agents.test_plans import PLAN
from tests.usage.test_reservations import at_once
from usage import services as credits
from usage.services import account_of


@pytest.fixture
def built(model, start, work):
    """A page about tea, asked about, then made blue: three messages, two versions."""
    model.say([write(index_html=page("Tea"))], [finish("The tea page.")])
    first = work(start())
    model.say([wire.text("It has one heading.")])
    asked = work(services.start_run(first.project, "How many headings?", mode="ask"))
    model.say([write(index_html=page("Blue"))], [finish("It is blue.")])
    return [first, asked, work(services.start_run(first.project, "Make it blue"))]


@pytest.fixture
def say(api):
    """`say(run, text, …)`: the answer to its owner's sending another message in the place of that run's."""

    def say(run, text, **more):
        client = api(run.project.owner)
        return client.post(url(run.project), {"text": text, "instead_of": str(run.message_id), **more})

    return say


def url(project):
    return f"/api/v1/projects/{project.pk}/messages/"


def looked(api, run):
    return api(run.project.owner).get(f"{url(run.project)}{run.message_id}/").json()


def newest(project):
    return project.versions.latest("number")


def shown(project):
    """The chat's cards, by kind; those that were set aside in brackets."""
    kinds = []
    for item in workspace_context(project)["items"]:
        kind = item.html_id.split("-")[0]
        kinds.append(f"({kind})" if "data-aside hidden" in item.html else kind)
    return [kind for kind in kinds if kind.strip("()") in ("earlier", "msg", "version", "done")]


def said(model):
    """What the model was last told."""
    return str(model.requests[-1]["messages"])


def test_it_goes_back_and_begins_again_with_the_new_words(built, model, say, work, api):
    first, _asked, blue = built
    seen = looked(api, blue)
    assert (seen["text"], seen["mode"], seen["model"]) == ("Make it blue", "build", blue.model)
    assert {**seen["instead"], "seen": 0} == {"version": 1, "messages": 1, "seen": 0}
    answer = say(blue, "Make it red", seen=seen["instead"]["seen"])
    assert answer.status_code == 202 and answer.json()["message"]["aside"] is False
    project = Project.objects.get(pk=first.project_id)
    back = newest(project)
    assert (back.number, back.source, back.manifest) == (3, "restore", first.version.manifest)

    model.say([write(index_html=page("Red"))], [finish()])
    run = work(Run.objects.get(pk=answer.json()["run"]["id"]))
    assert (run.state, run.version.number, run.message.text) == (Run.State.SUCCEEDED, 4, "Make it red")
    assert "The tea page." in said(model) and "How many headings?" in said(model) and "Make it red" in said(model)
    assert "Make it blue" not in said(model) and "It is blue." not in said(model)
    # Nothing is gone: what was set aside can be read, and its version restored.
    edits.restore(project, blue.version)
    assert newest(project).manifest == blue.version.manifest
    texts = {one["text"]: one["aside"] for one in api(project.owner).get(url(project)).json()["results"]}
    assert texts["Make it blue"] and texts["It is blue."] and not texts["Make it red"] and not texts["The tea page."]


def test_it_shows_what_was_set_aside_folded_and_tells_open_pages(built, say):
    first, asked, _blue = built
    project = first.project
    cursor = project.steps.latest("cursor").cursor
    run = Run.objects.get(pk=say(asked, "How many pages?").json()["run"]["id"])
    assert shown(project) == [
        "msg",
        "version",
        "done",
        "(msg)",
        "(done)",
        "(msg)",
        "(version)",
        "(done)",
        "version",
        "msg",
    ]
    news = project.steps.filter(cursor__gt=cursor)
    old = str(asked.message_id)
    assert news.get(type="version").data["instead_of"] == news.get(type="user_message").data["instead_of"] == old
    # Whoever looks at an older part of the chat sees the same.
    older = workspace_context(project, before=news.get(type="user_message").cursor)["items"]
    assert ["data-aside" in item.html for item in older if item.html_id.startswith("msg")] == [False, True, True]
    # Edited once more, further up: one fold, with the version that the first edit made.
    services.cancel_run(run)
    say(first, "A page about coffee")
    kinds = shown(project)
    assert kinds[-2:] == ["version", "msg"] and all(kind.startswith("(") for kind in kinds[:-2])


def test_it_keeps_a_version_by_hand_with_what_was_said_before_it(built, say):
    first, _asked, blue = built
    edits.save_file(first.project, "note.txt", b"by hand")
    say(blue, "Make it red")
    assert shown(first.project)[-6:] == ["(msg)", "(version)", "(done)", "(version)", "version", "msg"]
    assert "note.txt" not in newest(first.project).manifest


def test_it_folds_nothing_that_was_there_before_the_first_message(owner, say):
    """A version by hand, and a conversation that came in with its project."""
    project = create_project(owner, "A tea page", model="vibe-m", framework="html")
    said = {"message_id": "", "role": "user", "mode": "build", "text": "Tea", "at": "2026-01-01T00:00Z"}
    runs.note(project.pk, "earlier", said)
    edits.save_file(project, "note.txt", b"by hand")
    first = services.start_run(project, "What is tea?", "ask")
    services.cancel_run(first)
    say(first, "What is coffee?")
    assert shown(project)[:2] == ["earlier", "version"]


def test_it_edits_the_first_message_and_begins_with_the_template_again(built, model, say, work, api):
    first = built[0]
    project = first.project
    assert looked(api, first)["instead"]["version"] == 0
    assert looked(api, first)["instead"]["messages"] == 3
    briefing.change(project, rules="Be brief")
    run = Run.objects.get(pk=say(first, "A page about coffee").json()["run"]["id"])
    assert newest(project).manifest == starting_manifest("html")
    assert newest(project).number == 3
    model.say([write(index_html=page("Coffee"))], [finish()])
    assert work(run).version.number == 4
    assert "tea" not in said(model).lower() and "A page about coffee" in said(model)


def test_it_says_that_nothing_is_restored_where_no_file_was_changed_since(model, start, work, say, api):
    model.say([write(index_html=page("Tea"))], [finish()])
    first = work(start())
    model.say([wire.text("One.")])
    asked = work(services.start_run(first.project, "How many headings?", mode="ask"))
    assert looked(api, asked)["instead"]["version"] is None
    model.say([wire.text("Two.")])
    run = work(Run.objects.get(pk=say(asked, "How many words?").json()["run"]["id"]))
    assert (run.message.mode, first.project.versions.count()) == ("ask", 1)


def test_it_refunds_what_a_restore_would(built, say):
    first, _asked, blue = built
    before = account_of(first.project.owner).balance
    say(blue, "Make it red")
    assert blue.cost > 0 and account_of(first.project.owner).balance == before + blue.cost
    credit = first.project.steps.filter(type="credit", run=blue).last()
    assert credit.data["reason"] == "undone within 10 minutes"


def test_it_sets_aside_what_the_runs_promised(built, say):
    first = built[0]
    promised = {"path": "/", "text": "Tea", "version": 1}
    first.project.promises.create(says="It names tea", **promised)
    first.project.promises.create(says="It has a title", path="/", text="Title")
    say(first, "A page about coffee")
    assert [one.says for one in first.project.promises.filter(aside=False)] == ["It has a title"]


def test_it_has_the_files_mode_and_model_of_the_old_message_unless_others_are_named(built, model, say, work, api):
    project = built[0].project
    old, new, other = (attachments.add(project, f"{name}.txt", name.encode()) for name in ("old", "new", "other"))
    sent = {"text": "Use these", "attachments": [str(old.pk), str(other.pk)], "mode": "ask", "model": "vibe-l"}
    first = Run.objects.get(pk=api(project.owner).post(url(project), sent).json()["run"]["id"])
    work(first)
    second = Run.objects.get(pk=say(first, "Use them").json()["run"]["id"])
    assert (second.message.mode, second.model) == ("ask", first.model) == ("ask", "vibe-l")
    assert sorted(one.name for one in second.message.attachments.all()) == ["old.txt", "other.txt"]
    work(second)
    kept = second.message.attachments.get(name="old.txt")
    changed = {"attachments": [str(kept.pk), str(new.pk)], "mode": "plan", "model": "vibe-s"}
    third = Run.objects.get(pk=say(second, "Use this", **changed).json()["run"]["id"])
    assert (third.message.mode, third.model) == ("plan", "vibe-s")
    assert sorted(one.name for one in third.message.attachments.all()) == ["new.txt", "old.txt"]
    services.cancel_run(third)
    assert not Run.objects.get(pk=say(third, "None", attachments=[]).json()["run"]["id"]).message.attachments.exists()


def test_it_refers_to_the_projects_that_it_still_names(built, model, say, work, api):
    project = built[0].project
    bakery, cafe = (
        Project.objects.create(owner=project.owner, name=name, framework="html") for name in ("Bakery", "Cafe")
    )
    sent = {"text": "Like @Bakery", "references": [str(bakery.pk)]}
    first = Run.objects.get(pk=api(project.owner).post(url(project), sent).json()["run"]["id"])
    work(first)
    second = Run.objects.get(pk=say(first, "Like @Bakery and @Cafe", references=[str(cafe.pk)]).json()["run"]["id"])
    assert [one["name"] for one in second.message.references] == ["Bakery", "Cafe"]
    services.cancel_run(second)
    third = Run.objects.get(pk=say(second, "Like @Cafe").json()["run"]["id"])
    assert [one["name"] for one in third.message.references] == ["Cafe"]


def test_it_is_refused_while_a_run_is_at_work_and_when_something_changed(built, say, api, model, work):
    first, _asked, blue = built
    project = first.project
    seen = looked(api, blue)["instead"]["seen"]
    edits.save_file(project, "note.txt", b"by hand")
    meanwhile = say(blue, "Make it red", seen=seen)
    assert meanwhile.status_code == 409 and "meanwhile" in meanwhile.json()["detail"]
    queued = services.start_run(project, "Add a menu")
    for _ in range(2):  # queued, then in the hands of a worker
        busy = say(blue, "Make it red")
        assert busy.status_code == 409 and "stop it first" in busy.json()["detail"]
        runs.claim(queued.pk, 0)
    services.cancel_run(queued)
    work(queued)
    assert not project.messages.filter(aside=True).exists() and project.versions.count() == 3
    assert say(blue, "  ").status_code == 400
    assert say(blue, "Make it red").status_code == 202
    assert project.messages.filter(aside=True).exists()


def test_it_is_refused_while_a_run_waits_for_an_answer_which_is_not_edited_by_itself(model, start, work, say, api):
    ask = wire.tool("ask_user", {"question": "Which colour?", "options": ["Green", "Red"]})
    model.say([write(index_html=page("Tea"))], [ask])
    run = work(start())
    assert (run.state, say(run, "A page about coffee").status_code) == (Run.State.WAITING, 409)
    services.start_run(run.project, "Green")
    model.say([finish()])
    work(run)
    answer = run.project.messages.get(text="Green")
    one = api(run.project.owner).get(f"{url(run.project)}{answer.pk}/").json()
    assert one["instead"] is None
    sent = {"text": "Red", "instead_of": str(answer.pk)}
    assert api(run.project.owner).post(url(run.project), sent).status_code == 409
    assert "data-edit-message" not in next(
        item.html for item in workspace_context(run.project)["items"] if item.html_id == f"msg-{answer.pk}"
    )
    # With the message that it belongs to, it is set aside.
    say(run, "A page about coffee")
    answer.refresh_from_db()
    assert answer.aside


def test_it_is_refused_for_what_was_set_aside_already_or_never_said(built, say, api):
    first, _asked, blue = built
    run = Run.objects.get(pk=say(blue, "Make it red").json()["run"]["id"])
    services.cancel_run(run)
    assert say(blue, "Make it green").status_code == 409
    assert looked(api, blue)["instead"] is None
    dropped = services.start_run(first.project, "Add a menu")
    services.drop_queued(dropped)
    assert say(dropped, "Add a map").status_code == 409


def test_it_knows_no_message_of_another_project(built, say, api, bob, start):
    first, _asked, blue = built
    stranger = {"text": "Mine", "instead_of": str(blue.message_id)}
    assert api(bob).post(url(first.project), stranger).status_code == 404
    assert api(bob).get(f"{url(first.project)}{blue.message_id}/").status_code == 404
    other = start("Another page")
    assert api(other.project.owner).post(url(other.project), stranger).status_code == 400
    assert api(other.project.owner).get(f"{url(other.project)}{blue.message_id}/").status_code == 404
    nobody = {"text": "Mine", "instead_of": str(uuid4())}
    answer = api(other.project.owner).post(url(first.project), nobody)
    assert answer.status_code == 400 and "instead_of" in answer.json()["errors"]
    assert not first.project.messages.filter(aside=True).exists()


def test_it_is_done_once_for_one_key_and_for_one_of_several_at_once(built, api):
    first, asked, blue = built
    client, key = api(first.project.owner), uuid4().hex
    body = {"text": "Make it red", "instead_of": str(blue.message_id)}
    answers = [client.post(url(first.project), body, HTTP_IDEMPOTENCY_KEY=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    services.cancel_run(Run.objects.get(pk=answers[0].json()["run"]["id"]))

    body = {"text": "How many pages?", "instead_of": str(asked.message_id)}
    owner = first.project.owner
    several = at_once(4, lambda: api(owner).post(url(first.project), body).status_code)
    assert sorted(several) == [202, 409, 409, 409]
    assert first.project.messages.filter(text="How many pages?").count() == 1


def test_it_leaves_everything_as_it_was_where_credits_are_missing(built, say):
    first, _asked, blue = built
    held, owner = uuid4(), first.project.owner
    credits.reserve(owner, account_of(owner).available, held)
    Run.objects.filter(pk=blue.pk).update(finished=blue.created.replace(year=2020))  # no refund
    assert say(blue, "Make it red").status_code == 402
    assert first.project.versions.count() == 2 and not first.project.messages.filter(aside=True).exists()
    credits.release(held)


def test_it_lets_nothing_go_on_from_what_was_set_aside(built, model, work, say, api):
    first, _asked, blue = built
    model.say([wire.tool("propose_plan", PLAN)])
    planned = work(services.start_run(first.project, "More about tea", mode="plan"))
    stopped = services.start_run(first.project, "Add a menu")
    runs.claim(stopped.pk, 0)
    services.cancel_run(stopped)
    stopped = work(stopped)
    run = Run.objects.get(pk=say(blue, "Make it red").json()["run"]["id"])
    services.cancel_run(run)
    client = api(first.project.owner)
    for refused in (f"/api/v1/runs/{stopped.pk}/continue/", f"/api/v1/runs/{planned.pk}/plan/approve/"):
        answer = client.post(refused)
        assert answer.status_code == 409 and "set aside" in answer.json()["detail"]


def test_it_is_read_by_nothing_else_that_stands_for_the_conversation(built, model, work, say):
    """The context lens, what is suggested next, and the replay of a share link."""
    first, _asked, blue = built
    project = first.project
    many = lens.look(project)["messages"]
    assert replays.newest(project) == blue
    model.say([write(index_html=page("Dark"))], [finish()])
    dark = work(services.start_run(project, "Add a dark mode"))

    def offered():
        return [one.label for one in workspace_context(project)["suggestions"]]

    assert "Add dark mode" not in offered()
    run = Run.objects.get(pk=say(blue, "Make it red").json()["run"]["id"])
    services.cancel_run(run)
    assert "Add dark mode" in offered()
    assert replays.newest(project) == first and dark.version
    # Two messages and the two replies to them went, one came.
    assert lens.look(project)["messages"] == many - 2 + 1
