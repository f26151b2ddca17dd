"""The project's app outside a run: woken, rebuilt when its sandbox is gone, restarted, put to sleep when idle."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import e2b
import pytest
from django.db import connection

from agents import aio, edits, lease, previews, runs, sandbox, services, tasks
from agents.instead import send as send_instead
from agents.models import Sandbox
from demo_model import wire
from projects import versions
from projects.models import Project
from projects.services import create_project, undelete
from sandbox_host import registries
from tests.agents.scripted import finish, page, write


@pytest.fixture
def project(model, start, work):
    """A project with one version and a running sandbox."""
    model.say([write(index_html=page("Tea"))], [finish()])
    return work(start()).project


def seen(project) -> tuple[int, str]:
    return aio.run(sandbox.ensure(project).page("/"))


def last_preview(project):
    return project.steps.filter(type="preview").last().data["state"]


def test_it_opens(project):
    tasks.open_preview(str(project.pk))
    assert last_preview(project) == "ready"
    assert seen(project) == (200, "Tea Tea")


def test_it_shows_styles_of_files_that_its_server_did_not_notice(model, owner, eventually):
    from projects.frameworks import starting_files

    project = create_project(owner, "Tea", model="vibe-m", framework="react")
    versions.save(project, starting_files("react"), source="edit")
    tasks.open_preview(str(project.pk))
    box = sandbox.ensure(project)

    def styles():
        return aio.run(box.sdk.commands.run("curl -s -H 'Accept: */*' localhost:3000/src/index.css")).stdout

    assert "min-h-dvh" in styles()
    # Tailwind looks for classes when the sheet is asked for; a file that nothing imports yet is news to nobody.
    aio.run(box.write({"src/late.tsx": b'export const late = "mt-[77px]"'}))
    assert "77px" not in styles()
    tasks.open_preview(str(project.pk))
    eventually(lambda: "77px" in styles())


def test_it_writes_only_the_files_that_are_other_ones(project):
    """A dev server that was configured by a file starts anew when that is written."""
    box = sandbox.ensure(project)
    run = box.sdk.commands.run
    versions.save_files(project, {"script.js": b"let a = 1;\n", "gone.js": b"let b = 1;\n"})
    sandbox.ensure(project)
    aio.run(run("touch -d 2001-01-01 /home/user/app/script.js"))
    aio.run(box.write({"by-hand.txt": b"left behind"}))
    versions.save_file(project, "index.html", page("Coffee").encode())
    versions.save_file(project, "gone.js", None)
    sandbox.ensure(project)
    assert aio.run(run("stat -c %y /home/user/app/script.js")).stdout.startswith("2001-01-01")
    assert aio.run(box.read("index.html")) == page("Coffee").encode()
    assert set(aio.run(box.paths())) == dict(versions.files(project.versions.first())).keys()


def test_it_sleeps_when_idle_and_wakes_with_its_server(project):
    Sandbox.objects.update(last_used="2020-01-01T00:00Z")
    assert tasks.pause_idle_sandboxes() == 1
    assert previews.status(project)["state"] == "paused"
    tasks.open_preview(str(project.pk))
    assert last_preview(project) == "ready"
    assert previews.status(project)["state"] == "running"
    assert seen(project) == (200, "Tea Tea")


def test_it_does_not_sleep_while_somebody_looks(project):
    Sandbox.objects.update(last_used="2020-01-01T00:00Z")
    previews.touch(project)
    assert tasks.pause_idle_sandboxes() == 0


def test_it_does_not_sleep_when_somebody_comes_back_while_another_is_put_to_sleep(project, owner, meanwhile):
    other = create_project(owner, "Coffee", model="vibe-m", framework="html")
    sandbox.ensure(other)
    Sandbox.objects.update(last_used="2020-01-01T00:00Z")

    def look():
        previews.touch(project)
        previews.touch(other)

    meanwhile(b"/pause", look)
    assert tasks.pause_idle_sandboxes() == 1
    assert Sandbox.objects.filter(paused=True).count() == 1


@pytest.mark.parametrize("end", [sandbox.pause, sandbox.kill])
def test_it_stays_known_where_it_took_the_place_of_one_that_is_being_ended(project, meanwhile, end):
    before = Sandbox.objects.get()

    def replace():
        aio.run(e2b.AsyncSandbox.kill(before.sandbox_id, **sandbox.options()))
        sandbox.ensure(project)

    meanwhile(f"/sandboxes/{before.sandbox_id}".encode(), replace)
    end(before)
    after = Sandbox.objects.get()
    assert after.sandbox_id != before.sandbox_id and not after.paused
    assert _alive(project.pk) == {after.sandbox_id}


def share_and_withdraw(api, project):
    url = f"/api/v1/projects/{project.pk}/share/"
    api(project.owner).post(url)
    assert api(project.owner).delete(url).status_code == 204


def test_it_moves_to_another_address_when_its_share_link_is_withdrawn(api, project):
    tasks.open_preview(str(project.pk))
    before = Sandbox.objects.get()
    assert tasks.replace_sandboxes() == 0
    aio.run(sandbox.ensure(project).write({"by-hand.txt": b"kept"}))
    share_and_withdraw(api, project)
    assert tasks.replace_sandboxes() == 1
    with pytest.raises(e2b.NotFoundException):
        aio.run(e2b.AsyncSandbox.connect(before.sandbox_id, **sandbox.options()))
    assert project.versions.first().manifest.keys() >= {"by-hand.txt"}
    assert last_preview(project) == "starting"  # for pages that show it
    tasks.open_preview(str(project.pk))
    assert seen(project) == (200, "Tea Tea") and Sandbox.objects.get().host != before.host
    assert tasks.replace_sandboxes() == 0


def test_it_needs_no_move_where_its_sandbox_was_gone_already(api, project):
    share_and_withdraw(api, project)
    before = Sandbox.objects.get()
    aio.run(e2b.AsyncSandbox.kill(before.sandbox_id, **sandbox.options()))
    assert tasks.replace_sandboxes() == 0
    after = Sandbox.objects.get(project=project)
    assert after.host != before.host and not after.retired
    assert aio.run(sandbox.ensure(project).read("index.html"))


def test_it_moves_without_what_was_saved_while_it_was_looked_at_being_undone(api, project, meanwhile):
    share_and_withdraw(api, project)
    url = f"/api/v1/projects/{project.pk}/files/index.html"
    meanwhile(b".vibe-snapshot", lambda: api(project.owner).put(url, {"content": page("Coffee")}))
    assert tasks.replace_sandboxes() == 0
    assert tasks.replace_sandboxes() == 1
    assert [version.title for version in project.versions.all()][:-1] == ["Edit index.html"]
    assert aio.run(sandbox.ensure(project).read("index.html")) == page("Coffee").encode()


def test_it_moves_once_its_host_answers(api, project, settings):
    share_and_withdraw(api, project)
    there, settings.E2B_API_URL = settings.E2B_API_URL, "http://127.0.0.1:9"
    assert tasks.replace_sandboxes() == 0
    assert Sandbox.objects.get(project=project).retired
    settings.E2B_API_URL = there
    assert tasks.replace_sandboxes() == 1


def test_it_ends_with_its_project_and_is_there_again_when_that_is_brought_back(project):
    before = Sandbox.objects.get()
    aio.run(sandbox.ensure(project).write({"by-hand.txt": b"kept"}))
    edits.delete_project(project)
    assert tasks.replace_sandboxes() == 1
    tasks.open_preview(str(project.pk))  # asked for before
    assert not _alive(project.pk) and not Sandbox.objects.filter(project=project).exists()
    restored = Project.objects.get(pk=project.pk)
    undelete(restored)
    assert aio.run(sandbox.ensure(restored).read("by-hand.txt")) == b"kept"
    assert Sandbox.objects.get(project=project).host != before.host


def test_it_moves_another_while_one_waits_to_be_ended(api, project):
    share_and_withdraw(api, project)
    Sandbox.objects.update(project=None)  # the host did not answer when it was to be ended
    assert tasks.replace_sandboxes() == 0


def test_it_moves_when_the_run_that_works_in_it_is_over(api, project, model, work):
    before = Sandbox.objects.get()
    run = services.start_run(project, "Now coffee")
    assert runs.claim(run.pk, 0)
    share_and_withdraw(api, project)
    assert tasks.replace_sandboxes() == 0
    assert Sandbox.objects.get(project=project).pk == before.pk
    model.say([write(index_html=page("Coffee"))], [finish()])
    work(run)
    assert tasks.replace_sandboxes() == 1
    tasks.open_preview(str(project.pk))
    assert seen(project) == (200, "Coffee Coffee") and Sandbox.objects.get().host != before.host


@pytest.fixture
def instead(project, model, work):
    """A run in the place of one that made coffee of the tea: queued, and the preview left to it."""
    model.say([write(index_html=page("Coffee"))], [finish()])
    coffee = work(services.start_run(project, "Now coffee"))
    run = send_instead(project, coffee.message_id, "Now cocoa")
    assert last_preview(project) == "ready" and Sandbox.objects.get().version == 2
    return run


@pytest.mark.parametrize("end", ["answers", "asks", "is stopped", "is taken back"])
def test_it_follows_where_the_run_that_was_to_bring_it_up_to_date_does_not(project, model, work, instead, end):
    if end == "is stopped":
        services.cancel_run(instead)
    elif end == "is taken back":
        services.drop_queued(instead)
    else:
        model.say([wire.tool("ask_user", {"question": "With milk?"}) if end == "asks" else wire.text("No.")])
        work(instead)
    assert last_preview(project) == "starting"
    tasks.open_preview(str(project.pk))
    assert seen(project) == (200, "Tea Tea") and Sandbox.objects.get().version == 3


@pytest.mark.parametrize("gone", ["project", "owner", "sandbox"])
def test_it_is_not_opened_for_who_is_gone_nor_woken(project, owner, instead, gone):
    if gone == "sandbox":
        Sandbox.objects.update(paused=True)
    elif gone == "owner":
        owner.is_active = False
        owner.save()
    if gone == "project":
        edits.delete_project(project)
    else:
        services.cancel_run(instead)
    assert last_preview(project) == "ready"


def test_it_reaches_the_package_registries_and_nothing_else(project):
    """Said to whoever makes it: E2B's cloud would let it reach everything."""
    box = sandbox.ensure(project)
    beside = sandbox.beside(project.versions.first())
    for sdk in (box.sdk, beside.sdk):
        rules = aio.run(sdk.get_info()).network
        assert rules["deny_out"] == [e2b.ALL_TRAFFIC] and set(rules["allow_out"]) == registries.PUBLIC
    aio.run(sandbox.end(beside))
    ask = "curl -s -o /dev/null -w '%{http_connect} ' https://NAME/; true"
    places = ("registry.npmjs.org", "pypi.org", "example.com")
    said = [aio.run(box.sdk.commands.run(ask.replace("NAME", place))).stdout.strip() for place in places]
    assert [status == "403" for status in said] == [False, False, True]


