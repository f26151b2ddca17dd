"""Stop, a dead worker, a model that fails, no credits, a stranger: each is shown, and nothing is lost."""

import re

from tests.e2e.conftest import BUILD_MS


def test_it_stops_and_says_so_when_it_has(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:slow=60]]")
    expect(page.locator("#run-line")).to_be_visible()
    expect(page.locator(".live").first).to_be_visible(timeout=BUILD_MS)
    page.click("#stop")
    expect(page.locator(".done")).to_contain_text("Stopped, as you asked", timeout=20_000)
    expect(page.locator("#run-line")).to_be_hidden()
    expect(page.locator("#chat-scroll")).to_be_focused()


def test_it_leads_from_a_limit_that_was_reached_to_a_higher_one(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:expensive=90000]]", limit="0.01")
    expect(page.locator(".done")).to_contain_text("Limit reached", timeout=BUILD_MS)
    expect(page.locator("#run-state")).to_have_text("Limit reached")
    page.click("[data-open-limit]")
    expect(page.locator("#limit")).to_be_focused()
    page.fill("#limit", "900")
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as kept:
        page.press("#limit", "Enter")
    assert kept.value.ok
    page.locator(".done").get_by_role("button", name="Continue").click()
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(page.locator(".done").last).not_to_contain_text("may cost at most")


def test_it_goes_on_after_its_worker_was_killed(page, begin, stack, eventually):
    from playwright.sync_api import expect

    from agents.models import Run, Step

    begin(page, "a landing page for a tea shop [[demo:slow=6]]")
    eventually(lambda: Step.objects.filter(type="stage", data__stage="work").exists(), 60)
    stack.kill_worker()
    Run.objects.update(lease_until="2020-01-01T00:00Z")  # as if the lease's 30 s had passed
    stack.start_worker()
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)
    run = Run.objects.get()
    assert run.lease_token == 2
    cursors = list(Step.objects.order_by("cursor").values_list("cursor", flat=True))
    assert cursors == list(range(1, len(cursors) + 1))


def test_it_offers_to_start_the_app_again_when_nobody_does(page, begin, stack, eventually):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)
    stack.kill("chores")
    page.clock.install()
    with page.expect_response("**/sandbox/start/"):
        page.reload()
    late = page.locator("#preview-late")
    expect(page.locator("#preview-starting")).to_be_visible()
    expect(late).to_be_hidden()

    def is_late():
        page.clock.fast_forward(45_000)
        return late.is_visible()

    eventually(is_late)  # the wait begins anew should the server's word that it starts come later
    expect(late).to_contain_text("longer than usual")
    page.get_by_role("button", name="Start it again").click()
    expect(late).to_be_hidden()
    stack.start("chores")
    expect(page.frame_locator("#frame").locator("h1")).to_be_visible(timeout=BUILD_MS)


def test_it_says_so_when_an_app_that_is_shown_is_not_started_again(page, begin, stack, eventually):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)
    expect(page.locator("#preview[data-state=ready]")).to_be_visible(timeout=BUILD_MS)
    stack.kill("chores")
    page.clock.install()
    page.locator("[data-restart]").last.dispatch_event("click")
    preview, told = page.locator("#preview"), page.locator(".toast.error")
    expect(preview).to_have_attribute("aria-busy", "true")

    def given_up():
        page.clock.fast_forward(45_000)
        return preview.get_attribute("aria-busy") is None

    eventually(given_up)  # the wait begins anew should the server's word that it starts come later
    expect(told).to_contain_text("not started again in time")
    told.get_by_role("button", name="Start it again").click()
    expect(told).to_have_count(0)
    expect(preview).to_have_attribute("aria-busy", "true")
    eventually(given_up)
    expect(told).to_contain_text("not started again in time")
    stack.start("chores")
    expect(told).to_have_count(0, timeout=BUILD_MS)
    expect(page.frame_locator("#frame").locator("h1")).to_be_visible(timeout=BUILD_MS)


def test_it_works_on_two_projects_at_once(page, context, begin, eventually):
    from playwright.sync_api import expect

    from agents.models import Run

    begin(page, "a landing page for a tea shop [[demo:slow=5]]")
    other = context.new_page()
    other.goto("/")
    other.select_option("select[name=framework]", "html")
    other.fill("#prompt", "a todo app for gardeners [[demo:slow=5]]")
    other.press("#prompt", "Enter")
    eventually(lambda: Run.objects.filter(state="running").count() == 2, 30)
    for tab in (page, other):
        expect(tab.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)


def test_it_tries_again_when_the_model_is_busy(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:429x2]]")
    expect(page.locator(".done")).to_contain_text("Built version 1", timeout=BUILD_MS)


def test_it_says_what_failed_and_offers_to_try_again(page, begin):
    from playwright.sync_api import expect

    begin(page, "a landing page for a tea shop [[demo:500]]")
    expect(page.locator(".done")).to_contain_text("This did not work", timeout=BUILD_MS)
    expect(page.locator("#chat")).to_contain_text("500")
    expect(page.locator(".done")).to_contain_text("free")
    expect(page.locator(".done [data-retry]")).to_be_visible()


def test_it_says_failed_until_a_person_saves_a_version(opened):
    from playwright.sync_api import expect

    from agents import edits
    from projects.models import Project

    page = opened({"index.html": b"<h1>Bread</h1>"})
    page.fill("#text", "Make it blue [[demo:500]]")
    page.press("#text", "Enter")
    badge = page.locator("#run-state")
    expect(badge).to_have_text("Failed", timeout=BUILD_MS)
    assert page.title().startswith("✗ ")
    edits.save_file(Project.objects.get(), "index.html", b"<h1>Rolls</h1>")
    expect(badge).to_have_text("")
    expect(page).not_to_have_title(re.compile("✗"))
    page.reload()
    expect(page.locator("#version-now")).to_have_text("v2")
    expect(badge).to_have_text("")
    assert "✗" not in page.title()


