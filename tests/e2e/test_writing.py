"""While the model writes files, the chat says which one and how far it is."""

import re

from tests.e2e.conftest import BUILD_MS

WRITING = re.compile(r"^Writing [a-z]+\.(html|css|js) ?\d+ lines$")


def test_it_shows_what_is_being_written_until_it_is_there(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=20]]")
    card = page.locator("#chat > #tool-writing")
    expect(card).to_have_text(WRITING, timeout=20_000)
    # Somebody who comes later sees it as well.
    page.reload()
    expect(card).to_have_text(WRITING, timeout=20_000)
    assert page.locator("#announce").text_content() == "Building"
    # What was done stands in its place.
    expect(page.locator("#chat > [id^=tool-]:not(#tool-writing)").first).to_be_visible(timeout=BUILD_MS)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    expect(card).to_have_count(0)