def test_it_is_left_to_the_next_run_where_one_waits(project, instead):
    services.start_run(project, "And a menu")
    services.drop_queued(instead)
    assert last_preview(project) == "ready"


def test_it_stays_where_no_link_was_shared(api, project):
    assert api(project.owner).delete(f"/api/v1/projects/{project.pk}/share/").status_code == 204
    assert not Sandbox.objects.get().retired


def test_it_is_rebuilt_from_the_newest_version_when_it_is_gone(project):
    old = Sandbox.objects.get()
    aio.run(e2b.AsyncSandbox.kill(old.sandbox_id, **sandbox.options()))
    tasks.open_preview(str(project.pk))
    assert Sandbox.objects.get().sandbox_id != old.sandbox_id
    assert seen(project) == (200, "Tea Tea")


def test_it_has_the_packages_of_the_version_again_when_it_is_rebuilt(project):
    package = b'{"private": true, "scripts": {"dev": "node tools/dev-server.js"}, "dependencies": {"tea": "file:tea"}}'
    local = {"package.json": package, "tea/package.json": b'{"name": "tea", "version": "1.0.0"}'}
    versions.save_files(project, {**local, "tea/index.js": b"module.exports = 1;\n"})
    aio.run(e2b.AsyncSandbox.kill(Sandbox.objects.get().sandbox_id, **sandbox.options()))
    box = sandbox.ensure(Project.objects.get(pk=project.pk))
    assert aio.run(box.read("node_modules/tea/index.js")) == b"module.exports = 1;\n"


