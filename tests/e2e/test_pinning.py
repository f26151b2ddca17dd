"""The Context pane: files are pinned and dropped with the keyboard, what is sent is counted again, and it is kept; what
is typed stays, whatever comes meanwhile.
"""

import re

import pytest

from agents import edits
from projects import briefing, services, versions
from projects.frameworks import starting_files
from projects.models import Project


@pytest.fixture
def context_pane(page, sign_up):
    """The Context pane of a project of somebody new, with some files."""
    from playwright.sync_api import expect

    from accounts.models import User

    page.goto("/accounts/signup/")
    email = sign_up(page)
    page.wait_for_url("**/projects/")
    owner = User.objects.get(email=email)
    project = services.create_project(owner, "A page for a bakery", model="vibe-m", framework="html")
    notes = {"notes.md": b"Bread rises. " * 400, "leaf.png": b"\x89PNG\x00"}
    versions.save(project, {**starting_files("html"), **notes}, source="run", title="First")
    page.goto(f"{project.get_absolute_url()}?tab=context")
    expect(page.locator("[data-mark]").first).to_be_visible()
    return page


def test_it_pins_and_drops_with_the_keyboard(context_pane):
    from playwright.sync_api import expect

    page = context_pane
    pin = page.get_by_role("button", name="Pin notes.md")
    drop = page.get_by_role("button", name="Drop notes.md")
    look = page.locator(".first-look")
    sent = page.locator(".lens-key li").nth(2)
    expect(sent).to_have_text(re.compile(r"about \d+ tokens"))
    expect(look).not_to_contain_text("Bread rises.")
    page.fill("#brief-rules", "Prices in euros.")

    pin.focus()
    page.keyboard.press("Enter")
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(pin).to_be_focused()
    expect(page.locator("#announce")).to_have_text("notes.md is pinned.")
    expect(look).to_contain_text("notes.md, pinned by the owner: Bread rises.")
    expect(sent).to_have_text(re.compile(r"about 1\.\d k tokens"))
    # What was typed meanwhile is not lost; nor by a reload that nobody meant.
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.evaluate("location.href = '/projects/'")
    expect(page.locator("#brief-rules")).to_have_value("Prices in euros.")
    assert asked == ["beforeunload"]

    # The one takes back the other.
    page.keyboard.press("Tab")
    expect(drop).to_be_focused()
    page.keyboard.press(" ")
    expect(drop).to_have_attribute("aria-pressed", "true")
    expect(pin).to_have_attribute("aria-pressed", "false")
    expect(look).to_contain_text("notes.md [not to be read]")
    expect(look).not_to_contain_text("Bread rises.")
    project = Project.objects.get()
    assert (project.pinned, project.dropped) == ([], ["notes.md"])

    # What is no text cannot be pinned. What is gone can be let go of.
    expect(page.get_by_role("button", name="Pin leaf.png")).to_be_disabled()
    versions.save_file(project, "notes.md", None)
    page.reload()
    expect(page.locator(".context-files li").last).to_have_text("notes.mdnot there now")
    drop.click()
    expect(page.get_by_text("not there now")).to_have_count(0)
    assert Project.objects.get().dropped == []


def test_it_leaves_a_form_alone_in_which_somebody_types(context_pane):
    from playwright.sync_api import expect

    page, project = context_pane, Project.objects.get()
    page.locator("#brief-rules").press_sequentially("Prices in")
    page.route("**/promises/", lambda route: route.abort())
    edits.save_file(project, "new.md", b"New.")
    expect(page.locator(".toast.error")).to_contain_text("may be of before")
    page.unroute("**/promises/")
    edits.save_file(project, "newer.md", b"Newer.")
    expect(page.locator(".context-files")).to_contain_text("newer.md")
    page.keyboard.type(" euros.")
    expect(page.locator("#brief-rules")).to_have_value("Prices in euros.")
    expect(page.locator(".briefing [role=status]")).to_have_text("Not saved yet")

    # What nobody types in is what it is by now.
    briefing.change(project, rules="No prices.", memory="- likes rye")
    edits.save_file(project, "newest.md", b"Newest.")
    expect(page.locator("#brief-memory")).to_have_value("- likes rye")
    expect(page.locator("#brief-rules")).to_have_value("Prices in euros.")
    page.locator(".briefing").get_by_role("button", name="Save").click()
    expect(page.locator(".briefing")).to_contain_text("The next run keeps to it")
    project.refresh_from_db()
    assert (project.rules, project.memory) == ("Prices in euros.", "- likes rye")


def test_it_drops_no_lock_that_was_set_meanwhile(context_pane):
    from playwright.sync_api import expect

    page, locked = context_pane, context_pane.locator("#brief-locked")

    def toggle_in_code():
        page.click("#tab-code")
        page.locator("#tree [data-path='notes.md']").click()
        page.locator("[data-edits] summary").click()
        with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
            page.locator("[data-file-action=lock]").click()
        page.click("#tab-context")

    toggle_in_code()
    expect(locked).to_have_value("/notes.md")
    toggle_in_code()
    expect(locked).to_have_value("")
    page.fill("#brief-locked", "src/legal/")
    toggle_in_code()
    expect(locked).to_have_value("src/legal/\n/notes.md")
    # One that this page has not heard of.
    briefing.change(Project.objects.get(), locked=["/index.html"])
    page.locator(".briefing").get_by_role("button", name="Save").click()
    expect(page.locator(".briefing")).to_contain_text("The next run keeps to it")
    expect(locked).to_have_value("src/legal/\n/index.html")
    assert Project.objects.get().locked == ["src/legal/", "/index.html"]
