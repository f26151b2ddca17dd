"""The recipes in a real browser: they fit a phone, stay silent in the console, and do what they promise."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.demo_model import looking
from tests.demo_model.playing import Agent
from tests.demo_model.test_builds import KINDS

Open = Callable[[str], Page]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(looking.CHROMIUM).exists(), reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with looking.chromium() as running:
        yield running


@pytest.fixture
def problems() -> list[str]:
    """What the page complained about."""
    return []


@pytest.fixture
def open_app(agent: Agent, browser: Browser, problems: list[str]) -> Iterator[Open]:
    """Build an html app from a prompt, serve it, open it in the dark."""
    with ExitStack() as stack:
        page, complaints = stack.enter_context(looking.tab(browser, "dark"))

        def start(prompt: str) -> Page:
            agent.framework = "html"
            agent.ask(prompt)
            page.goto(stack.enter_context(looking.served(agent.root)))
            return page

        yield start
        problems += complaints


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_a_phone_is_accessible_and_logs_nothing(open_app, browser, agent, kind):
    open_app(KINDS[kind])
    with looking.served(agent.root) as url:
        for scheme in ("light", "dark"):
            with looking.tab(browser, scheme) as (page, problems):
                page.goto(url)
                assert looking.complaints(page) + problems == []


def test_the_todo_list_stays_after_a_reload(open_app):
    page = open_app(KINDS["todo"])
    page.get_by_label("New task").fill("Buy <b>oats</b>")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Done: Buy <b>oats</b>").check()
    page.reload()
    assert page.get_by_label("Done: Buy <b>oats</b>").is_checked()


def test_a_card_moves_by_keyboard(open_app):
    page = open_app(KINDS["kanban"])
    arrow = page.locator("section[aria-label=Ideas] .ticket-move").first
    words = page.locator("section[aria-label=Ideas] .ticket p").first.inner_text()
    arrow.press("ArrowRight")
    assert words in page.locator("section[aria-label=Next] ul").inner_text()
    assert page.evaluate("document.activeElement.className") == "ticket-move"


def test_yearly_billing_changes_the_prices(open_app):
    page = open_app(KINDS["pricing"])
    before = page.locator(".plan-price b").all_inner_texts()
    page.locator("input[value=yearly]").check(force=True)
    assert page.locator(".plan-price b").all_inner_texts() != before


def test_the_shop_sells(open_app):
    page = open_app(KINDS["shop"])
    buys_something(page)


def buys_something(page: Page) -> None:
    """Filter, put two of a product into the cart, keep it over a reload, check out with a mistake and without."""
    page.get_by_role("button", name="Bread", exact=True).click()
    expect(page.get_by_text("1 of 8 pieces")).to_be_visible()
    page.get_by_role("link", name="Country loaf", exact=True).click()
    page.get_by_role("button", name="One more", exact=True).click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Go to the cart").click()
    expect(page.get_by_role("definition").filter(has_text="£14.10").first).to_be_visible()
    page.reload()
    page.get_by_role("button", name="One Country loaf more").click()
    expect(page.get_by_role("definition").filter(has_text="£18.90").first).to_be_visible()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_text("We need an e-mail address")).to_be_visible()
    for label, words in (
        ("E-mail", "a@b.cd"),
        ("Name", "Ada"),
        ("Street and number", "Mill Lane 2"),
        ("Town", "Leeds"),
    ):
        page.get_by_label(label, exact=True).fill(words)
    page.get_by_label("Postcode", exact=True).fill("LS1 4AB")
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you.")).to_be_visible()


def test_the_theme_switch_works_and_is_remembered(open_app, agent):
    page = open_app(KINDS["landing"])
    agent.ask("add a dark mode toggle")
    page.reload()
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.locator("[data-theme-toggle]").click()
    page.wait_for_function(f"dark => {colour} !== dark", arg=dark)  # it may fade
    page.reload()
    page.wait_for_function(f"dark => {colour} !== dark", arg=dark)
