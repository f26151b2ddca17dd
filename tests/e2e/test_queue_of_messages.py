"""Messages behind a run: shown as a queue, changed, dropped, brought back; in the chat only when their turn comes."""

from tests.e2e.conftest import BUILD_MS


def shown(page):
    return page.locator("#chat > li").evaluate_all("items => items.map(item => item.id)")


def test_it_queues_changes_drops_and_works_in_order(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=6]]")
    expect(page.locator("#run-line")).to_be_visible()
    for text in ("Rename it to Leaf", "Add a FAQ section"):
        page.fill("#text", text)
        page.press("#text", "Enter")
        expect(page.locator("#queue-list")).to_contain_text(text)
    expect(page.locator("#queue-head")).to_have_text("2 messages wait")
    expect(page.locator("#chat .say")).to_have_count(1)
    page.reload()
    expect(page.locator("[data-queued]")).to_have_count(2)
    expect(page.locator("#chat .say")).to_have_count(1)

    page.locator("[data-queued]").first.get_by_role("button", name="Change this message").click()
    page.locator(".queue-edit textarea").fill("Rename it to Steep")
    page.keyboard.press("Enter")
    expect(page.locator("[data-queued]").first).to_contain_text("Rename it to Steep")
    page.locator("[data-queued]").last.get_by_role("button", name="Drop this message").click()
    expect(page.locator("[data-queued]")).to_have_count(1)

    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#chat .say")).to_have_count(2)
    expect(page.locator("#chat .say").last).to_contain_text("Rename it to Steep")
    expect(page.frame_locator("#frame").locator("body")).to_contain_text("Steep", timeout=15_000)
    kinds = [name.split("-")[0] for name in shown(page)]
    assert kinds[kinds.index("done") + 1] == "msg"
    before = shown(page)
    page.reload()
    expect(page.locator(".done")).to_have_count(2)
    assert shown(page) == before
