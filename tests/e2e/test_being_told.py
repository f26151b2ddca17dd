"""A browser notification: asked for once, by a button; shown only where nobody looks; a click brings the page back."""

import pytest

# What the browser would show and ask is kept in lists; whether the page is hidden is the test's to say.
SPY = """
window.notes = []; window.asked = 0; window.focused = 0;
let permission = localStorage.getItem("permission") ?? "default";
window.Notification = class {
  constructor(title, options) {
    if (window.onlyWorkers) throw new TypeError("Illegal constructor");
    Object.assign(this, {title, ...options, closed: false});
    window.notes.push(this);
    document.documentElement.dataset.notes = window.notes.length;
  }
  static get permission() { return permission; }
  static async requestPermission() {
    window.asked += 1;
    permission = window.answer ?? "granted";
    localStorage.setItem("permission", permission);
    return permission;
  }
  close() { this.closed = true; }
};
window.focus = () => { window.focused += 1; };
let hidden = false;
Object.defineProperty(document, "hidden", {get: () => hidden});
Object.defineProperty(document, "visibilityState", {get: () => (hidden ? "hidden" : "visible")});
window.hide = (on) => { hidden = on; document.dispatchEvent(new Event("visibilitychange")); };
"""
TEXTS = "window.notes.map((note) => note.body)"


@pytest.fixture
def at_work(stack, django_user_model):
    """A project whose run is at work, and the run."""
    from agents.models import Run
    from projects import services

    owner = django_user_model.objects.create_user("told@example.com", "a-long-enough-password")
    project = services.create_project(owner, "A page for a bakery", name="Bakery", model="vibe-m", framework="html")
    asked = services.add_message(project, "user", "Make it blue")
    return Run.objects.create(project=project, message=asked, model="vibe-m", state="running")


@pytest.fixture
def note(at_work):
    """`note(kind, **data)`: an event of the run."""
    from agents import runs

    return lambda kind, **data: runs.note(at_work.project_id, kind, data, at_work.pk)


@pytest.fixture
def end(note):
    """`end(state)`: the run is over."""
    files: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
    ended = {"reason": "", "version": None, "files": files, "checks": {}, "seconds": 4}
    words = {"summary": "Done.", "html": "<p>Done.</p>", "cost": 5, "cost_text": "0.01", "mode": "build"}
    return lambda state="succeeded", **data: note("complete", **{**ended, **words, "state": state, **data})


@pytest.fixture
def watch(page, at_work):
    """The project's page, live, in a browser that tells what it would show."""
    from playwright.sync_api import expect

    page.add_init_script(SPY)
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "told@example.com")
    page.fill("input[name=password]", "a-long-enough-password")
    page.locator("main form button[type=submit], main form button:not([type])").last.click()
    page.wait_for_url("**/projects/**")

    def watch():
        page.goto(f"/projects/{at_work.project_id}/")
        expect(page.locator("#link")).to_have_attribute("data-link", "live")
        return page

    return watch


def test_it_tells_who_asked_for_it_and_only_while_the_page_is_hidden(watch, note, end):
    from playwright.sync_api import expect

    page = watch()
    bell = page.locator("#tell-me")
    assert page.evaluate("window.asked") == 0, "the page itself never asks"
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    # The next page knows, and the browser is not asked again.
    page = watch()
    expect(bell).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.asked") == 0

    # Somebody looks: the page itself shows it.
    note("state", state="waiting")
    expect(page.locator("#stage-title")).to_have_text("Waiting for you")
    note("state", state="running")
    page.evaluate("window.hide(true)")
    note("state", state="waiting")
    expect(page.locator("html")).to_have_attribute("data-notes", "1")
    end()
    expect(page.locator("html")).to_have_attribute("data-notes", "2")
    assert page.evaluate(TEXTS) == ["The agent has a question for you.", "It is done."]
    shown = page.evaluate("window.notes.map(({title, tag, renotify}) => [title, tag, renotify])")
    # The later takes the place of the earlier, and is heard.
    assert shown[0] == shown[1] and shown[1][0] == "Bakery" and shown[1][2] is True

    page.evaluate("window.notes[1].onclick()")
    assert page.evaluate("[window.focused, window.notes[1].closed]") == [1, True]


def test_it_says_nothing_while_somebody_looks_or_after_they_said_so(watch, note, end):
    from playwright.sync_api import expect

    page = watch()
    bell = page.locator("#tell-me")
    bell.click()
    end("failed")
    expect(page.locator(".done")).to_be_visible()
    assert page.evaluate(TEXTS) == []
    note("state", state="running")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")
    page.evaluate("window.hide(true)")
    end("cancelled")
    expect(page.locator(".done")).to_have_attribute("data-state", "cancelled")
    assert page.evaluate(TEXTS) == [] and page.evaluate("window.asked") == 1


def test_it_tells_once_and_only_when_no_tab_of_the_project_is_looked_at(watch, context, note, end, at_work):
    from playwright.sync_api import expect

    page = watch()
    page.click("#tell-me")
    other = context.new_page()
    other.add_init_script(SPY)
    other.goto(f"/projects/{at_work.project_id}/")
    expect(other.locator("#link")).to_have_attribute("data-link", "live")
    page.evaluate("window.hide(true)")
    note("state", state="waiting")
    for tab in (page, other):
        expect(tab.locator("#stage-title")).to_have_text("Waiting for you")
    note("state", state="running")
    expect(page.locator("#run-state")).to_have_text("Working")
    assert page.evaluate(TEXTS) == other.evaluate(TEXTS) == [], "the other tab is looked at"

    other.evaluate("window.hide(true)")
    end()
    for tab in (page, other):
        expect(tab.locator(".done")).to_be_attached()
    # By the clock: a tab that nobody looks at draws no frames.
    page.wait_for_function("() => localStorage.getItem('vibe:told')", polling=50)
    assert page.evaluate(TEXTS) + other.evaluate(TEXTS) == ["It is done."]


@pytest.mark.parametrize("before", [False, True], ids=["now", "before"])
def test_it_works_on_without_the_permission(watch, page, end, before):
    from playwright.sync_api import expect

    if before:
        page.evaluate("localStorage.setItem('permission', 'denied')")
    page = watch()
    if not before:
        page.evaluate("window.answer = 'denied'")
        page.click("#tell-me")
        expect(page.locator(".toast")).to_contain_text("does not let Vibe notify you")
    expect(page.locator("#run-line")).to_be_visible()
    expect(page.locator("#tell-me")).to_be_hidden()
    page.evaluate("window.hide(true)")
    end()
    expect(page.locator(".done")).to_be_visible()
    assert page.evaluate(TEXTS) == []


def test_it_goes_on_where_pages_may_not_notify_and_when_it_is_hidden_between_two_frames(watch, note, end):
    from playwright.sync_api import expect

    page = watch()
    page.click("#tell-me")
    # A frame that never comes, as in a page that is hidden after it was asked for.
    page.evaluate("window.onlyWorkers = true; window.requestAnimationFrame = () => (document.body.dataset.frame = 1)")
    note("error", code="x", title="Something", detail="", next="")
    expect(page.locator("body")).to_have_attribute("data-frame", "1")
    expect(page.locator("#chat")).not_to_contain_text("Something")
    page.evaluate("window.hide(true)")
    expect(page.locator("#chat")).to_contain_text("Something")
    end()
    expect(page.locator(".done")).to_be_visible()
