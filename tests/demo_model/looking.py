"""Looks at an app in a real Chromium: console, width, accessibility, in both themes."""

import functools
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from tests.browser import ARGUMENTS

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]
SERIOUS = """async (rules) => (await axe.run(document, {runOnly: rules})).violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(" | ")}`)"""
# More pages of an app than its first one, as addresses after the #.
ROUTES = {
    "shop": ("/products/country-loaf", "/cart", "/checkout"),
    "blog": ("/stories/a-first-sourdough-without-fear", "/about"),
    "portfolio": ("/work/salt", "/about"),
}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files as they are now: modification times are too coarse for edits within one second."""

    def send_head(self) -> Any:
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, scheme: Any = "light") -> Iterator[tuple[Page, list[str]]]:
    """A page of phone width without motion, and what it complains about."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page, problems
    context.close()


def complaints(page: Page) -> list[str]:
    """What is wrong with the page that is open: nothing to see, wider than a phone or a screen, hard to use."""
    page.locator("h1").first.wait_for()
    found = [] if page.locator("h1").first.is_visible() else ["no headline"]
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        try:  # the page may still be on its way to this size, or to this address
            page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=5_000)
        except TimeoutError:
            found.append(f"{page.evaluate('document.documentElement.scrollWidth')} px wide at {width}")
    if AXE.exists():
        page.evaluate(AXE.read_text())
        found += page.evaluate(SERIOUS, RULES)
    return found
