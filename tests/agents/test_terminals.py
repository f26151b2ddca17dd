"""A shell in the project's sandbox over a websocket: for its owner, while the sandbox runs, not for ever."""

import json

import pytest
from channels.testing import WebsocketCommunicator

from agents import aio, terminals
from agents.models import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def socket(user, project, query="cols=100&rows=30"):
    from channels.routing import URLRouter

    from vibe.asgi import sockets

    class AsUser:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            return await self.app({**scope, "user": user}, receive, send)

    return WebsocketCommunicator(AsUser(URLRouter(sockets)), f"/ws/projects/{project.pk}/terminal/?{query}")


async def closing(talk):
    """The code with which a socket is closed, after what it may say before."""
    while (message := await talk.receive_output(20))["type"] != "websocket.close":
        pass
    return message["code"]


async def until(talk, words):
    shown = b""
    while words not in shown:
        shown += await talk.receive_from(20)
    return shown


@pytest.fixture
def running(owner, project_of_owner):
    from agents import sandbox
    from projects import versions

    files = aio.run(sandbox.ensure(project_of_owner).snapshot())
    versions.save(project_of_owner, {**files, "index.html": b"<h1>Bread</h1>\n"}, source="run", title="First")
    sandbox.ensure(project_of_owner)
    return project_of_owner


@pytest.fixture
def project_of_owner(owner):
    from projects import services

    return services.create_project(owner, "A page", model="vibe-m", framework="html")


async def test_it_is_a_shell_in_the_app(owner, running, monkeypatch):
    talk = socket(owner, running)
    assert (await talk.connect())[0]
    await talk.send_to(bytes_data=b"stty size; ls; echo $((6*7))\n")
    shown = await until(talk, b"42")
    assert b"30 100" in shown and b"index.html" in shown
    await talk.send_to(text_data=json.dumps({"cols": 120, "rows": 40}))
    for nonsense in ("{", "[]", '{"cols": -1, "rows": 9}', '{"cols": "x"}'):
        await talk.send_to(text_data=nonsense)
    await talk.send_to(bytes_data=b"stty size\n")
    await until(talk, b"40 120")
    # One more than a project may have.
    monkeypatch.setattr(terminals, "MOST_PER_PROJECT", 1)
    other = socket(owner, running)
    await other.connect()
    assert await closing(other) == terminals.MANY
    await talk.send_to(bytes_data=b"exit 3\n")
    assert await closing(talk) == terminals.ENDED
    await talk.disconnect()
    assert terminals._open[running.pk] == 0


async def test_it_ends_when_idle_asleep_or_not_yours_any_more(owner, running, monkeypatch):
    from asgiref.sync import sync_to_async

    monkeypatch.setattr(terminals, "LOOK_SECONDS", 0.1)
    for code, change in [
        (terminals.IDLE, lambda: monkeypatch.setattr(terminals, "IDLE_SECONDS", 0)),
        (terminals.ASLEEP, lambda: Sandbox.objects.filter(project=running).update(paused=True)),
        (terminals.GONE, lambda: type(owner).objects.filter(pk=owner.pk).update(is_active=False)),
    ]:
        update = sync_to_async(Sandbox.objects.filter(project=running).update)
        await update(paused=False)
        monkeypatch.setattr(terminals, "IDLE_SECONDS", 900)
        talk = socket(owner, running)
        assert (await talk.connect())[0]
        await sync_to_async(change)()
        assert await closing(talk) == code
        await talk.disconnect()


async def test_it_is_for_the_owner_and_a_running_sandbox(owner, project_of_owner, django_user_model):
    from asgiref.sync import sync_to_async
    from django.contrib.auth.models import AnonymousUser

    stranger = await sync_to_async(django_user_model.objects.create_user)("eve@example.com", None)
    for user in (stranger, AnonymousUser()):
        talk = socket(user, project_of_owner)
        assert await talk.connect() == (False, terminals.GONE)
    talk = socket(owner, project_of_owner)
    assert (await talk.connect())[0]
    assert await closing(talk) == terminals.ASLEEP


def test_it_keeps_what_was_changed_in_the_sandbox(owner, running):
    from agents import sandbox, tasks
    from agents.edits import save_file
    from projects import versions

    box = sandbox.ensure(running)
    aio.run(box.write({"note.txt": b"by hand"}))
    tasks.keep_files(str(running.pk))
    newest = versions.newest(running)
    assert newest and (newest.number, newest.title) == (2, "Changes from the terminal")
    assert versions.read(newest, "note.txt") == b"by hand"
    tasks.keep_files(str(running.pk))
    said = [step.data["kept"] for step in running.steps.filter(type="preview", data__has_key="kept")]
    assert said == ["Kept as version 2.", "Nothing has changed since the last version."]
    saved = save_file(running, "note.txt", None)
    assert saved and saved.number == 3


def test_it_keeps_nothing_over_what_is_saved_while_the_sandbox_is_read(api, owner, running, meanwhile):
    from agents import sandbox, tasks
    from projects import versions

    aio.run(sandbox.ensure(running).write({"note.txt": b"by hand"}))
    url = f"/api/v1/projects/{running.pk}/files/index.html"
    meanwhile(b".vibe-snapshot", lambda: api(owner).put(url, {"content": "<h1>Cake</h1>\n"}))
    tasks.keep_files(str(running.pk))
    newest = versions.newest(running)
    assert newest and (newest.number, versions.read(newest, "index.html")) == (2, b"<h1>Cake</h1>\n")
    said = running.steps.filter(type="preview", data__has_key="kept").get().data["kept"]
    assert said.startswith("Nothing was kept. Another version was saved meanwhile.")


def test_it_runs_an_old_version_beside_the_new_one(owner, running):
    from e2b_code_interpreter import AsyncSandbox

    from agents import sandbox, tasks
    from agents.doctor import fetch
    from agents.edits import save_file

    save_file(running, "index.html", b"<h1>Cake</h1>\n")
    tasks.open_version(str(running.pk), 1)
    said = running.steps.filter(type="preview", data__has_key="version").get().data
    assert (said["state"], said["version"]) == ("ready", 1)
    mine = Sandbox.objects.get(project=running)
    there = Sandbox(project=running, host=said["url"].split("//")[1].strip("/"), template="html")
    assert there.host != mine.host and "Bread" in fetch(there, "/")[1]
    # The next takes its place.
    tasks.open_version(str(running.pk), 2)
    from django.core.cache import cache

    last = cache.get(f"beside:look:{running.pk}")
    assert last and last not in said["url"]
    aio.run(AsyncSandbox.kill(last, **sandbox.options()))


def test_it_repairs_without_a_model_what_needs_no_thought(owner, running):
    from agents import sandbox, tasks

    box = sandbox.ensure(running)
    stale = "node_modules/.vite/deps/old.js"
    aio.run(box.write({stale: b"stale"}))
    tasks.open_preview(str(running.pk), restart=True, repair=True)
    assert aio.run(box.read(stale)) is None
    assert running.steps.filter(type="preview").last().data["state"] == "ready"