def test_it_says_that_a_project_was_deleted_in_another_tab(opened):
    from playwright.sync_api import expect

    page = opened({"index.html": b"<h1>Bread</h1>"})
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    other = page.context.new_page()
    other.goto(page.url)
    other.click(".bar-title > summary")
    other.get_by_role("button", name="Delete project").click()
    other.wait_for_url("**/projects/")
    page.fill("#text", "Make it blue")
    page.press("#text", "Enter")
    expect(page.locator("#composer-error")).to_have_text(re.compile("This project was deleted."))
    expect(page.locator(".banner")).to_contain_text("This project was deleted.")
    expect(page.locator("#link")).to_have_attribute(
        "data-link", "missing", timeout=30_000
    )  # the socket asks every 15 s
    expect(page.locator("#link")).to_be_hidden()
    expect(page.locator("#text")).to_have_value("Make it blue")
    page.get_by_role("link", name="Deleted projects").click()
    page.get_by_role("button", name="Bring back").click()
    expect(page.locator(".project")).to_have_count(1)


def test_it_asks_for_credits_and_keeps_the_words(page, begin):
    from playwright.sync_api import expect

    from usage.models import Account, Entry

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    account = Account.objects.get()
    Entry.objects.create(account=account, kind="charge", amount=-account.balance, key="all-spent")
    Account.objects.update(balance=0)
    page.fill("#text", "Make it green")
    page.press("#text", "Enter")
    expect(page.locator("#composer-error")).to_be_visible()
    expect(page.locator("#composer-error a")).to_be_visible()
    expect(page.locator("#text")).to_have_value("Make it green")


def test_it_keeps_the_words_of_an_empty_or_huge_prompt(page, stack):
    from playwright.sync_api import expect

    page.goto("/")
    page.fill("#prompt", "x" * 20_001)
    page.press("#prompt", "Enter")
    expect(page.locator("#prompt-error")).to_be_visible()
    expect(page.locator("#prompt")).to_have_value("x" * 20_001)


def test_it_hides_a_project_from_a_stranger(page, browser, begin, sign_up, stack):
    path = begin(page, "a landing page for a tea shop")
    stranger = browser.new_context(base_url=stack.url).new_page()
    stranger.goto("/accounts/signup/")
    sign_up(stranger)
    stranger.wait_for_url("**/projects/")
    answer = stranger.goto(path)
    assert answer and answer.status == 404
    missing = stranger.goto("/projects/00000000-0000-4000-8000-000000000000/")
    assert missing and missing.status == 404
    states = stranger.evaluate(
        """path => new Promise(resolve => {
            const socket = new WebSocket(`ws://${location.host}/ws${path}`);
            socket.onmessage = () => resolve("message");
            socket.onclose = (event) => resolve(event.code);
        })""",
        path,
    )
    assert states != "message"


def test_it_shows_what_was_there_when_a_repair_is_refused(page, opened, stack):
    from playwright.sync_api import expect

    from agents import runs
    from agents.models import Run
    from projects import services
    from projects.models import Project

    stack.kill("chores")  # nobody starts the app
    with page.expect_response("**/sandbox/start/"):  # it is said before that it starts
        opened({"index.html": b"<h1>Tea</h1>"})
    project = Project.objects.get()
    expect(page.locator("#preview")).to_have_attribute("data-state", "starting")
    runs.note(project.pk, "preview", {"state": "failed", "detail": "It fell over."})
    expect(page.locator("#preview-failed")).to_have_text("It fell over.")
    message = services.add_message(project, "user", "Make it blue")
    Run.objects.create(project=project, message=message, model="vibe-m", state="waiting")
    repair = page.get_by_role("button", name="Repair")
    repair.click()
    expect(page.locator(".toast.error")).to_contain_text("A run is at work on these files")
    expect(page.locator("#preview-failed")).to_have_text("It fell over.")
    expect(repair).to_be_visible()


def test_it_says_why_it_does_not_show_what_came_before(page, context, opened):
    from playwright.sync_api import expect

    from agents import runs
    from projects.models import Project

    opened({"index.html": b"<h1>Tea</h1>"})
    said_at = {"role": "user", "at": "2026-01-01T12:00:00+00:00"}
    words = [("earlier", {**said_at, "text": f"Message {number}"}) for number in range(220)]
    runs.note_all(Project.objects.get().pk, words, None)
    page.reload()
    earlier, said = page.locator("#earlier"), page.locator(".toast.error")
    context.set_offline(True)
    earlier.click()
    expect(said).to_contain_text("The server cannot be reached")
    context.set_offline(False)
    said.get_by_role("button", name="Dismiss").click()
    session = [cookie for cookie in context.cookies() if cookie["name"] == "vibe_session"]
    context.clear_cookies(name="vibe_session")
    earlier.click()
    expect(said).to_contain_text("You are signed out")
    context.add_cookies(session)
    earlier.click()
    expect(page.locator("#chat")).to_contain_text("Message 0")
    expect(earlier).to_have_count(0)


def test_it_claims_nothing_of_an_app_that_could_not_be_looked_at(page, opened):
    from playwright.sync_api import expect

    opened({"index.html": b"<h1>Tea</h1>"})
    page.route("**/sandbox/check/", lambda route: route.abort())
    page.click("#doctor-toggle")
    expect(page.locator("#doctor-links")).to_contain_text("The server could not look")
    expect(page.locator("#doctor-sum")).to_have_text("Nothing could be looked at. Try again in a moment.")