def test_it_is_one_however_many_open_it_at_once(project):
    aio.run(e2b.AsyncSandbox.kill(Sandbox.objects.get().sandbox_id, **sandbox.options()))
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(_open, project) for _ in range(4)]
        opened = {future.result() for future in futures}
    assert opened == {Sandbox.objects.get().sandbox_id}
    assert _alive(project.pk) == opened


def test_it_leaves_none_behind_when_its_project_is_deleted_while_it_opens(owner):
    project = create_project(owner, "A page about tea", model="vibe-m", framework="html")
    ident = project.pk
    Project.objects.filter(pk=ident).delete()
    with pytest.raises(sandbox.SandboxUnavailable):
        sandbox.ensure(project)
    assert not _alive(ident) and not Sandbox.objects.filter(project=ident).exists()


@pytest.mark.parametrize("why", [lease.RunStopped, TimeoutError, KeyError])
def test_it_leaves_none_behind_when_it_is_stopped_before_anybody_knows_of_it(project, why):
    sandbox.kill(Sandbox.objects.get())
    created: list[object] = []

    def wait(coro, seconds=60):
        if created:  # the files are next
            coro.close()
            raise why
        created.append(aio.run(coro, seconds))
        return created[0]

    with pytest.raises((why, sandbox.SandboxUnavailable)):
        sandbox.ensure(project, wait)
    assert created and not _alive(project.pk)


