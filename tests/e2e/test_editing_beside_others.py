"""A file that is edited by hand while others change, delete or rename it: nothing is lost, or overwritten unseen."""

import re
from typing import Any

import pytest

from agents import edits, runs, services
from agents.models import Run
from projects import blobs, versions
from projects import services as projects
from projects.models import Project

FIRST = b"<!doctype html>\n<title>Tea</title>\n"
THEIRS = b"<!doctype html>\n<title>Theirs</title>\n"


@pytest.fixture
def edited(opened):
    """The code view of an app with two versions; a line was typed into index.html and is not saved."""
    from playwright.sync_api import expect

    page = opened({"index.html": FIRST, "styles.css": b"body {}\n"})
    edits.save_file(Project.objects.get(), "notes.txt", b"one\n")
    expect(page.locator("#version-now")).to_have_text("v2")
    page.click("#tab-code")
    shows(page, "index.html")
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("<!-- mine -->\n")
    expect(page.locator("#save-state")).to_have_attribute("data-state", "unsaved")
    return page


@pytest.fixture
def warned(edited):
    """Kinds of the questions that the browser asked; it stays on the page."""
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    edited.on("dialog", stay)
    return asked


@pytest.fixture
def at_work(edited):
    """`end()`: the run that is at work is over."""
    from playwright.sync_api import expect

    project = Project.objects.get()
    asked = projects.add_message(project, "user", "Make it blue")
    run = Run.objects.create(project=project, message=asked, model="vibe-m", state="running")
    runs.note(project.pk, "state", {"state": "running"}, run.pk)
    expect(edited.locator("#run-line")).to_be_visible()

    def end():
        Run.objects.update(state="succeeded")
        ended: dict[str, Any] = {"state": "succeeded", "reason": "", "version": None, "seconds": 4, "mode": "build"}
        ended |= {"checks": {}, "files": {"added": [], "changed": [], "deleted": []}}
        ended |= {"summary": "Done.", "html": "<p>Done.</p>", "cost": 5, "cost_text": "0.01"}
        runs.note(project.pk, "complete", ended, run.pk)

    return end


def shows(page, path):
    from playwright.sync_api import expect

    expect(page.locator("#crumbs b")).to_have_text(path)
    expect(page.locator(".cm-content")).to_have_attribute("aria-label", path)


def open_file(page, path):
    page.locator(f"#tree [data-path='{path}']").click()
    shows(page, path)


def open_version(page, number):
    page.locator("#versions-menu summary").click()
    page.locator(f"#versions [data-open-version='{number}']").click()


def newest():
    made = versions.newest(Project.objects.get())
    assert made
    return made.number, blobs.read(made, "index.html")


def test_it_keeps_the_search_in_a_file_that_is_opened_once_more(edited):
    from playwright.sync_api import expect

    slow = []
    edited.route("**/files/index.html", lambda route: slow.append(route))
    with edited.expect_request("**/files/index.html"):
        edited.locator("#tree [data-path='index.html']").click()
    edited.locator(".cm-content").click()
    edited.keyboard.press("Control+f")
    field = edited.locator(".cm-search [name=search]")
    expect(field).to_be_focused()
    edited.keyboard.type("Te")
    with edited.expect_response("**/files/index.html") as late:
        slow[0].continue_()
    late.value.finished()
    edited.evaluate("new Promise(requestAnimationFrame)")
    edited.keyboard.type("a")
    expect(field).to_have_value("Tea")


def test_it_keeps_a_file_that_was_deleted_and_puts_it_back(edited, warned):
    from playwright.sync_api import expect

    edits.save_file(Project.objects.get(), "index.html", None)
    notice = edited.locator("#code-notice")
    expect(notice).to_contain_text("Version 3 deleted or renamed this file. Nothing is lost")
    for _ in range(2):  # as it was left, and opened again
        shows(edited, "index.html")
        expect(edited.locator(".cm-content")).to_contain_text("<!-- mine -->")
        expect(edited.locator("#file-tabs [data-tab='index.html']")).to_be_visible()
        open_file(edited, "styles.css")
        expect(notice).to_be_hidden()
        open_file(edited, "index.html")
        expect(notice).to_contain_text("deleted or renamed")
    edited.evaluate("location.href = '/projects/'")
    expect(edited.locator("#tab-code")).to_be_visible()
    assert warned == ["beforeunload"]
    edited.keyboard.press("Control+s")  # which does nothing before it is said what becomes of it
    notice.get_by_role("button", name="Keep mine").click()
    expect(notice).to_be_hidden()
    expect(edited.locator("#save-state")).to_have_attribute("data-state", "unsaved")
    edited.click("#save")
    expect(edited.locator("#version-now")).to_have_text("v4")
    # The page hears of the version before its own request is answered, and asks until then whether to leave.
    expect(edited.locator("#save-state")).not_to_have_attribute("data-state", re.compile("unsaved|saving"))
    assert newest() == (4, b"<!-- mine -->\n" + FIRST)
    edited.reload()
    shows(edited, "index.html")
    expect(edited.locator(".cm-content")).to_contain_text("<!-- mine -->")


