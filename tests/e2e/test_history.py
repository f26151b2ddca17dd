"""Versions: what changed between any two, restore of all or one file, undo, names; the address says what is shown."""

import re

import pytest


@pytest.fixture
def history(opened):
    """The history of an app with three versions; the second has another first line in index.html."""
    from playwright.sync_api import expect

    from agents import edits
    from projects.models import Project

    first = b"<!doctype html>\n<html lang=en><title>Tea</title><h1>Tea</h1></html>\n"
    page = opened({"index.html": first})
    project = Project.objects.get()
    project.versions.update(verdict={"lint": True, "page": True, "console": True})
    edits.save_file(project, "index.html", b"<!-- second -->\n" + first)
    edits.save_file(project, "notes.txt", b"one\ntwo\n")
    expect(page.locator("#version-now")).to_have_text("v3")
    page.click("#tab-history")
    expect(page.locator("#history-list [data-version]")).to_have_count(3)
    return page


def test_it_compares_restores_and_undoes(history):
    from playwright.sync_api import expect

    page = history
    expect(page.locator("#history-main h2")).to_contain_text("v3")
    # What was checked has one line, whatever the number of checks.
    checks = page.locator("#history-list [data-version='1'] .plus")
    expect(checks).to_have_text(re.compile(r"^\w+(, \w+)+ ✓$"))
    assert checks.evaluate("(line) => line.getBoundingClientRect().height < 20")
    expect(page.locator("#history-main .change-path")).to_have_text(["notes.txt"])
    page.locator("#history-list [data-version='2']").click()
    expect(page.locator("#history-main .diff .add", has_text="<!-- second -->")).to_be_visible()
    expect(page).to_have_url(re.compile(r"tab=history&version=2$"))
    page.click("[data-look=split]")
    expect(page.locator(".split .add", has_text="<!-- second -->")).to_be_visible()
    page.locator("#history-list [data-version='3']").click()
    page.select_option("#against", "1")
    expect(page.locator("#history-main .change-path")).to_have_text(["index.html", "notes.txt"])
    expect(page).to_have_url(re.compile("against=1"))
    page.go_back()
    expect(page).to_have_url(re.compile("version=3$"))
    expect(page.locator("#history-main .change-path")).to_have_text(["notes.txt"])
    page.go_forward()

    page.locator("[data-part='index.html'][data-from='1']").click()
    expect(page.locator("#version-now")).to_have_text("v4")
    expect(page.locator("#history-main h2")).to_contain_text("Restore index.html from version 1")
    page.locator("#history-list [data-version='1']").click()
    page.get_by_role("button", name="Restore v1").click()
    expect(page.locator("#version-now")).to_have_text("v5")
    page.locator(".toast", has_text="is version 1 again").locator(".toast-action").click()
    expect(page.locator("#version-now")).to_have_text("v6")
    page.select_option("#against", "4")
    page.locator("#history-list [data-version='6']").click()
    expect(page.locator("#history-main h2")).to_contain_text("v6")
    page.select_option("#against", "4")
    expect(page.locator("#history-main")).to_contain_text("The two are equal.")

    page.get_by_role("button", name="Rename this version").click()
    page.get_by_label("Name of this version").fill("The one for Monday")
    page.keyboard.press("Enter")
    expect(page.locator("#history-list [data-version='6']")).to_contain_text("The one for Monday")
    page.reload()
    expect(page.locator("#history-main h2")).to_contain_text("The one for Monday")


def test_it_brings_back_one_change(history):
    from playwright.sync_api import expect

    from agents import edits
    from projects import versions
    from projects.models import Project

    page, project = history, Project.objects.get()
    lines = "".join(f"line {number}\n" for number in range(40))
    edits.save_file(project, "notes.txt", lines.encode())
    changed = lines.replace("line 5\n", "five\n").replace("line 30\n", "thirty\n")
    edits.save_file(project, "notes.txt", changed.encode())
    page.locator("#history-list [data-version='5']").click()
    # One control for each change, in both looks; the newest version's own side has none.
    expect(page.get_by_role("button", name=re.compile("^Bring back change"))).to_have_count(2)
    page.click("[data-look=split]")
    expect(page.locator(".split .hunk > button")).to_have_count(2)
    page.get_by_role("button", name="Bring back change 2 of notes.txt").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#version-now")).to_have_text("v6")
    expect(page.locator(".toast", has_text="One change of notes.txt is as in v4 again")).to_be_visible()
    expect(page.locator("#history-main h2")).to_contain_text("Bring back a change of notes.txt from version 4")
    now = project.versions.first()
    assert now and versions.read(now, "notes.txt").decode() == lines.replace("line 5\n", "five\n")
    page.locator(".toast-action").click()
    expect(page.locator("#version-now")).to_have_text("v7")

    # What does not fit any more says so.
    edits.save_file(project, "notes.txt", changed.replace("five", "5").encode())
    page.locator("#history-list [data-version='5']").click()
    expect(page.locator("#history-main h2")).to_contain_text("v5")
    page.get_by_role("button", name="Bring back change 1 of notes.txt").click()
    expect(page.locator(".toast", has_text="different by now, so nothing was changed")).to_be_visible()
    expect(page.locator("#version-now")).to_have_text("v8")


