"""A message that was worked on is edited in the composer; what it sets aside is folded in the chat, on every page."""

import pytest

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
    # What a button proposes is another message, in the place of the draft as ever.
    page.get_by_role("button", name="Edit this message").first.click(force=True)
    expect(page.locator("#announce")).to_contain_text("the files go back to the beginning")
    page.fill("#text", "Something else")
    chip = page.locator("[data-suggest]").first
    words = chip.get_attribute("data-suggest")
    chip.click()
    expect(page.locator("#editing")).to_be_hidden()
    expect(page.locator("#text")).to_have_value(words)
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
