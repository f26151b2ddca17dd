"""What is typed for the agent: no button overwrites it, it goes out whole and once, whatever the network does."""

import pytest

from agents import runs
from agents.models import Run
from projects import services
from projects.models import Attachment, Message, Project
from tests.api.test_attachments import png
from tests.e2e.conftest import BUILD_MS

PICTURE = {"name": "look.png", "mimeType": "image/png", "buffer": png(40, 30)}
NOTE = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"note"}


@pytest.fixture
def workspace(opened):
    """The workspace of an app, with a page to ask about."""
    return opened({"index.html": b"<!doctype html>\n<h1>Tea</h1>\n"})


def said():
    return list(Message.objects.filter(role="user").order_by("created").values_list("text", flat=True))


def attach(page, *files):
    from playwright.sync_api import expect

    page.set_input_files("#attach-input", list(files))
    expect(page.locator("#tray li")).to_have_count(len(files))
    expect(page.locator("#tray [aria-busy]")).to_have_count(0)


def refuse(page, held):
    """Refuses a request that is held, once the browser has sent it: a picture is made smaller before."""
    while not held:
        page.wait_for_timeout(20)
    held.pop().abort()


def ask(page, question="Is it there?"):
    """Types a question for the agent, which is answered without a change."""
    page.select_option("#mode", "ask")
    page.fill("#text", question)
    page.press("#text", "Enter")


# --- Buttons ---------------------------------------------------------------------------------------------------------


def test_it_answers_with_an_option_and_leaves_the_draft_alone(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop. Ask me about the colour first.")
    options = page.locator(".question [data-say]")
    expect(options.first).to_be_visible(timeout=BUILD_MS)
    answer = options.first.get_attribute("data-say")
    page.fill("#text", "Then add a FAQ section")
    attach(page, NOTE)

    # Refused, it can be chosen again.
    page.route("**/messages/", lambda route: route.abort())
    options.first.click()
    expect(page.locator("#composer-error")).to_contain_text("cannot be reached")
    for option in options.all():
        expect(option).to_be_enabled()
    expect(page.locator(".pending")).to_have_count(0)
    expect(page.locator("#text")).to_have_value("Then add a FAQ section")
    page.unroute("**/messages/")

    options.first.press("Enter")
    expect(page.locator(".question[data-answered]")).to_be_visible()
    expect(page.locator("#text")).to_have_value("Then add a FAQ section")
    expect(page.locator("#tray")).to_contain_text("note.txt")
    assert said()[1:] == [answer]
    assert Attachment.objects.get().message is None
    page.reload()
    expect(page.locator("#text")).to_have_value("Then add a FAQ section")
    expect(page.locator("#tray")).to_contain_text("note.txt")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)


def test_it_puts_what_a_button_proposes_above_the_draft(workspace):
    from playwright.sync_api import expect

    project = Project.objects.get()
    run = Run.objects.create(
        project=project, message=services.add_message(project, "user", "A page"), model="vibe-m", state="succeeded"
    )
    runs.note(project.pk, "state", {"state": "succeeded"}, run.pk)
    workspace.reload()
    chips = workspace.locator("[data-suggest]")
    first, second = (chips.nth(n).get_attribute("data-suggest") for n in (0, 1))
    box = workspace.locator("#text")
    chips.nth(0).click()
    expect(box).to_have_value(first)
    box.fill("Half a thought")
    attach(workspace, NOTE)
    chips.nth(0).click()
    expect(box).to_have_value(f"{first}\n\nHalf a thought")
    # Another one takes its place, and not that of the draft.
    chips.nth(1).click()
    expect(box).to_have_value(f"{second}\n\nHalf a thought")
    expect(workspace.locator("#tray")).to_contain_text("note.txt")
    workspace.reload()
    expect(box).to_have_value(f"{second}\n\nHalf a thought")


# --- Files -----------------------------------------------------------------------------------------------------------


