"""The running app talks back: its console, its address and its elements reach the composer, and nothing else of it."""

import re

from tests.api.test_attachments import png
from tests.e2e.conftest import BUILD_MS


def test_it_hears_the_app_and_points_into_it(page, begin, tmp_path):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.reload()  # the end of a first run loads the app once more, and with it goes what its page was told
    app = page.frame_locator("#frame")
    expect(app.locator("h1")).to_be_visible(timeout=30_000)
    frame = next(frame for frame in page.frames if frame.parent_frame)

    # Errors are counted, listed as text, and given to the agent in a message that can be changed first.
    frame.evaluate("console.error('Broken <b>badly</b>', {code: 7}); history.pushState(null, '', '/menu?x=1')")
    expect(page.locator("#console-count")).to_have_text("1")
    expect(page.locator("#path")).to_have_value("menu?x=1")
    page.click("#console-toggle")
    expect(page.locator("#console-lines li[data-level=error] pre")).to_have_text('Broken <b>badly</b> {"code":7}')
    page.locator("#console-lines li").get_by_role("button").click()
    expect(page.locator("#text")).to_have_value(re.compile(r"On /menu\?x=1 .*Broken <b>badly</b>.*mend it", re.DOTALL))
    page.fill("#text", "")

    # What pretends to be the app, or sends what no app of ours sends, is not heard.
    page.evaluate("postMessage({vibe: 1, type: 'console', level: 'error', text: 'forged'}, '*')")
    frame.evaluate("""() => {
        for (const data of [{vibe: 1, type: 'console', level: 'evil', text: 'x'}, {vibe: 1, type: '__proto__'}, null,
                            {vibe: 1, type: 'where', path: 'javascript:alert(1)'},
                            {vibe: 1, type: 'picked', tag: 'h1', selector: 'h1', text: 'nobody pointed'}])
            parent.postMessage(data, '*');
        const line = (i) => ({vibe: 1, type: 'console', level: 'log', text: `flood ${i}`});
        for (let i = 0; i < 500; i++) parent.postMessage(line(i), '*');
    }""")
    expect(page.locator("#console-lines li", has_text="flood 0")).to_have_count(1)
    assert page.locator("#console-lines li").count() < 200
    expect(page.locator("#console")).not_to_contain_text("forged")
    expect(page.locator("#path")).to_have_value("menu?x=1")
    expect(page.locator("#tray")).to_be_hidden()

    # An element that is pointed at goes along with the message, even while the app logs without end; and so do files.
    frame.evaluate("""() => {
        const say = () => { for (let i = 0; i < 100; i++) console.log('on and on') };
        say(), (window.loud = setInterval(say, 100));
    }""")
    page.click("#pick")
    expect(app.locator("vibe-pick")).to_be_attached()
    box = app.locator("h1").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.click(box["x"] + 20, box["y"] + 10)
    expect(page.locator("#tray li")).to_contain_text("h1")
    expect(page.locator("#pick")).to_have_attribute("aria-pressed", "false")
    frame.evaluate("clearInterval(loud)")
    picture = tmp_path / "look.png"
    picture.write_bytes(png(40, 30))
    page.set_input_files("#attach-input", picture)
    expect(page.locator("#tray img")).to_be_visible()
    page.set_input_files("#attach-input", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF\xff"})
    expect(page.locator("#composer-error")).to_contain_text("a.pdf was not added")
    expect(page.locator("#tray li")).to_have_count(2)
    page.fill("#text", "How is this done?")
    page.locator("#ask-hint button").click()
    expect(page.locator("#mode")).to_have_value("ask")
    page.press("#text", "Enter")
    said = page.locator(".say").last
    expect(said.locator("img")).to_have_js_property("naturalWidth", 40)
    expect(said).to_contain_text("This is about the element")
    expect(page.locator("#tray")).to_be_hidden()

    # A tab of its own gets the page as it is.
    assert "__vibe" in frame.content()
    alone = page.context.new_page()
    alone.goto(frame.url.split("/menu")[0])
    assert "__vibe" not in alone.content()


def test_it_offers_to_ask_what_the_server_takes_for_a_question(opened):
    from playwright.sync_api import expect

    page = opened({"index.html": b"<h1>Tea</h1>"})
    hint = page.locator("#ask-hint")
    # A question by its words alone, without a mark.
    page.fill("#text", "Explain the colours of this page")
    expect(hint).to_be_visible()
    page.fill("#text", "Why is the header blue? Make it green.")
    expect(hint).to_be_hidden()
    page.fill("#text", "Why is the header blue?")
    expect(hint).to_be_visible()
    page.select_option("#mode", "ask")
    expect(hint).to_be_hidden()


def test_it_keeps_over_a_reload_what_goes_along(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    files = [
        {"name": "look.png", "mimeType": "image/png", "buffer": png(40, 30)},
        {"name": "menu.txt", "mimeType": "text/plain", "buffer": b"Tea 3"},
    ]
    page.set_input_files("#attach-input", files)
    expect(page.locator("#tray [aria-busy]")).to_have_count(0)
    page.fill("#text", "Use these")
    page.reload()
    expect(page.locator("#text")).to_have_value("Use these")
    expect(page.locator("#tray .tray-name")).to_have_text(["look.png", "menu.txt"])
    expect(page.locator("#tray img")).to_have_js_property("naturalWidth", 40)
    page.get_by_role("button", name="Remove menu.txt").click()
    with page.expect_response("**/messages/"):  # until it is known that it arrived, a reload gives it back
        page.press("#text", "Enter")
    expect(page.locator(".say").last.locator("img")).to_have_js_property("naturalWidth", 40)
    page.reload()
    expect(page.locator(".say").last.locator("img")).to_have_js_property("naturalWidth", 40)
    expect(page.locator("#tray")).to_be_hidden()

    # Nowhere else while it is on its way.
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.route("**/attachments/", lambda _: None)
    page.set_input_files("#attach-input", files[1:])
    page.once("dialog", stay)
    page.evaluate("location.href = '/projects/'")
    expect(page.locator("#tray [aria-busy]")).to_be_visible()
    assert asked == ["beforeunload"]
