"""`page`: a real Chromium on the real site. Only tests that ask for it need one."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from launcher import testing
from launcher.terminal import Terminal
from tests.site import Stack

# What Playwright switches off itself, as far as it is about pages (the last such argument counts), and pages of the
# browser's own address bar, which each tab's window would load: more work than most of ours are.
SWITCHED_OFF = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,"
    "OptimizationHints,PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
)
ARGUMENTS = ["--no-sandbox", f"--disable-features={SWITCHED_OFF}"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator["Browser"]:
    """A browser of its own for each test: Playwright's loop must not be there when other tests run theirs."""
    from django.db import connections
    from playwright.sync_api import sync_playwright

    path = testing.chromium(Terminal(quiet=True))
    if path is None:
        pytest.skip("NO CHROMIUM: browser tests did not run. Install it: sudo apt-get install chromium")
    # Playwright keeps an event loop in this thread; Django would refuse the test's own queries for it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
        # What the test asked beside Playwright's loop went by a connection that only this loop knows.
        connections.close_all()


@pytest.fixture
def context(browser: "Browser", stack: Stack) -> Iterator["BrowserContext"]:
    """One person's browser: cookies and storage of their own."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext") -> Iterator["Page"]:
    """A tab. A script error of ours that nobody caught fails the test; an app being built may have its own."""
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield page
    errors = [error for error in errors if f".{os.environ['PREVIEW_DOMAIN']}" not in error]
    assert not errors, "script errors on the page:\n" + "\n".join(errors)
