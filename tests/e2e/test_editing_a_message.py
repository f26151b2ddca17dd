"""A message that was worked on is edited in the composer; what it sets aside is folded in the chat, on every page."""

import json
import re

import pytest

from agents import edits
from projects.frameworks import starting_files
from projects.models import Project
from tests.api.test_attachments import png
from tests.e2e.conftest import BUILD_MS


@pytest.fixture
def built(page, begin):
    """A tea shop that was renamed to Leaf; its path."""
    from playwright.sync_api import expect

    path = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.set_input_files("#attach-input", {"name": "shop.png", "mimeType": "image/png", "buffer": png()})
    expect(page.locator("#tray img")).to_be_visible()
    page.fill("#text", "Rename it to Leaf")
    page.press("#text", "Enter")
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(page.locator("#run-line")).to_be_hidden()
    return path


def says(page):
    return page.locator("#chat .say:visible .say-text")


def test_it_edits_a_message_and_folds_what_came_of_it(page, context, built):
    from playwright.sync_api import expect

    other = context.new_page()
    other.goto(built)
    expect(says(other)).to_have_count(2)
    page.locator("#chat .say").last.hover()
    page.get_by_role("button", name="Edit this message").last.click()
    expect(page.locator("#editing")).to_contain_text("the files go back to version 1")
    expect(page.locator("#text")).to_have_value("Rename it to Leaf")
    expect(page.locator("#tray li")).to_have_count(1)
    page.fill("#text", "Rename it to Steep")
    page.press("#text", "Enter")
    line = page.get_by_role("button", name="1 message set aside")
    expect(line).to_be_visible()
    expect(page.locator("#editing")).to_be_hidden()
    expect(page.locator("#tray li")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("")
    expect(says(page)).to_have_text(["a landing page for a tea shop", "Rename it to Steep"])
    expect(page.locator("#chat .say:visible img")).to_be_visible()
    # Another tab folds at once, and one that is loaded later shows the same.
    expect(other.get_by_role("button", name="1 message set aside")).to_be_visible()
    expect(says(other)).to_have_text(["a landing page for a tea shop", "Rename it to Steep"])
    expect(page.locator(".done:visible")).to_have_count(2, timeout=BUILD_MS)
    expect(page.frame_locator("#frame").locator("body")).to_contain_text("Steep", timeout=15_000)
    for one in (page, other):
        expect(one.locator(".done:visible")).to_have_count(2)
        shown = one.locator("#chat > li:visible").evaluate_all("items => items.map(item => item.id)")
        one.reload()
        expect(line).to_be_visible()
        expect(one.locator("#chat > li:visible")).to_have_count(len(shown))
        assert one.locator("#chat > li:visible").evaluate_all("items => items.map(item => item.id)") == shown
    line.press("Enter")
    expect(says(page)).to_have_text(["a landing page for a tea shop", "Rename it to Leaf", "Rename it to Steep"])
    expect(page.get_by_role("button", name="Edit this message")).to_have_count(2)
    line.press("Enter")
    expect(says(page)).to_have_count(2)


def test_it_gives_the_draft_back_when_it_is_left(page, built):
    from playwright.sync_api import expect

    page.fill("#text", "")
    page.press("#text", "ArrowUp")
    expect(page.locator("#text")).to_have_value("Rename it to Leaf")
    page.press("#text", "Escape")
    expect(page.locator("#editing")).to_be_hidden()
    expect(page.locator("#text")).to_have_value("")
    page.fill("#text", "Half a thought")
    page.set_input_files("#attach-input", {"name": "note.txt", "mimeType": "text/plain", "buffer": b"note"})
    expect(page.locator("#tray")).to_contain_text("note.txt")
    page.press("#text", "ArrowUp")
    expect(page.locator("#editing")).to_be_hidden()
    for leave in ("key", "button", "reload"):
        first = page.get_by_role("button", name="Edit this message").first
        first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#editing")).to_contain_text("the files go back to the beginning")
        expect(page.locator("#editing")).to_contain_text("What came after it is set aside")
        expect(page.locator("#text")).to_have_value("a landing page for a tea shop")
        expect(page.locator("#tray")).not_to_contain_text("note.txt")
        page.fill("#text", "Something else")
        if leave == "key":
            page.press("#text", "Escape")
        elif leave == "button":
            page.get_by_role("button", name="Leave the message as it was").click()
        else:
            page.reload()
        expect(page.locator("#editing")).to_be_hidden()
        expect(page.locator("#text")).to_have_value("Half a thought")
        expect(page.locator("#tray")).to_contain_text("note.txt")
    # Its file is still there to be sent, and that of the message was not thrown away.
    from projects.models import Attachment

    assert Attachment.objects.filter(message=None).count() == Attachment.objects.exclude(message=None).count() == 1
    expect(page.locator("#chat .say")).to_have_count(2)
    # What a button proposes is another message, and stands above the draft as ever.
    page.get_by_role("button", name="Edit this message").first.click(force=True)
    expect(page.locator("#announce")).to_contain_text("the files go back to the beginning")
    page.fill("#text", "Something else")
    chip = page.locator("[data-suggest]").first
    words = chip.get_attribute("data-suggest")
    chip.click()
    expect(page.locator("#editing")).to_be_hidden()
    expect(page.locator("#text")).to_have_value(f"{words}\n\nHalf a thought")
    expect(page.locator("#tray")).to_contain_text("note.txt")


def test_it_offers_to_stop_what_is_at_work_and_keeps_the_words_when_it_is_refused(page, context, built):
    from playwright.sync_api import expect

    other = context.new_page()
    other.goto(built)
    other.get_by_role("button", name="Edit this message").last.click(force=True)
    expect(other.locator("#text")).to_have_value("Rename it to Leaf")
    other.fill("#text", "Rename it to Steep")
    page.fill("#text", "Add a FAQ section [[demo:slow=60]]")
    page.press("#text", "Enter")
    for one in (page, other):
        expect(one.locator("#run-line")).to_be_visible()
    other.press("#text", "Enter")
    expect(other.locator("#composer-error")).to_contain_text("A run is at work")
    expect(other.locator("#text")).to_have_value("Rename it to Steep")
    expect(other.locator("#editing")).to_be_visible()

    page.get_by_role("button", name="Edit this message").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("A run is at work")
    expect(page.locator("#editing")).to_be_hidden()
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator(".done").last).to_contain_text("Stopped, as you asked", timeout=20_000)

    # Something was said meanwhile: the first time that is told, with what would be set aside by now.
    expect(other.locator("#run-line")).to_be_hidden()
    other.press("#text", "Enter")
    expect(other.locator("#composer-error")).to_contain_text("meanwhile")
    expect(other.locator("#editing")).to_contain_text("What came after it is set aside")
    other.press("#text", "Enter")
    expect(other.get_by_role("button", name="2 messages set aside")).to_be_visible()
    expect(page.get_by_role("button", name="2 messages set aside")).to_be_visible()


