"""What a newcomer does: a prompt, an account, an app that runs, a second prompt, the code, the ZIP."""

import io
import zipfile

from tests.e2e.conftest import BUILD_MS, WORKSPACE


def test_it_goes_from_a_prompt_to_a_running_app_and_on_to_the_next_version(page, begin):
    from playwright.sync_api import expect

    begin(page, "a pricing page for a bakery called Crumb & Co", "react")
    done = page.locator(".done")
    expect(done).to_have_count(1, timeout=BUILD_MS)
    expect(done).to_contain_text("Built version 1")
    expect(done).to_contain_text("Builds")
    app = page.frame_locator("#frame")
    expect(app.locator("h1")).to_be_visible(timeout=30_000)
    expect(app.locator("body")).to_contain_text("Crumb & Co")
    expect(page.locator("#version-now")).to_have_text("v1")
    expect(page.get_by_role("group", name="Suggestions")).to_contain_text("Add dark mode")

    page.fill("#text", "Rename it to Flour Power")
    page.press("#text", "Enter")
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(page.locator("#version-now")).to_have_text("v2")
    expect(app.locator("body")).to_contain_text("Flour Power", timeout=30_000)

    page.click("#tab-code")
    page.locator("#tree").get_by_text("index.html").click()
    expect(page.locator("#editor")).to_contain_text("Flour Power")

    with page.expect_download() as download:
        page.locator(".bar-download").click()
    content = download.value.path().read_bytes()
    assert {"index.html", "package.json", "src/App.tsx"} <= set(zipfile.ZipFile(io.BytesIO(content)).namelist())

    page.goto("/projects/")
    expect(page.locator("main")).to_contain_text("bakery")
    page.goto("/usage/")
    expect(page.locator("main")).to_contain_text("Welcome")


def test_it_shows_everything_again_after_a_reload_in_the_middle(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=4]]")
    expect(page.locator(".tool, .live, .reply").first).to_be_visible(timeout=BUILD_MS)
    page.reload()
    expect(page.locator(".say")).to_have_count(1)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    shown = page.locator("#chat > li").evaluate_all("items => items.map(item => item.id)")
    page.reload()
    expect(page.locator(".done")).to_have_count(1)
    again = page.locator("#chat > li").evaluate_all("items => items.map(item => item.id)")
    assert shown == again
    assert len(shown) == len(set(shown))


def test_it_goes_on_with_the_page_closed(page, context, begin):
    from playwright.sync_api import expect

    path = begin(page, "a landing page for a tea shop")
    page.close()
    other = context.new_page()
    other.goto(path)
    expect(other.locator(".done")).to_have_count(1, timeout=BUILD_MS)


def test_it_shows_the_same_run_in_two_tabs(page, context, begin):
    from playwright.sync_api import expect

    path = begin(page, "a landing page for a tea shop [[demo:slow=3]]")
    other = context.new_page()
    other.goto(path)
    for tab in (page, other):
        expect(tab.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    first, second = (
        tab.locator("#chat > li").evaluate_all("items => items.map(item => item.id)") for tab in (page, other)
    )
    assert first == second


def test_it_fits_a_phone(page, begin):
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 390, "height": 844})
    begin(page, "a landing page for a tea shop", limit="2.5")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    expect(page.locator(".limit > summary")).to_contain_text("≤ 2.5")
    page.click(".limit > summary")
    expect(page.locator(".limit > .menu-panel")).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    page.locator("[data-pane-tab=preview]").click()
    expect(page.frame_locator("#frame").locator("h1")).to_be_visible(timeout=30_000)
    assert WORKSPACE.search(page.url)


def test_it_waits_for_an_answer_and_goes_on_with_it(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:ask=Which colour do you like?]]")
    question = page.locator(".question")
    expect(question).to_contain_text("Which colour do you like?", timeout=BUILD_MS)
    page.fill("#text", "Green, please")
    page.press("#text", "Enter")
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)
    expect(page.locator(".say")).to_have_count(2)
    expect(question).to_have_count(1)