def test_it_lets_go_of_a_file_that_was_renamed(edited, warned):
    from playwright.sync_api import expect

    edits.move_file(Project.objects.get(), "index.html", "home.html")
    notice = edited.locator("#code-notice")
    expect(notice).to_contain_text("Version 3 deleted or renamed this file.")
    expect(edited.locator("#tree [data-path='home.html']")).to_be_visible()
    notice.get_by_role("button", name="Discard").click()
    expect(notice).to_be_hidden()
    expect(edited.locator("#tree [data-path='index.html']")).to_have_count(0)
    expect(edited.locator("#file-tabs [data-tab='index.html']")).to_have_count(0)
    expect(edited.locator(".cm-content")).not_to_contain_text("mine")
    edited.evaluate("location.href = '/projects/'")
    edited.wait_for_url("**/projects/")
    assert warned == []


def test_it_tells_of_a_change_that_came_while_an_old_version_was_shown(edited):
    from playwright.sync_api import expect

    notice = edited.locator("#code-notice")
    open_version(edited, 1)
    expect(edited.locator("#code-version")).to_have_text("v1")
    edits.save_file(Project.objects.get(), "index.html", THEIRS)
    expect(edited.locator("#version-now")).to_have_text("v3")
    expect(edited.locator(".cm-content")).to_contain_text("<title>Tea</title>")
    expect(notice).to_be_hidden()
    edited.keyboard.press("Control+s")
    open_version(edited, 3)
    expect(notice).to_contain_text("Version 3 changed this file too")
    expect(edited.locator(".cm-content")).to_contain_text("<!-- mine -->")
    edited.keyboard.press("Control+s")
    assert newest() == (3, THEIRS)
    notice.get_by_role("button", name="Keep mine").click()
    edited.click("#save")
    expect(edited.locator("#version-now")).to_have_text("v4")
    assert newest() == (4, b"<!-- mine -->\n" + FIRST)


@pytest.mark.parametrize("theirs", [None, THEIRS], ids=["untouched", "changed"])
def test_it_saves_when_the_agent_is_done_whichever_version_is_shown(edited, at_work, theirs):
    from playwright.sync_api import expect

    edited.click("#save")
    edited.get_by_role("button", name="Save when it is done").click()
    open_version(edited, 1)
    expect(edited.locator("#code-version")).to_have_text("v1")
    if theirs:
        project = Project.objects.get()
        made = versions.save_file(project, "index.html", theirs)
        assert made
        runs.note(project.pk, "version", versions.facts(made) | {"added": [], "changed": ["index.html"], "deleted": []})
    at_work()
    if not theirs:
        expect(edited.locator("#version-now")).to_have_text("v3")
        assert newest() == (3, b"<!-- mine -->\n" + FIRST)
        expect(edited.locator(".cm-content")).not_to_contain_text("mine")  # which is still the old one
        return
    edited.locator(".toast", has_text="index.html was not saved").get_by_role("button", name="Choose").click()
    expect(edited.locator("#code-notice")).to_contain_text("Version 3 changed this file too")
    expect(edited.locator(".cm-content")).to_contain_text("<!-- mine -->")
    expect(edited).to_have_url(re.compile(r"file=index.html$"))
    assert newest() == (3, THEIRS)


def test_it_waits_for_the_run_at_work_and_not_for_a_message_that_was_dropped(edited, at_work):
    from playwright.sync_api import expect

    edited.click("#save")
    edited.get_by_role("button", name="Save when it is done").click()
    waiting = edited.locator("[data-queued]")
    for text in ("Rename it to Leaf", "Rename it to Steep"):  # the second is heard of after the end of the first
        services.start_run(Project.objects.get(), text)
        expect(waiting).to_contain_text(text)
        waiting.get_by_role("button", name="Drop this message").click()
        expect(waiting).to_have_count(0)
    expect(edited.locator("#code-notice")).to_contain_text("It will be saved when the agent is done.")
    at_work()
    expect(edited.locator("#version-now")).to_have_text("v3")
    assert newest() == (3, b"<!-- mine -->\n" + FIRST)
