"""A newest version that does not work: marked in the menu, and one click from the last that did."""

from agents import edits
from projects import versions
from projects.frameworks import starting_files
from projects.models import Project


def test_it_goes_back_to_the_last_that_worked_in_one_click(opened):
    from playwright.sync_api import expect

    page = opened({**starting_files("html"), "index.html": b"<h1>Bread</h1>"})
    project = Project.objects.get()
    for text, works in ((b"Tea", True), (b"Broken", False)):
        files = {**starting_files("html"), "index.html": b"<h1>" + text + b"</h1>"}
        versions.save(project, files, source="run", verdict={"page": True, "console": works})
    page.reload()
    offer = page.locator("#preview-side [data-way-back]")
    expect(offer).to_contain_text("Restore version 2, the last that worked")
    page.click("#versions-menu summary")
    rows = page.locator("#versions li")
    expect(rows.nth(0)).to_contain_text("does not work ✗ · console")
    expect(rows.nth(1)).to_contain_text("works ✓")
    expect(rows.nth(2)).not_to_contain_text("work")
    menu = page.locator("#versions-menu [data-way-back]")
    menu.get_by_role("button", name="Restore version 2").click()
    expect(page.locator("#version-now")).to_have_text("v4")
    expect(page.locator("#versions-menu")).not_to_have_attribute("open", "")
    expect(offer).to_be_hidden()

    # What comes while the page is open is offered and marked as after a reload.
    edits.restore(project, project.versions.get(number=3))
    expect(offer).to_contain_text("Restore version 4, the last that worked")
    page.click("#versions-menu summary")
    expect(rows.nth(0)).to_contain_text("does not work ✗ · console")
    page.click("#versions-menu summary")
    offer.get_by_role("button").click()
    expect(page.locator("#version-now")).to_have_text("v6")
    expect(offer).to_be_hidden()
    expect(page.frame_locator("#frame").locator("h1")).to_have_text("Tea", timeout=60_000)

    # While a run is at work on it nothing can be restored.
    edits.restore(project, project.versions.get(number=3))
    expect(offer).to_be_visible()
    page.fill("#text", "Make it blue [[demo:slow=60]]")
    page.press("#text", "Enter")
    expect(page.locator("#stop")).to_be_visible()
    expect(offer).to_be_hidden()