def test_it_says_how_long_it_waited_for_a_host_that_does_not_answer(project, settings, monkeypatch):
    monkeypatch.setattr(sandbox, "PREPARING_SECONDS", 1)
    sandbox.kill(Sandbox.objects.get())
    url = settings.E2B_API_URL
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        settings.E2B_API_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(sandbox.SandboxUnavailable) as caught:
            sandbox.ensure(project)
    settings.E2B_API_URL = url
    assert "within 1 s" in str(caught.value)


def test_it_is_not_opened_for_an_answer_that_needs_none(model, start, work, monkeypatch):
    monkeypatch.setattr(sandbox, "OPENING_WAITS_SECONDS", 60)  # on a busy machine the answer takes longer
    model.say([wire.text("It is a page about tea.")])
    run = work(start())
    assert run.state == run.State.SUCCEEDED and not _alive(run.project_id)


def _alive(project_id):
    mine = e2b.SandboxQuery(metadata={"project": str(project_id)})
    return {one.sandbox_id for one in aio.run(e2b.AsyncSandbox.list(query=mine, **sandbox.options()).next_items())}


def _open(project):
    try:
        return sandbox.ensure(Project.objects.get(pk=project.pk)).sdk.sandbox_id
    finally:
        connection.close()


def test_it_shows_a_version_that_was_restored_while_it_slept(project):
    versions.save_file(project, "index.html", b"<h1>New</h1>")
    project = Project.objects.get(pk=project.pk)
    assert seen(project)[1] == "New"
    versions.restore(project, project.versions.last())
    assert seen(Project.objects.get(pk=project.pk))[1] == "Tea Tea"


def test_it_has_the_newest_of_two_versions_that_were_saved_one_right_after_the_other(project, meanwhile):
    """As when somebody restores one version and then another: workers bring both into the sandbox at once."""
    box = sandbox.ensure(project)
    versions.save_file(project, "index.html", b"<h1>Stale</h1>")

    def overtake() -> None:
        versions.save_file(Project.objects.get(pk=project.pk), "index.html", b"<h1>Fresh</h1>")
        assert _open(project) == box.id

    meanwhile(b"<h1>Stale", overtake)
    assert seen(Project.objects.get(pk=project.pk))[1] == "Fresh"
    assert Sandbox.objects.get(project=project).version == project.versions.latest("number").number


def test_it_comes_back_after_its_server_crashed(project):
    box = sandbox.ensure(project)
    aio.run(box.serve())
    aio.run(box.sdk.commands.run('kill -KILL -- "-$(cat ~/.vibe/dev.pid)"'))
    assert aio.run(box.page_status()) == 0
    tasks.open_preview(str(project.pk))
    assert last_preview(project) == "ready"


def test_it_has_one_server_however_many_start_it_at_once(project):
    box = sandbox.ensure(project)
    aio.run(box.sdk.commands.run('kill -KILL -- "-$(cat ~/.vibe/dev.pid)"'))

    async def together():
        return await asyncio.gather(*[box.serve() for _ in range(8)])

    assert aio.run(together()) == [200] * 8
    assert "EADDRINUSE" not in aio.run(box.server_log())
    aio.run(box.sdk.commands.run('kill -0 "$(cat ~/.vibe/dev.pid)"'))  # it is the one that is known


def test_it_is_not_taken_in_by_a_number_that_has_a_new_owner(project):
    box = sandbox.ensure(project)
    aio.run(box.serve())
    swap = 'kill -KILL -- "-$(cat ~/.vibe/dev.pid)"; sleep 300 > /dev/null 2>&1 & echo $! > ~/.vibe/dev.pid'
    aio.run(box.sdk.commands.run(swap))
    assert aio.run(box.serve()) == 200


def test_it_says_how_a_command_of_ours_ended(project):
    """Whatever an exception is made of: this one has an equality of its own, and so no hash."""
    box = sandbox.ensure(project)
    with pytest.raises(sandbox.ENDED) as caught:
        aio.run(box.sdk.commands.run("echo no room >&2; exit 3"))
    assert (caught.value.exit_code, caught.value.stderr) == (3, "no room\n")


def test_it_says_so_when_the_host_cannot_be_reached(project, settings):
    right = settings.E2B_API_URL
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = "http://127.0.0.1:9"
    tasks.open_preview(str(project.pk))
    settings.E2B_API_URL = settings.E2B_SANDBOX_URL = right
    data = project.steps.filter(type="preview").last().data
    assert data["state"] == "failed" and "sandbox" in data["detail"]
