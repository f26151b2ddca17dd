"""The showcase from end to end: the site builds an app for it, a visitor runs it, and takes it as a beginning."""

import pytest
from django.core.management import call_command

from agents import browser


@pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")
def test_it_is_filled_by_the_site_itself_and_its_apps_run_and_can_be_remixed(page, stack, sign_up):
    from playwright.sync_api import expect

    from projects.models import Project, ShowcaseEntry

    call_command("showcase", "seed", "--count", "1")
    entry = ShowcaseEntry.objects.select_related("project").get()
    assert entry.state == "listed" and entry.project.versions.get().works
    # A second time it builds nothing.
    call_command("showcase", "seed", "--count", "1")
    assert ShowcaseEntry.objects.count() == 1

    page.goto("/")
    picture = page.locator(".reel .entry img")
    expect(picture).to_be_visible()
    page.wait_for_function("() => document.querySelector('.reel img').naturalWidth === 1280")
    page.locator(".reel .entry h2 a").click()
    expect(page.locator("h1")).to_have_text(entry.title)
    page.click("#run")
    expect(page.frame_locator("#view iframe").locator("h1")).to_be_visible(timeout=60_000)
    expect(page.locator("#full")).to_be_visible()

    page.get_by_role("button", name="Remix it").click()
    page.wait_for_url("**/accounts/login/**")
    page.get_by_role("link", name="Create an account").click()
    sign_up(page)
    page.wait_for_url(f"**/showcase/{entry.pk}/")
    page.get_by_role("button", name="Remix it").click()
    page.wait_for_url("**/projects/*-*/")
    mine = Project.objects.exclude(owner=entry.author).get()
    assert mine.versions.get().manifest == entry.project.versions.get().manifest
