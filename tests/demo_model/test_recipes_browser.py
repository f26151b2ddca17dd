"""The recipes in a real browser: they fit a phone, stay silent in the console, and do what they promise."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.demo_model.playing import Agent
from tests.demo_model.test_builds import KINDS

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium on this machine"),
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files as they are now: modification times are too coarse for edits within one second."""

    def send_head(self):
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def problems() -> list[str]:
    """What the page complained about."""
    return []


@pytest.fixture
def page(browser: Browser, problems: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            problems.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def open_app(agent: Agent, page: Page) -> Iterator[object]:
    """Build an html app from a prompt, serve it, open it."""
    servers = []

    def start(prompt: str) -> Page:
        agent.framework = "html"
        agent.ask(prompt)
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(agent.root)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        return page

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_a_phone_and_logs_nothing(open_app, problems, kind):
    page = open_app(KINDS[kind])
    assert page.locator("h1").first.is_visible()
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert problems == []


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


def test_the_theme_switch_works_and_is_remembered(open_app, agent):
    page = open_app(KINDS["landing"])
    agent.ask("add a dark mode toggle")
    page.reload()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-theme-toggle]").click()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert dark != light == page.evaluate("getComputedStyle(document.body).backgroundColor")
