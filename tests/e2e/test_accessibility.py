"""axe-core finds nothing serious on any page, in both themes, at both widths; nothing is cut off, nothing jumps.

A picture of each is kept in .vibe/screenshots (or $SCREENSHOTS), for people to look at.
"""

import base64
import os
import re
from pathlib import Path
from typing import Any

import pytest

from projects import services
from projects.models import Project
from tests.e2e.conftest import BUILD_MS

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
SHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / ".vibe/screenshots"))
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
OUTSIDE = [
    "/",
    "/showcase/",
    "/pricing/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/nowhere/",
]
PAGES = ["/", "/projects/", "/projects/deleted/", "/projects/import/", "/usage/", "/settings/", "/api/v1/docs/"]
TABS = ["preview", "code", "history", "logs", "context"]
# A whole WebP of one pixel.
PIXEL = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"
# The largest sum of shifts that counts as good (web.dev, "Cumulative Layout Shift").
MOST_SHIFT = 0.1
# What is inside the app's frame is the app's.
RUN = """async () => (await axe.run({exclude: [["iframe"]]}, {
    resultTypes: ["violations"], iframes: false,
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).slice(0, 4).join(" | ")}`)"""

STILL = """() => document.getAnimations()
    .filter(one => one.effect.getComputedTiming().endTime !== Infinity).forEach(one => one.finish())"""
SHIFTS = """() => new Promise(resolve => { let sum = 0;
    new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => resolve(sum), 50) })"""


class Eyes:
    """A tab whose pages are looked at one after the other, at a width and in a theme."""

    def __init__(self, page):
        self.page, self.found, self.size, self.theme = page, [], "", ""

    def settings(self):
        for self.size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            for self.theme in ("light", "dark"):
                self.page.emulate_media(color_scheme=self.theme)
                yield

    def go(self, path, name=None):
        self.page.goto(path)
        self.look(name or path)
        shift = self.page.evaluate(SHIFTS)
        if shift > MOST_SHIFT:
            self.found.append(f"{self.where(name or path)}: things moved by {shift:.2f}")

    def look(self, name):
        # Things that move or fade in are measured once they stand still.
        self.page.emulate_media(reduced_motion="reduce")
        self.page.evaluate(STILL)
        SHOTS.mkdir(parents=True, exist_ok=True)
        slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "home"
        self.page.screenshot(path=SHOTS / f"{slug}.{self.size}.{self.theme}.png")
        self.page.evaluate(AXE.read_text())
        self.found += [f"{self.where(name)}: {problem}" for problem in self.page.evaluate(RUN)]
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > SIZES[self.size][0]:
            self.found.append(f"{self.where(name)}: {width} px wide")

    def where(self, name):
        return f"{name}, {self.size}, {self.theme}"


@pytest.fixture
def eyes(browser, stack):
    # axe is put into pages whose policy would keep it out.
    context = browser.new_context(base_url=stack.url, bypass_csp=True)
    yield Eyes(context.new_page())
    context.close()


@pytest.fixture
def entry(db, alice):
    """An app in the showcase, with a picture."""
    from projects import pictures, showcase, versions
    from projects.models import ShowcaseEntry

    project = services.create_project(alice, "A page for a bakery", model="vibe-m", framework="html")
    version = versions.save(project, {"index.html": b"<h1>Bread</h1>"}, source="run", verdict={"page": True})
    assert version
    pictures.keep(version, base64.b64decode(PIXEL))
    made = showcase.publish(project, "Bread and more", "shops", prompt="A page for a bakery")
    ShowcaseEntry.objects.update(state="listed")
    return made


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_it_finds_nothing_serious_before_signing_in(eyes, entry):
    for _ in eyes.settings():
        for path in [*OUTSIDE, f"/showcase/{entry.pk}/"]:
            eyes.go(path, "showcase entry" if path.endswith(f"{entry.pk}/") else None)
    assert not eyes.found, "\n".join(eyes.found)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_it_finds_nothing_serious(eyes, begin):
    from playwright.sync_api import expect

    page = eyes.page
    page.set_viewport_size({"width": 1440, "height": 900})
    workspace = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    owner = Project.objects.get().owner
    services.delete(services.create_project(owner, "A page that was not needed", model="vibe-m"))
    tool: dict[str, Any] = {"name": "mcp__wiki__find", "remote": "find", "description": "", "schema": {}}
    owner.mcp_servers.create(
        name="wiki", url="https://mcp.example.com/a/long/way/to/it", last_four="abcd", tools=[tool]
    )
    owner.mcp_servers.create(name="tracker", url="https://tracker.example.com/mcp", error="It failed (503). Try again.")
    for _ in eyes.settings():
        for path in PAGES:
            eyes.go(path, "start" if path == "/" else None)
        for name in ("publish", "import", "push"):
            eyes.go(f"{workspace}{name}/", name)
        page.goto(workspace)
        for tab in TABS:
            button = page.locator(f"[data-pane-tab={tab}]" if eyes.size == "phone" else f"#tab-{tab}")
            button.click()
            expect(page.locator(f"#{tab}")).to_be_visible()
            if tab == "preview":
                expect(page.frame_locator("#frame").locator("h1")).to_be_visible(timeout=BUILD_MS)
            if tab == "code":
                expect(page.locator(".cm-content")).to_be_visible()
            if tab == "history":
                expect(page.locator("#history-main h2")).to_be_visible()
            if tab == "context":
                expect(page.locator(".instructions")).to_be_visible()
            eyes.look(f"workspace {tab}")
            if tab == "code" and eyes.size == "desktop":
                page.locator(".cm-content").click()
                page.keyboard.press("Control+f")
                page.keyboard.type("title")
                page.keyboard.press("Enter")
                expect(page.locator(".cm-searchMatch-selected")).to_be_visible()
                eyes.look("workspace find")
                page.keyboard.press("Escape")
            if tab == "preview":
                for opener in ("#console-toggle", "#doctor-toggle", "#share-menu summary"):
                    page.locator(opener).click()
                expect(page.get_by_role("button", name="Make a link")).to_be_visible()
                eyes.look("workspace console, doctor and share")
                page.keyboard.press("Escape")
                for opener in ("#console-toggle", "#doctor-toggle"):
                    page.locator(opener).click()
        if eyes.size == "phone":
            page.locator("[data-pane-tab=chat]").click()
            eyes.look("workspace chat")
    assert not eyes.found, "\n".join(eyes.found)
