"""The code by hand: saved changes reach the running app, files come and go, nothing typed is lost, search finds."""

import re

import pytest

from tests.e2e.conftest import BUILD_MS

TEA = "a landing page for a tea shop"


@pytest.fixture
def code(page, begin):
    """The code view of a finished app, with index.html open."""
    from playwright.sync_api import expect

    begin(page, TEA)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.click("#tab-code")
    open_file(page, "index.html")
    return page


def open_file(page, name):
    from playwright.sync_api import expect

    page.locator("#tree [data-path]").get_by_text(name, exact=True).click()
    expect(page.locator("#crumbs b")).to_have_text(name.split("/")[-1])
    expect(page.locator(".cm-content")).to_have_attribute("aria-label", re.compile(re.escape(name)))


def type_first(page, text):
    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)


def test_it_saves_and_the_running_app_follows(code):
    from playwright.sync_api import expect

    # Before the app is shown nothing is said of what reaches it.
    expect(code.locator("#preview")).to_have_attribute("data-state", "ready", timeout=BUILD_MS)
    type_first(code, "<h6>By hand</h6>\n")
    expect(code.locator("#save-state")).to_have_attribute("data-state", "unsaved")
    code.keyboard.press("Control+s")
    expect(code.locator("#save-state")).to_have_attribute("data-state", "applied", timeout=30_000)
    expect(code.locator("#version-now")).to_have_text("v2")
    # The menu has what came since the page was opened, as after a reload.
    expect(code.locator("#versions li").last).to_contain_text("works ✓")
    expect(code.locator("#versions li > a")).to_have_count(2)
    code.click("#tab-preview")
    expect(code.frame_locator("#frame").locator("body")).to_contain_text("By hand", timeout=15_000)
    code.click("#tab-code")

    code.locator(".tree-head [data-new-file]").click()
    code.fill("#dialog-answer", "notes/todo.md")
    code.keyboard.press("Enter")
    expect(code.locator("#crumbs b")).to_have_text("todo.md")
    expect(code.locator("#version-now")).to_have_text("v3")
    code.locator("[data-edits] summary").click()
    code.locator("[data-file-action=rename]").click()
    code.fill("#dialog-answer", "notes/done.md")
    code.keyboard.press("Enter")
    expect(code.locator("#crumbs b")).to_have_text("done.md")
    expect(code.locator("#version-now")).to_have_text("v4")
    code.locator("[data-edits] summary").click()
    code.locator("[data-file-action=delete]").click()
    code.locator("dialog [value=yes]").click()
    expect(code.locator("#version-now")).to_have_text("v5")
    expect(code.locator("#tree")).not_to_contain_text("done.md")
    expect(code.locator(".cm-content")).to_have_attribute("aria-label", "index.html")

    # In the file, and in all of them.
    code.locator(".cm-content").click()
    code.keyboard.press("Control+f")
    expect(code.locator(".cm-search [name=search]")).to_be_focused()
    code.keyboard.press("Escape")
    code.keyboard.press("Control+Shift+F")
    expect(code.locator(".cm-search")).to_have_count(0)
    expect(code.locator("#find")).to_be_focused()
    code.keyboard.type("by HAND")
    code.locator(".found-line", has_text="By hand").first.click()  # not one of half the words
    expect(code.locator("#crumbs b")).to_have_text("index.html")
    expect(code.locator(".cm-activeLine")).to_contain_text("By hand")


def test_it_keeps_what_was_typed_while_the_agent_works_and_saves_it_after(code):
    from playwright.sync_api import expect

    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    code.on("dialog", stay)
    type_first(code, "<!-- mine -->\n")
    code.fill("#text", "Add a FAQ section [[demo:slow=4]]")
    code.press("#text", "Enter")
    expect(code.locator("#run-line")).to_be_visible()
    code.click("#save")
    expect(code.locator("#code-notice")).to_contain_text("The agent is working on these files")
    open_file(code, "styles.css")
    open_file(code, "index.html")
    expect(code.locator(".cm-content")).to_contain_text("<!-- mine -->")
    code.click("#save")
    code.locator("#code-notice").get_by_text("Save when it is done").click()
    # The agent changes the same file: a person decides, and nothing is overwritten unseen.
    expect(code.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(code.locator("#code-notice")).to_contain_text("changed this file too")
    code.evaluate("location.href = '/projects/'")
    expect(code.locator("#tab-code")).to_be_visible()
    assert asked == ["beforeunload"]
    code.locator("#code-notice").get_by_text("Keep mine").click()
    code.click("#save")
    expect(code.locator("#version-now")).to_have_text("v3")
    expect(code.locator("#save-state")).not_to_have_attribute("data-state", "unsaved")
