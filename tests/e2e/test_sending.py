"""What is typed for the agent: no button overwrites it, it goes out whole and once, whatever the network does."""

import pytest

from projects.models import Message
from tests.api.test_attachments import png

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


def ask(page, question="Is it there?"):
    """Types a question for the agent, which is answered without a change."""
    page.select_option("#mode", "ask")
    page.fill("#text", question)
    page.press("#text", "Enter")


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
