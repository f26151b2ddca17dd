"""The pages around the workspace as a person uses them: by keyboard, signed out in between, without a connection."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.e2e.conftest import BUILD_MS, PASSWORD

LIMIT_CSS = 30_000


def test_it_keeps_projects_in_order_by_hand_and_forgives_a_deletion(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.goto("/projects/")
    card = page.locator(".project")
    # The picture is taken by the worker after the run; the card shows it as soon as it is there.
    expect(card).to_have_count(1)
    star = card.locator(".star")
    star.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".group").first).to_have_text("Favourites")
    expect(page.locator(".star")).to_be_focused()
    expect(page.locator(".star")).to_have_attribute("aria-pressed", "true")

    page.locator(".project summary").press("Enter")
    page.fill(".project input[name=name]", "Leaves")
    page.press(".project input[name=name]", "Enter")
    expect(page.locator(".project h2 a")).to_have_text("Leaves")

    page.fill("input[type=search]", "nothing like it")
    expect(page.locator("#projects")).to_contain_text("Nothing called")
    page.fill("input[type=search]", "leav")
    expect(page.locator(".project")).to_have_count(1)

    page.locator(".project summary").click()
    page.locator("[data-delete] button").click()
    expect(page.locator(".project")).to_have_count(0)
    page.locator(".toast-action").click()
    expect(page.locator(".project h2 a")).to_have_text("Leaves")


def test_it_says_when_the_session_is_over_and_when_there_is_no_connection(page, context, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    page.goto("/projects/")
    context.set_offline(True)
    expect(page.locator(".banner")).to_contain_text("no connection")
    context.set_offline(False)
    expect(page.locator(".banner")).to_have_count(0)

    page.fill("#prompt", "A second app, half typed")
    context.clear_cookies(name="vibe_session")
    page.locator(".star").click()
    expect(page.locator(".banner")).to_contain_text("signed out")
    expect(page.locator("#prompt")).to_have_value("A second app, half typed")
    page.locator(".banner a").click()
    page.wait_for_url("**/accounts/login/?next=%2Fprojects%2F")


def test_it_goes_on_once_its_person_is_signed_in_again_elsewhere(page, context, opened, sign_up):
    from playwright.sync_api import expect

    from accounts.models import User
    from projects.models import Project

    opened({"index.html": b"<h1>Tea</h1>"})
    first = User.objects.get()
    context.clear_cookies(name="vibe_session")
    page.select_option("#model", "vibe-l")
    expect(page.locator(".banner")).to_contain_text("signed out")
    other = context.new_page()
    other.goto("/accounts/login/")
    other.fill("input[name=login]", first.email)
    other.fill("input[name=password]", PASSWORD)
    other.locator("main form button[type=submit], main form button:not([type])").last.click()
    other.wait_for_url("**/projects/")
    page.select_option("#model", "vibe-s")
    expect(page.locator(".banner")).to_have_count(0)
    assert Project.objects.get().model == "vibe-s"

    # Not as somebody else, whatever the page would send.
    context.clear_cookies(name="vibe_session")
    other.goto("/accounts/signup/")
    sign_up(other)
    other.wait_for_url("**/projects/")
    page.locator("[data-account] > summary").click()
    page.locator("[data-theme-form] [value=dark]").click()
    expect(page.locator(".toast.error", has_text="The theme was not saved")).to_be_visible()
    assert User.objects.exclude(pk=first.pk).get().theme == "system"


@pytest.fixture
def listed(page, sign_up):
    """The projects of somebody new: one, last changed three hours ago, by a clock that is the test's."""
    from accounts.models import User
    from projects import services
    from projects.models import Project

    page.goto("/accounts/signup/")
    email = sign_up(page)
    page.wait_for_url("**/projects/")
    services.create_project(User.objects.get(email=email), "A page for a bakery", model="vibe-m", framework="html")
    Project.objects.update(updated=timezone.now() - timedelta(hours=3))
    page.clock.install()
    page.goto("/projects/")
    return page


