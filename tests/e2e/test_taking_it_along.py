"""A project leaves with its history and comes back: the menu's download, the import page, chat, versions."""

from tests.e2e.conftest import WORKSPACE


def test_it_takes_a_project_along_and_back(page, opened, tmp_path):
    from playwright.sync_api import expect

    from projects import versions
    from projects.models import Project
    from projects.services import add_message

    opened({"index.html": b"<h1>Bread</h1>\n"})
    project = Project.objects.get()
    # As after an import of what was too much for one ZIP: the oldest versions are not there.
    project.versions.update(number=41)
    versions.save_file(project, "notes.txt", b"one\n")
    add_message(project, "user", "A page for a **bakery**")
    add_message(project, "assistant", "Here it is.")
    page.click(".bar-title > summary")
    with page.expect_download() as download:
        page.click("text=Download with history")
    download.value.save_as(tmp_path / "bakery.zip")
    assert download.value.suggested_filename == "Page-for-a-bakery-whole.zip"
    project.delete()

    page.goto("/projects/import/")
    page.set_input_files("#file", tmp_path / "bakery.zip")
    page.focus("#file")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(WORKSPACE)
    expect(page.locator(".chat .say-text strong")).to_have_text("bakery")
    expect(page.locator(".chat .elsewhere")).to_have_count(2)
    expect(page.locator("#version-now")).to_have_text("v42")
    page.click("#tab-history")
    expect(page.locator("#history-main .change-path")).to_have_text(["notes.txt"])
    # Nothing is before the first that is there.
    page.locator("#history-list [data-version='41']").click()
    expect(page.locator("#history-main .change-path")).to_have_text(["index.html"])
