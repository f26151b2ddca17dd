"""Messages behind a run: shown as a queue, changed, dropped, brought back; in the chat only when their turn comes."""

from tests.api.test_attachments import png
from tests.e2e.conftest import BUILD_MS


def shown(page):
    return page.locator("#chat > li").evaluate_all("items => items.map(item => item.id)")


def queue_two(page):
    """Two messages behind the run that is at work."""
    from playwright.sync_api import expect

    expect(page.locator("#run-line")).to_be_visible()
    for text in ("Rename it to Leaf", "Add a FAQ section"):
        page.fill("#text", text)
        page.press("#text", "Enter")
        expect(page.locator("#queue-list")).to_contain_text(text)


def test_it_queues_changes_drops_and_works_in_order(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=6]]")
    queue_two(page)
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


def test_it_brings_back_a_dropped_message_with_all_that_went_with_it(page, begin):
    from playwright.sync_api import expect

    from projects import services
    from projects.models import Message, Project

    begin(page, "a landing page for a tea shop [[demo:slow=60]]")
    services.create_project(Project.objects.get().owner, "Tea", model="vibe-m", framework="html", name="Bakery")
    page.reload()
    expect(page.locator("#run-line")).to_be_visible()
    page.set_input_files("#attach-input", {"name": "shop.png", "mimeType": "image/png", "buffer": png()})
    expect(page.locator("#tray img")).to_be_visible()
    page.select_option("#mode", "ask")
    page.locator("#text").press_sequentially("Is it like @ba")
    expect(page.locator(".mentions [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    waiting = page.locator("[data-queued]")
    expect(waiting).to_contain_text("Is it like @Bakery")
    for _ in range(2):  # the second time it was drawn by an event, or after a reload by the server
        waiting.get_by_role("button", name="Drop this message").click()
        expect(waiting).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(waiting).to_contain_text("Is it like @Bakery")
        page.reload()
    last = Message.objects.filter(role="user").latest("created")
    assert (last.text, last.mode) == ("Is it like @Bakery", "ask")
    assert [one["name"] for one in last.references] == ["Bakery"]
    assert [one.name for one in last.attachments.all()] == ["shop.png"]


def test_it_sets_messages_aside_when_a_run_fails(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=8]] [[demo:401@1]]")
    queue_two(page)
    for _ in range(2):  # as events tell it, and after a reload
        expect(page.locator("#queue-head")).to_contain_text("2 messages were set aside", timeout=BUILD_MS)
        expect(page.locator("#chat .say")).to_have_count(1)
        expect(page.locator("#run-state")).to_contain_text("Failed")
        page.reload()


def test_it_sets_messages_aside_when_a_run_is_stopped_and_sends_them_when_asked(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=60]]")
    queue_two(page)
    expect(page.locator(".live").first).to_be_visible(timeout=BUILD_MS)
    page.click("#stop")
    expect(page.locator(".done")).to_contain_text("Stopped, as you asked", timeout=20_000)
    expect(page.locator("#queue-head")).to_have_text("2 messages were set aside: the run before did not finish")
    expect(page.locator("#run-line")).to_be_hidden()
    page.reload()
    expect(page.locator("#queue-head")).to_have_text("2 messages were set aside: the run before did not finish")
    expect(page.locator("#chat .say")).to_have_count(1)
    expect(page.locator("#run-line")).to_be_hidden()

    page.locator("[data-queued]").last.get_by_role("button", name="Drop this message").click()
    expect(page.locator("[data-queued]")).to_have_count(1)
    page.get_by_role("button", name="Send it now").click()
    expect(page.locator("#queue")).to_be_hidden()
    expect(page.locator("#chat .say").last).to_contain_text("Rename it to Leaf")
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)


def test_it_keeps_what_was_typed_into_a_message_whose_turn_came(page, context, begin):
    from playwright.sync_api import expect

    path = begin(page, "a landing page for a tea shop [[demo:slow=9]]")
    queue_two(page)
    first, last = page.locator("[data-queued]").first, page.locator("[data-queued]").last
    page.fill("#text", "Half a thought")
    other = context.new_page()
    other.goto(path)

    # Another tab saves it first.
    last.get_by_role("button", name="Change this message").click()
    page.locator(".queue-edit textarea").fill("Add a FAQ with ten questions")
    other.locator("[data-queued]").last.get_by_role("button", name="Change this message").click()
    other.locator(".queue-edit textarea").fill("Add an imprint")
    other.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("changed elsewhere. What you typed is in the message box.")
    expect(last.locator(".queue-text")).to_have_text("Add an imprint")
    expect(page.locator("#text")).to_have_value("Add a FAQ with ten questions\n\nHalf a thought")
    expect(page.locator("#text")).to_be_focused()

    first.get_by_role("button", name="Change this message").click()
    page.locator(".queue-edit textarea").fill("Rename it to Steep")
    page.focus("#model")
    expect(page.locator(".toast", has_text="had its turn before you saved it")).to_be_visible(timeout=BUILD_MS)
    expect(page.locator("#text")).to_have_value("Rename it to Steep\n\nAdd a FAQ with ten questions\n\nHalf a thought")
    expect(page.locator("#model")).to_be_focused()


def test_it_leaves_the_run_at_work_alone_when_a_waiting_message_is_dropped(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=60]]")
    expect(page.locator(".live")).to_be_visible(timeout=BUILD_MS)
    queue_two(page)
    live = page.locator(".live").get_attribute("id")
    page.locator("[data-queued]").first.get_by_role("button", name="Drop this message").click()
    page.fill("#text", "Add an imprint")
    page.press("#text", "Enter")
    expect(page.locator("[data-queued]").last).to_contain_text("Add an imprint")  # heard of after that
    assert page.locator(".live").get_attribute("id") == live
