"""axe-core finds nothing serious on any page, in both themes, at both widths."""

from pathlib import Path

import pytest

from tests.e2e.conftest import BUILD_MS

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
PAGES = ["/", "/projects/", "/usage/", "/settings/"]
TABS = ["preview", "code", "history", "logs", "context"]
# What is inside the app's frame is the app's.
RUN = """async () => (await axe.run({exclude: [["iframe"]]}, {
    resultTypes: ["violations"], iframes: false,
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).slice(0, 4).join(" | ")}`)"""

STILL = """() => document.getAnimations()
    .filter(one => one.effect.getComputedTiming().endTime !== Infinity).forEach(one => one.finish())"""


def problems(page, where):
    # Things that move or fade in are measured once they stand still.
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(STILL)
    page.evaluate(AXE.read_text())
    return [f"{where}: {problem}" for problem in page.evaluate(RUN)]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_it_finds_nothing_serious(browser, stack, begin):
    from playwright.sync_api import expect

    # axe is put into pages whose policy would keep it out.
    context = browser.new_context(base_url=stack.url, bypass_csp=True)
    page = context.new_page()
    found = []
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.goto("/accounts/signup/")
            found += problems(page, f"sign-up, {name}, {theme}")
    page.set_viewport_size({"width": 1440, "height": 900})
    workspace = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            for path in PAGES:
                page.goto(path)
                found += problems(page, f"{path}, {name}, {theme}")
            page.goto(workspace)
            for tab in TABS:
                button = page.locator(f"[data-pane-tab={tab}]" if name == "phone" else f"#tab-{tab}")
                button.click()
                expect(page.locator(f"#{tab}")).to_be_visible()
                if tab == "code":
                    expect(page.locator(".cm-content")).to_be_visible()
                if tab == "history":
                    expect(page.locator("#history-main h2")).to_be_visible()
                if tab == "context":
                    expect(page.locator(".instructions")).to_be_visible()
                found += problems(page, f"workspace {tab}, {name}, {theme}")
                if tab == "preview":
                    for opener in ("#console-toggle", "#doctor-toggle", "#share-menu summary"):
                        page.locator(opener).click()
                    expect(page.get_by_role("button", name="Make a link")).to_be_visible()
                    found += problems(page, f"workspace console, doctor and share, {name}, {theme}")
                    page.keyboard.press("Escape")
            if name == "phone":
                page.locator("[data-pane-tab=chat]").click()
                found += problems(page, f"workspace chat, {name}, {theme}")
    context.close()
    assert not found, "\n".join(found)