def say(page, text, edit=False):
    """Asks, or asks in other words what was asked last; once it is answered."""
    from playwright.sync_api import expect

    done = page.locator(".done:visible")
    answered = done.count()
    if edit:
        page.press("#text", "ArrowUp")
        expect(page.locator("#editing")).to_be_visible()
    page.fill("#text", text)
    page.press("#text", "Enter")
    expect(says(page).last).to_have_text(text)
    expect(done).to_have_count(answered if edit else answered + 1, timeout=BUILD_MS)
    expect(page.locator("#run-line")).to_be_hidden()
    expect(page.locator("#editing")).to_be_hidden()


def test_it_shows_the_same_in_a_tab_that_is_behind_and_where_no_script_runs(
    page, context, browser, stack, opened, eventually
):
    from playwright.sync_api import expect

    opened({**starting_files("html"), "index.html": b"<h1>Bread</h1>"})
    page.select_option("#mode", "ask")
    # A tab whose events are late, and without the cards: it takes these from the page, where more has happened.
    held = []

    def hold(socket):
        socket.connect_to_server().on_message(lambda text: held.append((socket, json.loads(text))))

    def release(count):
        while held and count:
            socket, event = held.pop(0)
            event.pop("html", None)
            if "id" in event:
                socket.send(json.dumps(event))
                count -= event["type"] == "user_message"

    behind, focused = context.new_page(), context.new_page()
    behind.route_web_socket(re.compile("/ws/"), hold)
    for tab in (behind, focused):
        tab.goto(page.url)
    say(page, "How many headings are there?")
    say(page, "How many words are there?", edit=True)
    line = focused.get_by_role("button", name="1 message set aside")
    line.focus()
    say(page, "How many pages are there?", edit=True)
    # A row that grows keeps its line, and the line the focus.
    expect(focused.get_by_role("button", name="2 messages set aside")).to_be_focused()
    edits.save_file(Project.objects.get(), "note.txt", b"The last that is heard of")

    def is_the_same():
        expect(says(behind)).to_have_text(["How many pages are there?"])
        expect(behind.locator(".done:visible")).to_have_count(1)
        expect(behind.get_by_role("button", name="2 messages set aside")).to_have_count(1)

    release(1)
    is_the_same()
    expect(behind.locator("#version-now")).to_have_text("v1")
    eventually(lambda: release(-1) or behind.locator("#version-now").inner_text() == "v2")
    is_the_same()

    plain = browser.new_context(base_url=stack.url, java_script_enabled=False, storage_state=context.storage_state())
    bare = plain.new_page()
    bare.goto(page.url)
    expect(says(bare)).to_have_count(3)
    expect(bare.locator("#chat [data-edit-message]:visible")).to_have_count(0)
    plain.close()


def test_it_is_reachable_on_a_phone(browser, stack, page, context, built):
    from playwright.sync_api import expect

    phone = browser.new_context(
        base_url=stack.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    phone.add_cookies(context.cookies())
    small = phone.new_page()
    small.goto(built)
    button = small.get_by_role("button", name="Edit this message").last
    expect(button).to_have_css("opacity", "1")
    box = button.bounding_box()
    assert box and min(box["width"], box["height"]) >= 24
    button.tap()
    expect(small.locator("#editing")).to_contain_text("the files go back to version 1")
    assert small.evaluate("document.documentElement.scrollWidth") <= 390
    small.get_by_role("button", name="Leave the message as it was").tap()
    expect(small.locator("#editing")).to_be_hidden()
    phone.close()
