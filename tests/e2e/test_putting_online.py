"""An app is put online from the workspace, visited by a stranger, brought up to date and taken offline."""

from tests.e2e.conftest import BUILD_MS


def test_it_goes_online_stays_as_it_was_and_goes_offline(page, browser, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)
    page.click("#share-menu > summary")
    page.fill("#site-name", "www")
    page.get_by_role("button", name="Put version 1 online").click()
    expect(page.locator("#site-wrong")).to_contain_text("reserved")
    expect(page.locator("#site-name")).to_be_focused()
    page.fill("#site-name", "quiet-kettle")
    page.get_by_role("button", name="Put version 1 online").click()
    expect(page.locator(".site-busy")).to_contain_text("Building version 1")
    page.reload()
    page.click("#share-menu > summary")
    expect(page.locator("#site-url")).to_have_value(address(page), timeout=BUILD_MS)

    stranger = browser.new_context().new_page()
    failed = []
    stranger.on("pageerror", lambda error: failed.append(str(error)))
    stranger.goto(address(page))
    heading = stranger.locator("h1")
    expect(heading).to_be_visible()
    before = heading.inner_text()

    page.keyboard.press("Escape")
    page.fill("#text", "Change the headline to Steep slowly")
    page.press("#text", "Enter")
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    stranger.reload()
    expect(heading).to_have_text(before)
    page.click("#share-menu > summary")
    page.get_by_role("button", name="Put version 2 online").click()
    expect(page.locator("#site-box")).to_contain_text("Version 2, put online", timeout=BUILD_MS)
    stranger.reload()
    expect(heading).to_have_text("Steep slowly")
    assert not failed

    page.get_by_role("button", name="Take offline").click()
    page.get_by_role("button", name="Take it offline").click()
    expect(page.locator("#site-name")).to_be_visible()
    assert stranger.goto(address(page)).status == 404
    expect(stranger.locator("h1")).to_have_text("Nothing is online here")


def address(page):
    """The address that the site is to have: on this site's port."""
    return f"http://quiet-kettle.sites.localhost:{page.evaluate('location.port')}/"