def test_it_shows_the_same_after_a_reload(history):
    from playwright.sync_api import expect

    page = history
    old = re.compile("version=")
    page.locator("#history-list [data-version='2']").click()
    page.reload()
    expect(page.locator("#history-main h2")).to_contain_text("v2")

    # Restored, changed by hand and saved: that is what comes back, and not the old version, read-only.
    page.get_by_role("button", name="Restore v2").click()
    expect(page.locator("#version-now")).to_have_text("v4")
    page.click("#tab-code")
    expect(page).not_to_have_url(old)
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("<!-- mine -->\n")
    page.keyboard.press("Control+s")
    expect(page.locator("#version-now")).to_have_text("v5")
    page.reload()
    expect(page.locator(".cm-content")).to_contain_text("<!-- mine -->")
    expect(page.locator("#restore")).to_be_hidden()
    # The history has what was chosen there.
    page.click("#tab-history")
    expect(page.locator("#history-main h2")).to_contain_text("v5")
    page.go_back()
    expect(page.locator("#tab-code")).to_have_attribute("aria-selected", "true")

    open_version(page, 1)
    expect(page).to_have_url(old)
    page.reload()
    expect(page.locator("#code-version")).to_have_text("v1")
    expect(page.locator(".cm-content")).not_to_contain_text("<!-- second -->")
    page.go_back()
    expect(page.locator("#code-version")).to_be_hidden()
    expect(page.locator(".cm-content")).to_contain_text("<!-- mine -->")

    page.click("#tab-preview")
    page.reload()
    expect(page.locator("#tab-preview")).to_have_attribute("aria-selected", "true")
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in ("code", "preview", "chat"):
        page.locator(f"[data-pane-tab={tab}]").click()
        page.reload()
        expect(page.locator("#workspace")).to_have_attribute("data-pane", tab)


def test_it_stays_where_somebody_went_while_a_version_was_restored(history):
    from playwright.sync_api import expect

    page, held = history, []
    page.locator("#history-list [data-version='1']").click()
    page.route("**/versions/?page_size=50", lambda route: held.append(route))
    page.get_by_role("button", name="Restore v1").click()
    expect(page.locator("#version-now")).to_have_text("v4")
    expect(page.locator(".toast", has_text="is version 1 again")).to_be_visible()
    page.locator("#history-list [data-version='2']").click()
    for _ in range(2):  # the list is asked for by the event and by the answer
        while not held:
            page.wait_for_timeout(20)
        with page.expect_response("**/versions/?page_size=50") as late:
            held.pop(0).continue_()
        late.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(page).to_have_url(re.compile("version=2$"))
    expect(page.locator("#history-main h2")).to_contain_text("v2")


def test_it_shows_no_version_under_the_name_of_another(history):
    from playwright.sync_api import expect

    page = history
    page.click("#tab-code")
    expect(page.locator(".cm-content")).to_contain_text("<!-- second -->")
    slow = []
    page.route("**/files/index.html?version=1", lambda route: slow.append(route))
    with page.expect_request("**/files/index.html?version=1"):
        open_version(page, 1)
    open_version(page, 3)
    expect(page.locator("#code-version")).to_be_hidden()
    with page.expect_response("**/files/index.html?version=1") as late:
        slow[0].continue_()
    late.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(page.locator(".cm-content")).to_contain_text("<!-- second -->")


def open_version(page, number):
    page.locator("#versions-menu summary").click()
    page.locator(f"#versions [data-open-version='{number}']").click()


def test_it_keeps_the_place_of_who_goes_through_it_by_keyboard(history):
    from playwright.sync_api import expect

    page = history
    row = page.locator("#history-list [data-version='2']")
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#history-main h2")).to_contain_text("v2")
    expect(row).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#history-list [data-version='1']")).to_be_focused()

    page.click("#tab-code")
    tab = {name: page.locator(f"#file-tabs [data-tab='{name}']") for name in ("index.html", "notes.txt")}
    for name in tab:
        page.locator(f"#tree [data-path='{name}']").click()
        expect(tab[name]).to_have_attribute("aria-current", "true")
    tab["index.html"].focus()
    page.keyboard.press("Enter")
    expect(page.locator("#crumbs b")).to_have_text("index.html")
    expect(tab["index.html"]).to_be_focused()
    page.keyboard.press("Delete")
    expect(tab["index.html"]).to_have_count(0)
    expect(tab["notes.txt"]).to_be_focused()


def test_it_brings_back_a_folder_when_it_is_told_to(opened):
    from playwright.sync_api import expect

    from agents import edits
    from projects import versions
    from projects.models import Project

    page = opened({"index.html": b"<h1>Tea</h1>", "css/look.css": b"one", "docs/notes.md": b"one"})
    project = Project.objects.get()
    edits.save_files(project, {"css/look.css": b"two", "docs/notes.md": b"two"})
    expect(page.locator("#version-now")).to_have_text("v2")
    page.click("#tab-history")
    page.locator("#history-list [data-version='1']").click()
    folder = page.get_by_label("Folder", exact=True)
    folder.focus()
    page.keyboard.press("ArrowDown")
    expect(folder).to_have_value("docs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Restore folder")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#version-now")).to_have_text("v3")
    now = project.versions.first()
    assert now and [versions.read(now, name) for name in ("css/look.css", "docs/notes.md")] == [b"two", b"one"]
