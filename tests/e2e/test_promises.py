"""What a person sees of promises: on the closing card, and as a list that they can add to."""

import pytest

from agents import browser
from tests.e2e.conftest import BUILD_MS

pytestmark = pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")


def test_it_shows_a_list_that_grows_and_takes_what_a_person_adds(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a bakery called Crumb & Co")
    done = page.locator(".done")
    expect(done).to_have_count(1, timeout=BUILD_MS)
    expect(done).to_contain_text("2 new promises")
    page.fill("#text", "Rename it to Flour Power")
    page.press("#text", "Enter")
    expect(done).to_have_count(2, timeout=BUILD_MS)
    expect(done.last).to_contain_text("1 of 1 earlier promise still holds")
    expect(done.last).to_contain_text("Taken back on purpose: The page is called Crumb & Co")
    expect(done.last).to_contain_text("1 new promise")

    page.click("#tab-context")
    rows = page.locator(".promises li")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text("The page is called Flour Power")
    expect(rows.last).to_contain_text("True in version 2")
    page.fill("#promise-says", "It says when it is open")
    page.fill("#promise-text", "Open from 7")
    page.fill("#promise-path", "//evil.example")
    page.locator(".promise-form button").click()
    expect(page.locator(".toast", has_text="no path of a page")).to_be_visible()
    page.fill("#promise-path", "/")
    page.locator(".promise-form button").click()
    expect(rows).to_have_count(3)
    expect(rows.last).to_contain_text("Not checked yet · added by hand")
    expect(page.locator("#promise-says")).to_have_value("")
    page.get_by_role("button", name="Delete: It says when it is open").click()
    expect(rows).to_have_count(2)
    page.reload()
    page.click("#tab-context")
    expect(rows).to_have_count(2)
