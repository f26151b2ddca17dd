"""An @ in a prompt: a list of one's other projects, by keyboard or by hand; the message shows what was chosen."""

import pytest

from tests.e2e.conftest import BUILD_MS
from tests.e2e.test_accessibility import AXE, Eyes


@pytest.fixture
def at_home(page, db, alice, project, client):
    """alice, signed in; she has a bakery, a tea shop and a tea room. The page is the landing page."""
    from django.conf import settings

    from projects import services, versions

    for name in ("Tea shop", "Tea room"):
        made = services.create_project(alice, name, model="vibe-m", framework="html", name=name)
        versions.save(made, {"index.html": b"<h1>Tea</h1>"}, source="run")
    client.force_login(alice)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    page.goto("/")
    page.context.add_cookies([{**cookie, "url": page.url}])
    page.goto("/")
    return page


def options(page):
    return page.locator(".mentions [role=option]")


def test_it_lists_other_projects_and_sends_the_chosen_one(at_home, project, alice):
    from playwright.sync_api import expect

    page = at_home
    page.goto(f"/projects/{project.pk}/")
    # At once: what is found for half of it would come as well, and begin again at the first.
    page.fill("#text", "Like @te")
    expect(options(page)).to_have_count(2)
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    first = options(page).first.inner_text()
    page.keyboard.press("ArrowDown")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    described = page.locator("#text").get_attribute("aria-activedescendant")
    assert described == options(page).nth(1).get_attribute("id")
    page.keyboard.press("ArrowDown")  # and around
    name = first.split("\n")[0]
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value(f"Like @{name} ")
    expect(page.locator(".mentions")).to_be_hidden()
    # What was chosen is kept with the draft.
    page.reload()
    expect(page.locator("#text")).to_have_value(f"Like @{name} ")
    page.select_option("#mode", "ask")
    page.locator("#text").focus()
    page.keyboard.press("End")
    page.keyboard.type("please")
    expect(page.locator(".mentions")).to_be_hidden()
    with page.expect_response("**/messages/") as sent:
        page.keyboard.press("Enter")
    assert [one["name"] for one in sent.value.json()["message"]["references"]] == [name]
    chip = page.locator("#chat .said-file")
    expect(chip).to_have_text(name)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    chip.click()
    expect(page).to_have_title(f"{name} · Vibe")


def test_it_lets_go(at_home, project):
    """Of itself, by Escape; of what is an address; of a name that was taken out again."""
    from playwright.sync_api import expect

    page = at_home
    page.goto(f"/projects/{project.pk}/")
    text = page.locator("#text")
    text.press_sequentially("Like @tea")
    expect(options(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".mentions")).to_be_hidden()
    page.keyboard.type(" s")
    expect(page.locator(".mentions")).to_be_hidden()
    text.fill("")
    with page.expect_response("**/api/v1/projects/?**"):
        text.press_sequentially("ann@tea.example, @nobody")
    expect(page.locator(".mentions")).to_be_hidden()
    text.fill("")
    text.press_sequentially("Like @")
    # The bakery is the project itself.
    expect(options(page)).to_have_count(2)
    options(page).first.click()
    expect(text).to_be_focused()
    text.fill("Like nothing")
    page.route("**/messages/", lambda route: route.abort())
    with page.expect_request("**/messages/") as sent:
        text.press("Enter")
    assert "references" not in sent.value.post_data_json


def test_it_begins_a_project_with_a_reference(at_home, alice):
    from playwright.sync_api import expect

    page = at_home
    page.select_option("select[name=framework]", "html")
    page.locator("#prompt").press_sequentially("A shop like @tea s")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("#prompt")).to_have_value("A shop like @Tea shop ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects/*/")
    expect(page.locator("#chat .said-file")).to_have_text("Tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    assert alice.projects.latest("created").messages.get(role="user").references[0]["name"] == "Tea shop"


def test_it_offers_nothing_to_somebody_without_an_account(page, stack):
    from playwright.sync_api import expect

    page.goto("/")
    page.locator("#prompt").press_sequentially("A shop like @")
    expect(page.locator(".mentions")).to_have_count(0)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_it_is_fit_for_everybody(browser, stack, at_home, project):
    from playwright.sync_api import expect

    context = browser.new_context(base_url=stack.url, bypass_csp=True, storage_state=at_home.context.storage_state())
    eyes = Eyes(context.new_page())
    for _ in eyes.settings():
        for path, box in (("/", "#prompt"), (f"/projects/{project.pk}/", "#text")):
            eyes.page.goto(path)
            eyes.page.locator(box).press_sequentially("Like @")
            expect(options(eyes.page).first).to_be_visible()
            eyes.look(f"mentions {box[1:]}")
            eyes.page.locator(box).fill("")
    context.close()
    assert not eyes.found, "\n".join(eyes.found)