def test_it_says_why_the_list_stays_as_it_was(listed):
    from playwright.sync_api import expect

    page, said = listed, listed.locator(".toast.error")
    page.route("**/projects/?*", lambda route: route.fulfill(status=503, body="<h1>Busy</h1>"))
    page.fill("input[type=search]", "bak")
    page.clock.run_for(200)
    expect(said).to_contain_text("Try again in a moment")
    expect(page.locator(".banner")).to_have_count(0)
    expect(page.locator(".project")).to_have_count(1)
    page.unroute("**/projects/?*")
    said.get_by_role("button", name="Dismiss").click()

    page.route("**/undelete/", lambda route: route.abort())
    page.locator(".project .menu summary").click()
    page.locator("[data-delete] button").click()
    page.locator(".toast-action").click()
    expect(said).to_contain_text("The server cannot be reached")
    page.unroute("**/undelete/")
    said.locator(".toast-action").click()
    expect(page.locator(".project")).to_have_count(1)


def test_it_reads_out_how_many_there_are_and_no_more(listed):
    from playwright.sync_api import expect

    page, told = listed, listed.locator("#announce")
    expect(page.locator("#projects[aria-live], [aria-live] #projects")).to_have_count(0)
    page.fill("input[type=search]", "bak")
    page.clock.run_for(200)
    expect(told).to_have_text("1 project shown.")
    page.fill("input[type=search]", "nothing like it")
    page.clock.run_for(200)
    expect(told).to_have_text("No projects shown.")
    page.fill("input[type=search]", "")
    page.clock.run_for(200)
    expect(told).to_have_text("1 project shown.")

    # What is the same after half a minute is not written once more.
    page.evaluate("""() => { window.changes = 0;
        new MutationObserver((all) => (window.changes += all.length))
            .observe(document.querySelector("#projects"), {subtree: true, childList: true, characterData: true}) }""")
    page.clock.run_for(31_000)
    assert page.evaluate("window.changes") == 0
    page.clock.fast_forward("01:00:00")
    expect(page.locator(".project time")).to_have_text("4 hr. ago")


def test_it_looks_as_chosen_before_and_after_signing_in(page, begin):
    from playwright.sync_api import expect

    page.goto("/")
    page.locator("summary[aria-label=Theme]").click()
    html = page.locator("html")
    for theme in ("dark", "light"):  # one after the other: what is kept is what was answered last
        with page.expect_response("**/settings/theme/"):
            page.locator(f"[data-theme-form] [value={theme}]").click()
        expect(html).to_have_attribute("data-theme", theme)
    page.goto("/pricing/")
    expect(html).to_have_attribute("data-theme", "light")
    begin(page, "a landing page for a tea shop")
    page.context.clear_cookies(name="theme")
    page.goto("/projects/")
    expect(html).to_have_attribute("data-theme", "light")


def test_it_is_light_in_styles(page):
    finished: list[Any] = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto("/")  # every page around the workspace has the same styles
    page.wait_for_load_state("networkidle")
    sizes = {request.url: request.sizes()["responseBodySize"] for request in finished}
    css = sum(size for url, size in sizes.items() if ".css" in url)
    print(f"{css / 1000:.1f} kB of styles, {sum(sizes.values()) / 1000:.1f} kB in all, {len(sizes)} requests")
    assert 0 < css <= LIMIT_CSS


def test_it_gives_words_back_that_an_example_took_the_place_of(page):
    from playwright.sync_api import expect

    page.goto("/")
    examples, box = page.locator("[data-example]"), page.locator("textarea[name=prompt]")
    examples.nth(0).click()
    examples.nth(1).click()
    expect(page.locator(".toast")).to_have_count(0)  # nobody typed anything
    box.fill("A page about tea")
    examples.nth(0).click()
    page.get_by_role("button", name="Undo").click()
    expect(box).to_have_value("A page about tea")
