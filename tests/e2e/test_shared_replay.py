"""Whoever has the link watches how the app was made, if its owner shows that."""

import re

from tests.e2e.conftest import BUILD_MS


def test_it_is_switched_on_and_watched_by_a_stranger(page, begin, browser, stack):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.locator("#share-menu summary").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()
    switch = page.get_by_label("Show how it was made")
    expect(switch).not_to_be_checked()
    expect(page.locator("#share-shows")).to_contain_text("No commands or their output")
    visitor = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800})
    stranger = visitor.new_page()
    stranger.goto(link)
    how = stranger.get_by_role("button", name="How it was made")
    expect(how).to_have_count(0)

    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        switch.check()
    stranger.reload()
    how.click()
    replay = stranger.locator(".replay")
    expect(replay.locator(".say")).to_contain_text("a landing page for a tea shop")
    # The app stays beside it.
    expect(stranger.frame_locator("#frame").locator("h1")).to_be_visible(timeout=60_000)
    app, film = stranger.locator("#frame").bounding_box(), replay.bounding_box()
    assert film["x"] + film["width"] <= app["x"]
    stranger.get_by_label("Place in the run").press("End")
    expect(replay.locator(".done")).to_contain_text("Built")
    expect(replay.locator(".change-path", has_text=re.compile(r"index\.html")).first).to_be_visible()
    stranger.keyboard.press("Escape")
    expect(replay).to_have_count(0)
    expect(how).to_be_focused()
    stranger.set_viewport_size({"width": 390, "height": 844})
    how.click()
    expect(replay).to_be_visible()
    assert stranger.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.close()

    # The menu remembers; the owner's own replay is as it was.
    page.reload()
    page.locator("#share-menu summary").click()
    expect(switch).to_be_checked()
    page.keyboard.press("Escape")
    page.locator("#share-menu").evaluate("(menu) => menu.removeAttribute('open')")
    page.locator("[data-replay]").click()
    expect(page.locator(".replay .say")).to_be_visible()