def test_it_sends_nothing_when_a_file_did_not_come_along(workspace):
    from playwright.sync_api import expect

    held = []
    workspace.route("**/attachments/", lambda route: held.append(route))
    workspace.set_input_files("#attach-input", PICTURE)
    expect(workspace.locator("#tray [aria-busy]")).to_be_visible()
    ask(workspace, "Is it like this?")
    expect(workspace.locator("#text")).to_have_value("")
    refuse(workspace, held)
    problem = workspace.locator("#composer-error")
    expect(problem).to_contain_text("look.png was not added. The server cannot be reached.")
    expect(problem).to_contain_text("Nothing was sent: add it again, or send the words without it.")
    expect(workspace.locator("#text")).to_have_value("Is it like this?")
    expect(workspace.locator(".pending")).to_have_count(0)

    # One that was taken away meanwhile was not to come along.
    workspace.set_input_files("#attach-input", PICTURE)
    expect(workspace.locator("#tray [aria-busy]")).to_be_visible()
    workspace.press("#text", "Enter")
    workspace.get_by_role("button", name="Remove look.png").click()
    refuse(workspace, held)
    expect(workspace.locator(".say")).to_have_text(["Is it like this?"])
    expect(workspace.locator(".pending")).to_have_count(0)
    assert said() == ["Is it like this?"]
    expect(workspace.locator(".done")).to_have_count(1, timeout=BUILD_MS)


def test_it_edits_nothing_when_a_file_did_not_come_along(workspace):
    from playwright.sync_api import expect

    ask(workspace, "Is it there?")
    expect(workspace.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    workspace.press("#text", "ArrowUp")
    expect(workspace.locator("#editing")).to_be_visible()
    held = []
    workspace.route("**/attachments/", lambda route: held.append(route))
    workspace.set_input_files("#attach-input", PICTURE)
    expect(workspace.locator("#tray [aria-busy]")).to_be_visible()
    workspace.fill("#text", "Is it like this?")
    workspace.press("#text", "Enter")
    refuse(workspace, held)
    expect(workspace.locator("#composer-error")).to_contain_text("Nothing was sent")
    expect(workspace.locator("#editing")).to_be_visible()
    expect(workspace.locator("#text")).to_have_value("Is it like this?")
    assert said() == ["Is it there?"]


# --- The network -----------------------------------------------------------------------------------------------------


def test_it_keeps_a_message_and_its_files_until_it_is_known_that_they_arrived(workspace, context):
    from playwright.sync_api import expect

    workspace.route("**/messages/", lambda _: None)
    attach(workspace, NOTE)
    ask(workspace, "Is it like this?")
    expect(workspace.locator(".pending")).to_be_visible()
    expect(workspace.locator("#tray")).to_be_hidden()
    workspace.fill("#text", "And then")
    # A page that is gone may not hear that its request is. What the browser keeps is seen from another.
    other = context.new_page()
    other.goto(workspace.url)
    for page in (other, workspace):
        expect(page.locator("#text")).to_have_value("Is it like this?\n\nAnd then")
        expect(page.locator("#tray")).to_contain_text("note.txt")
        workspace.reload()
    workspace.unroute("**/messages/")
    ask(workspace, "Is it like this?")
    expect(workspace.locator(".say")).to_contain_text("note.txt")
    expect(workspace.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    workspace.reload()
    expect(workspace.locator("#text")).to_have_value("")
    expect(workspace.locator("#tray")).to_be_hidden()


@pytest.mark.parametrize("reloads", [False, True], ids=["at_once", "after_a_reload"])
def test_it_starts_one_run_when_a_message_is_sent_again_whose_answer_was_lost(workspace, reloads):
    from playwright.sync_api import expect

    def lose(route):
        route.fetch()
        route.abort()

    workspace.route("**/messages/", lose)
    ask(workspace)
    expect(workspace.locator("#composer-error")).to_contain_text("cannot be reached")
    expect(workspace.locator("#text")).to_have_value("Is it there?")
    workspace.unroute("**/messages/")
    expect(workspace.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    if reloads:
        workspace.reload()
        expect(workspace.locator("#text")).to_have_value("Is it there?")
    with workspace.expect_response("**/messages/") as again:
        ask(workspace)
    assert again.value.headers["idempotency-replayed"] == "true"
    expect(workspace.locator(".pending")).to_have_count(0)
    expect(workspace.locator(".say")).to_have_count(1)
    assert said() == ["Is it there?"]

    # The same words once more are another message.
    ask(workspace)
    expect(workspace.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    assert said() == ["Is it there?"] * 2


# --- Keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("composing", [{"isComposing": True}, {"keyCode": 229}], ids=["most", "safari"])
def test_it_sends_nothing_while_an_input_method_is_at_work(workspace, composing):
    from playwright.sync_api import expect

    workspace.fill("#text", "にほん")
    is_left = workspace.locator("#text").evaluate(
        "(area, more) => area.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', bubbles: true, cancelable: true, ...more}))",
        composing,
    )
    assert is_left  # to the input method
    expect(workspace.locator("#text")).to_have_value("にほん")
