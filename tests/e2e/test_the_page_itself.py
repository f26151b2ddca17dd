"""The workspace as a page: light, never without its events, kind to keyboards, and it forgets nothing typed."""

import re

import pytest

from tests.e2e.conftest import BUILD_MS, WORKSPACE

MOST_BYTES, MOST_REQUESTS = 60_000, 8


def shown(page):
    """Id and text of every card of the chat, in order."""
    return page.locator("#chat > li").evaluate_all("items => items.map(item => [item.id, item.innerText.trim()])")


def finish(page):
    from playwright.sync_api import expect

    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)


def test_it_is_light(page, browser, context, stack, begin):
    path = begin(page, "a landing page for a tea shop")
    finish(page)
    page.close()
    fresh = browser.new_context(base_url=stack.url, storage_state=context.storage_state()).new_page()
    ours = []
    fresh.on("requestfinished", lambda request: ours.append(request) if request.url.startswith(stack.url) else None)
    fresh.goto(path)
    fresh.wait_for_load_state("networkidle")
    code = [request for request in ours if re.search(r"\.(js|css)$", request.url)]
    size = sum(request.sizes()["responseBodySize"] for request in code)
    print(f"workspace: {len(ours)} requests, {size / 1000:.1f} kB of scripts and styles as sent")
    assert size <= MOST_BYTES
    assert len(ours) <= MOST_REQUESTS
    # What chooses a view and what it offers stand in one line.
    views, reload = (fresh.locator(of).bounding_box() for of in (".view-tabs", "#reload"))
    assert views and reload
    assert abs((views["y"] + views["height"] / 2) - (reload["y"] + reload["height"] / 2)) <= 2


@pytest.mark.parametrize("refused", ["/ws/", "/ws/|/stream/"], ids=["no-websocket", "no-websocket-no-sse"])
def test_it_shows_the_same_by_any_connection(page, begin, refused):
    page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())
    page.route(re.compile(refused), lambda route: route.abort())
    begin(page, "a landing page for a tea shop")
    finish(page)
    before = shown(page)
    page.reload()
    finish(page)
    assert shown(page) == before


def test_it_catches_up_after_the_network_was_away(page, context, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=5]]")
    expect(page.locator(".live, .reply").first).to_be_visible(timeout=BUILD_MS)
    context.set_offline(True)
    expect(page.locator("#link")).to_have_attribute("data-link", "offline")
    context.set_offline(False)
    finish(page)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    before = shown(page)
    page.reload()
    finish(page)
    assert shown(page) == before


def test_it_says_that_the_server_cannot_be_reached_only_until_it_can(opened):
    from playwright.sync_api import expect

    page = opened({"index.html": b"<h1>Bread</h1>"})
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    page.context.set_offline(True)
    page.fill("#text", "Make it blue")
    page.press("#text", "Enter")
    expect(page.locator("#composer-error")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    expect(page.locator("#composer-error")).to_be_hidden()
    expect(page.locator("#text")).to_have_value("Make it blue")


def test_it_keeps_what_was_typed_who_works_on_it_what_that_may_cost_and_how_wide_the_chat_was(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    finish(page)
    page.fill("#text", "half a thought")
    page.focus("#splitter")
    page.keyboard.press("ArrowRight")
    width = page.locator("#chat-pane").bounding_box()["width"]
    page.focus(".limit > summary")
    page.keyboard.press("Enter")
    expect(page.locator("#limit")).to_be_focused()
    page.keyboard.type("1.257")
    for more in ("", "x"):
        page.keyboard.type(more)
        page.keyboard.press("Enter")
        expect(page.locator("#limit")).to_be_focused()  # no number of credits
        said = page.locator("#limit").evaluate("(input) => input.validationMessage")
        assert said.startswith("A limit is a number of credits from 0.01 to 100,000 with at most two decimals")
        expect(page.locator(".limit > summary")).not_to_contain_text("≤")
    for wrong in ("0", "0.00", "100000.01", "999999", "2,5", "-1"):
        page.fill("#limit", wrong)
        assert not page.locator("#limit").evaluate("(input) => input.validity.valid"), wrong
    for fine in ("0.01", "5", "100000", "100000.0", ""):
        page.fill("#limit", fine)
        assert page.locator("#limit").evaluate("(input) => input.validity.valid"), fine
    page.keyboard.type("1.25")
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        page.select_option("#model", "vibe-l")
    page.reload()
    expect(page.locator("#model")).to_have_value("vibe-l")
    expect(page.locator(".limit > summary")).to_contain_text("≤ 1.25")
    expect(page.locator("#text")).to_have_value("half a thought")
    assert page.locator("#chat-pane").bounding_box()["width"] == width


def test_it_opens_files_by_keyboard_and_goes_back(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    finish(page)
    page.focus("#tab-preview")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#editor .cm-content")).to_be_visible()
    page.focus("#tree [tabindex='0']")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("file="))
    last = page.locator("#tree [role=treeitem]").last
    expect(last).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page).to_have_url(re.compile(r"tab=code&file=index.html$"))
    expect(page.locator("#crumbs b")).to_have_text("index.html")
    assert WORKSPACE.search(page.url)


def test_it_leads_from_the_conversation_to_the_message_box(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    finish(page)
    page.locator(".done button").first.focus()
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#text")).to_have_value("/")
    page.focus("#chat-scroll")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()


def test_it_is_no_taller_than_the_screen(page, begin):
    begin(page, "a landing page for a tea shop")
    finish(page)
    for width, height in ((1440, 500), (390, 500)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.locator("#chat-scroll").evaluate("(box) => box.scrollHeight > box.clientHeight")
        assert page.evaluate("document.scrollingElement.scrollHeight") == height


def test_it_fills_the_screen_however_short_the_conversation(opened):
    page = opened({"index.html": b"<h1>Bread</h1>"})
    for side in (".work-pane", ".chat-pane"):
        box = page.locator(side).bounding_box()
        assert box and abs(box["y"] + box["height"] + 14 - page.viewport_size["height"]) <= 2, side


def test_it_deletes_a_project_and_undoes_it(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    page.goto("/projects/")
    page.locator(".project .menu summary").click()
    page.locator("[data-delete] button").click()
    expect(page.locator(".project")).to_have_count(0)
    page.locator(".toast-action").click()
    expect(page.locator(".project")).to_have_count(1)


def test_it_offers_no_full_screen_where_there_is_none(page, opened):
    from playwright.sync_api import expect

    page.add_init_script("Object.defineProperty(Document.prototype, 'fullscreenEnabled', {value: undefined})")
    opened({"index.html": b"<h1>Tea</h1>"})
    expect(page.locator("#doctor-toggle")).to_be_visible()
    expect(page.locator("#full")).to_be_hidden()
