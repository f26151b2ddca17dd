"""The app in any size, a tree of hundreds of files, a button that is pressed twice."""

import base64

from agents.services import close_preview
from projects import pictures, versions
from projects.frameworks import starting_files
from projects.models import Project

# A WebP of one pixel.
DOT = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")


def width(page):
    return round(page.locator(".device").bounding_box()["width"])


def becomes(page, pixels):
    """Waits for a size; it goes there smoothly."""
    there = "pixels => Math.round(document.querySelector('.device').getBoundingClientRect().width) === pixels"
    page.wait_for_function(there, arg=pixels)


def test_it_shows_the_app_in_any_size_and_in_full(opened):
    from playwright.sync_api import expect

    page = opened({**starting_files("html"), "index.html": b"<h1>Bread</h1>"})
    expect(page.locator("#preview")).to_have_attribute("data-state", "ready", timeout=60_000)
    full = width(page)
    page.get_by_role("button", name="Phone", exact=True).click()
    becomes(page, 390)
    expect(page.get_by_role("button", name="Phone", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Tablet", exact=True).click()
    expect(page.locator("#device-width")).to_have_value("820")
    page.fill("#device-width", "500")
    page.press("#device-width", "Enter")
    becomes(page, 500)
    page.fill("#device-width", "5")
    page.press("#device-width", "Enter")
    expect(page.locator("#device-width")).to_have_value("240")
    page.click("#device-turn")
    expect(page.locator("#device-height")).to_have_value("240")

    page.fill("#device-width", "420")
    page.press("#device-width", "Enter")
    becomes(page, 420)
    handle = page.locator("[data-handle=x]")
    at = handle.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2 + 40, at["y"] + at["height"] / 2, steps=4)
    page.mouse.up()
    becomes(page, 500)  # both sides grow
    handle.press("ArrowLeft")
    becomes(page, 480)
    page.reload()
    becomes(page, 480)

    page.get_by_role("button", name="Desktop", exact=True).click()
    expect(page.locator("#device-size")).to_be_hidden()
    becomes(page, full)
    page.get_by_role("button", name="Full screen", exact=True).click()
    page.wait_for_function("() => document.fullscreenElement?.id === 'preview-side'")
    page.wait_for_function(f"() => document.querySelector('.device').getBoundingClientRect().width > {full}")


def test_it_shows_pages_of_the_app_alone(opened):
    from playwright.sync_api import expect

    page = opened({**starting_files("html"), "index.html": b"<h1>Bread</h1>", "about.html": b"<h1>About</h1>"})
    app = page.frame_locator("#frame").locator("h1")
    expect(app).to_have_text("Bread", timeout=60_000)
    for elsewhere in ("https://example.com", "javascript:document.write('x')", "\\\\example.com"):
        page.fill("#path", elsewhere)
        page.press("#path", "Enter")
        expect(page.locator(".toast.error")).to_contain_text("Only pages of this app are shown here")
        page.locator(".toast.error [aria-label=Dismiss]").click()
        expect(app).to_have_text("Bread")
    page.fill("#path", "/about.html")
    page.press("#path", "Enter")
    expect(app).to_have_text("About")


def test_it_shows_how_the_app_looked_while_it_sleeps_and_starts(opened, stack):
    from playwright.sync_api import expect

    page = opened({**starting_files("html"), "index.html": b"<h1>Bread</h1>"})
    preview, look = page.locator("#preview"), page.locator("#last-look")
    expect(preview).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(look).to_be_hidden()
    project = Project.objects.get()
    # Taken while the page is open, as after a run.
    pictures.keep(project.versions.get(), DOT)
    versions.save(project, {"index.html": b"<h1>Broken"}, source="run", title="Second")
    close_preview(project)
    expect(preview).to_have_attribute("data-state", "paused", timeout=60_000)
    drawn = "() => document.querySelector('#last-look').naturalWidth > 0"
    page.wait_for_function(drawn)
    expect(look).to_be_visible()
    expect(look).to_have_attribute("src", f"/projects/{project.pk}/versions/1/picture.webp")
    wake = page.get_by_role("button", name="Wake it up")
    expect(wake).to_be_in_viewport()

    stack.stop("chores")
    wake.click()
    expect(page.locator("#preview-starting")).to_be_visible()
    expect(look).to_be_visible()
    page.reload()
    page.wait_for_function(drawn)
    expect(preview).to_have_attribute("data-state", "starting")
    expect(look).to_be_visible()
    stack.start("chores")
    expect(preview).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(look).to_be_hidden()


def test_it_goes_through_many_files_with_few_of_them_in_the_page(opened):
    from playwright.sync_api import expect

    page = opened({f"src/part{number // 50:02}/file{number:04}.txt": b"x" for number in range(1_500)})
    page.click("#tab-code")
    items = page.locator("#tree [role=treeitem]")
    expect(items.first).to_be_visible()
    assert items.count() < 150
    page.locator("#tree [tabindex='0']").focus()
    page.keyboard.press("End")
    last = page.locator("#tree [data-path='src/part29/file1499.txt']")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    assert items.count() < 150
    page.keyboard.press("Enter")
    expect(page.locator("#crumbs b")).to_have_text("file1499.txt")


def test_it_starts_one_project_for_a_double_click(page, sign_up):
    page.goto("/accounts/signup/")
    sign_up(page)
    page.wait_for_url("**/projects/")
    page.fill("#prompt", "A landing page for a tea shop")
    page.locator(".new-prompt .send").dblclick()
    page.wait_for_url("**/projects/*-*/")
    assert Project.objects.count() == 1
