"""A working day in one page: stages, queue, code tabs, upload, locks, a shell, an old version, replay, a share link."""

import re

from tests.e2e.conftest import BUILD_MS


def test_it_does_what_a_person_does_all_day(page, context, begin, browser, stack):
    from playwright.sync_api import expect

    from agents.models import Run
    from projects.models import Project

    begin(page, "a landing page for a tea shop [[demo:slow=2]]")
    expect(page.locator("#run-line")).to_be_visible()
    page.click("#stage-toggle")
    expect(page.locator("#stages li.now, #stages li.past").first).to_be_visible()
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    expect(page.locator(".done h2 .version-chip")).to_have_text("v1")
    cost = page.locator(".reply-foot summary").first
    cost.click()
    expect(page.locator(".reply-foot dl").first).to_contain_text("tokens")

    # Messages that wait: another order, and the page keeps it.
    for text in ("Add a FAQ section [[demo:slow=8]]", "Make it green", "Rename it to Flour Power"):
        page.fill("#text", text)
        page.press("#text", "Enter")
    waiting = page.locator(".queue-text")
    expect(waiting).to_have_text(["Make it green", "Rename it to Flour Power"])
    with page.expect_response("**/queue/"):
        page.locator("[data-queue=down]").first.click()
    expect(waiting).to_have_text(["Rename it to Flour Power", "Make it green"])
    page.reload()
    expect(waiting).to_have_text(["Rename it to Flour Power", "Make it green"])
    expect(page.locator(".done")).to_have_count(4, timeout=BUILD_MS)
    said = page.locator(".say-text").all_text_contents()  # what is out of sight has no inner text
    assert [text.split(" ")[0] for text in said[1:]] == ["Add", "Rename", "Make"]
    page.reload()
    expect(page.locator(".say-text")).to_have_text(said)
    # The page begins at the end of the chat, and stays where somebody goes from there.
    expect(page.locator(".done footer").last).to_be_in_viewport(ratio=1)
    page.hover("#chat-scroll")
    page.mouse.wheel(0, -600)
    expect(page.locator("#chat-scroll:not([data-following])")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator(".done footer").last).not_to_be_in_viewport()
    restore = page.locator(".done [data-restore]")
    expect(restore.first).to_be_visible()
    expect(restore.last).to_be_hidden()

    # Code: tabs, upload, a lock that the project keeps, colours.
    page.click("#tab-code")
    for name in ("index.html", "styles.css"):
        page.locator("#tree [data-path]").get_by_text(name, exact=True).click()
        expect(page.locator("#crumbs b")).to_have_text(name)
    expect(page.locator("#file-tabs .file-tab")).to_have_count(2)
    page.locator("#file-tabs [data-close='styles.css']").click()
    expect(page.locator("#crumbs b")).to_have_text("index.html")
    page.set_input_files("#upload", [{"name": n, "mimeType": "text/plain", "buffer": b"x"} for n in ("a.txt", "b.txt")])
    expect(page.locator("#crumbs b")).to_have_text("a.txt")
    expect(page.locator("#tree")).to_contain_text("b.txt")
    page.locator("[data-edits] summary").click()
    page.locator("[data-file-action=lock]").click()
    expect(page.locator("#tree [data-path='a.txt'] .sr")).to_have_text("locked")
    assert Project.objects.get().locked == ["/a.txt"]
    with page.expect_response("**/settings/code-theme/"):
        page.select_option("#code-theme", "contrast")
    expect(page.locator("#editor")).to_have_attribute("data-code-theme", "contrast")
    # Also in a browser that remembers nothing.
    page.evaluate("localStorage.clear()")
    page.reload()
    expect(page.locator("#code-theme")).to_have_value("contrast")
    expect(page.locator("#editor")).to_have_attribute("data-code-theme", "contrast")
    expect(page.locator("#file-tabs .file-tab")).to_have_count(2)

    # Context: rules are kept, and what is locked can be seen.
    page.click("#tab-context")
    page.fill("#brief-rules", "Prices in euros.")
    expect(page.locator("#brief-locked")).to_have_value("/a.txt")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator(".briefing")).to_contain_text("The next run keeps to it")
    assert Project.objects.get().rules == "Prices in euros."

    # A shell in the sandbox; what is changed there is kept when asked to.
    page.click("#tab-logs")
    page.click("#shell-new")
    expect(page.locator(".xterm-rows")).to_contain_text("$", timeout=30_000)
    page.keyboard.type("echo by hand > shell.txt; echo $((6*7))\n")
    expect(page.locator(".xterm-rows")).to_contain_text("42")
    page.click("#keep-files")
    expect(page.locator(".toast").last).to_contain_text("Kept as version 6", timeout=30_000)
    page.keyboard.press("Escape")
    page.locator(".shell-close").click()
    expect(page.locator("#log")).to_be_visible()

    # An old version runs beside the new one.
    page.click("#tab-history")
    page.locator("#history-list [data-version='1']").click()
    expect(page.locator("#history-main h2")).to_contain_text("v1")
    page.get_by_role("button", name="Run it").click()
    old = page.frame_locator("#beside iframe").first
    expect(old.locator("h1")).to_be_visible(timeout=60_000)

    # The first run again, as a time-lapse, by keyboard.
    page.locator("[data-replay]").first.click()
    bar = page.get_by_label("Place in the run")
    expect(page.locator(".replay .say")).to_have_count(1)
    page.keyboard.press("Space")
    at = float(bar.input_value())
    page.keyboard.press("ArrowRight")
    assert float(bar.input_value()) > at
    page.get_by_role("button", name="16×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".replay .done")).to_be_visible(timeout=30_000)
    page.keyboard.press("Escape")
    expect(page.locator(".replay")).to_have_count(0)

    # Whoever has the link sees the app; not after it is withdrawn.
    page.locator("#share-menu summary").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#share-url").input_value()
    stranger = browser.new_context(base_url=stack.url).new_page()
    stranger.goto(link)
    expect(stranger.frame_locator("#frame").locator("h1")).to_be_visible(timeout=60_000)
    expect(stranger.locator("body")).not_to_contain_text(re.compile("Prices in euros|Flour Power it"))
    page.get_by_role("button", name="Withdraw the link").click()
    expect(page.get_by_role("button", name="Make a link")).to_be_visible()
    assert stranger.goto(link).status == 404
    assert Run.objects.filter(state="succeeded").count() == 4
