"""What is shown fits its place (long names, small screens, a banner above all) and what is so (waiting, no tokens)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

FILE = f"src/parts/{'a-name-that-goes-on-' * 5}and-on.ts"
IN_VIEW = "(box) => { const { left, right } = box.getBoundingClientRect(); return left >= 0 && right <= innerWidth; }"


@pytest.fixture
def project(stack, django_user_model):
    """One with a long name, a file with another, and a run that was paid for."""
    from agents.models import Run
    from projects import services, versions
    from usage import services as usage

    owner = django_user_model.objects.create_user("long@example.com", "a-long-enough-password")
    name = "A remarkably long name of a project, which nobody would choose and everybody has"
    project = services.create_project(owner, "A page", name=name, model="vibe-m", framework="html")
    asked = services.add_message(project, "user", "Make it blue")
    run = Run.objects.create(project=project, message=asked, model="vibe-m", state="waiting")
    usage.reserve(owner, 1_000_000, run.pk)
    usage.settle(run.pk, 400_000, f"Run in {name}")
    versions.save_file(project, FILE, b"export const x = 1;\n")
    return project


@pytest.fixture
def signed_in(page, project):
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "long@example.com")
    page.fill("input[name=password]", "a-long-enough-password")
    page.locator("main form button[type=submit], main form button:not([type])").last.click()
    page.wait_for_url("**/projects/**")
    return page


def test_it_holds_a_long_name_on_a_desktop(signed_in, project):
    from playwright.sync_api import expect

    page = signed_in
    page.goto(f"/projects/{project.pk}/?tab=code")
    assert page.locator(".bar > .parties .party").evaluate_all("(all) => all.every((it) => it.clientHeight < 30)")
    expect(page.locator(f"#tree [data-path='{FILE}']")).to_be_visible()
    assert page.locator(".tree-pane").evaluate("(pane) => pane.scrollWidth <= pane.clientWidth")


def test_it_fits_on_a_phone(signed_in, project):
    from playwright.sync_api import expect

    page = signed_in
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/projects/")
    search, sort = page.locator(".toolbar .search").bounding_box(), page.locator(".toolbar .pick").bounding_box()
    assert abs(search["y"] - sort["y"]) < 4, "the sort stands beside the search"
    for path in ("/projects/", "/usage/", "/settings/", "/accounts/sessions/"):
        page.goto(path)
        assert page.evaluate("document.scrollingElement.scrollWidth") == 390, path
    assert page.locator(".settings-nav [aria-current]").evaluate(IN_VIEW)

    page.goto("/settings/")
    page.fill("#token-name", "for the build server")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token")).to_be_in_viewport()
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390, "a new token"

    page.goto(f"/projects/{project.pk}/")
    for menu in ("#versions-menu", "#share-menu"):
        page.click(f"{menu} > summary")
        expect(page.locator(f"{menu} .menu-panel")).to_be_visible()
        assert page.locator(f"{menu} .menu-panel").evaluate(IN_VIEW), menu
        page.keyboard.press("Escape")


def test_it_opens_a_menu_where_there_is_room(signed_in):
    page = signed_in
    summary, panel = (page.locator(f".project .menu {part}") for part in ("summary", ".menu-panel"))
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.goto("/projects/")
    at = summary.bounding_box()
    for height in (1200, int(at["y"] + at["height"]) + 20):
        page.set_viewport_size({"width": 1280, "height": height})
        summary.click()
        panel.evaluate("(panel) => Promise.all(panel.getAnimations().map((one) => one.finished))")
        box = panel.bounding_box()
        assert box["y"] + box["height"] <= height
        assert box["y"] >= 0
        page.keyboard.press("Escape")


def test_it_keeps_its_shape_below_a_banner(signed_in, context, project):
    from playwright.sync_api import expect

    page = signed_in
    page.goto(f"/projects/{project.pk}/")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        context.set_offline(True)
        expect(page.locator(".banner")).to_be_visible()
        banner, bar, main = (page.locator(name).bounding_box() for name in (".banner", ".bar", "#workspace"))
        # One below the other, without a gap, and down to the edge of the screen.
        ends = [round(box["y"] + box["height"]) for box in (banner, bar, main)]
        assert ends == [round(bar["y"]), round(main["y"]), 800]
        context.set_offline(False)
        expect(page.locator(".banner")).to_have_count(0)


def test_it_says_that_it_waits_also_to_who_comes_later(signed_in, project):
    from playwright.sync_api import expect

    from agents import runs

    page = signed_in
    runs.note(project.pk, "stage", {"stage": "work", "title": "Building"}, project.runs.get().pk)
    page.goto(f"/projects/{project.pk}/")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    expect(page.locator("#stage-title")).to_have_text("Waiting for you")


def test_it_draws_nothing_for_what_has_no_tokens(signed_in, project):
    from playwright.sync_api import expect

    page = signed_in
    page.goto(f"/projects/{project.pk}/?tab=context")
    expect(page.locator(".lens-key li", has_text="about 0 tokens").first).to_be_visible()
    shown = page.locator(".lens > i").evaluate_all("(all) => all.filter((it) => it.clientWidth).length")
    parts = page.locator(".lens-key li")
    assert 0 < shown == parts.count() - parts.filter(has_text="about 0 tokens").count()


def test_it_shows_all_of_what_is_long_in_the_chat(signed_in, project):
    from playwright.sync_api import expect

    from agents import runs
    from projects.markdown import render_markdown

    page, run = signed_in, project.runs.get()
    sentence, word = "a choice that takes its time to be said " * 3, "without_any_end_" * 20
    table = f"|{'a|' * 30}\n|{'-|' * 30}\n|{'long|' * 30}"
    marked = str(render_markdown(f"{word}\n\n```\nconst x = {word};\n```\n\n{table}"))
    attached = [{"id": str(run.pk), "kind": "text", "name": f"{word}.txt"}]
    issue = {"severity": "high", "file": FILE, "problem": word, "evidence": word}
    promises = {"of": 1, "held": 0, "broken": [word]}
    asks = {"name": "ask_user", "key": "1:0", "question": word, "options": [sentence, word]}
    scope = {"name": "declare_files", "key": "1:1", "ok": True, "title": word, "summary": word, "scope": [FILE, word]}
    plan = {"run": str(run.pk), "title": word, "summary": word, "steps": [word], "files": [FILE], "state": "proposed"}
    failed = {"title": word, "detail": word, "cause": word, "tried": [{"files": [FILE], "said": word}]}
    done = {"state": "succeeded", "version": 1, "html": marked, "promises": promises, "doubts": [sentence, word]}
    cards: list[tuple[str, dict[str, Any]]] = [
        ("user_message", {"message_id": str(run.pk), "html": marked, "attachments": attached}),
        ("reply", {"turn": 1, "html": marked}),
        ("tool_call", asks),
        ("tool_result", scope),
        ("plan", {**plan, "questions": [{"question": word, "answer": word}]}),
        ("review", {"number": 1, "verdict": "issues", "issues": [issue]}),
        ("version", {"number": 1, "title": word, "added": [FILE]}),
        ("error", failed),
        ("complete", done),
    ]
    runs.note_all(project.pk, cards, run.pk)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/projects/{project.pk}/")
        expect(page.locator(".done")).to_be_visible()
        for closed in page.locator("#chat details:not([open]) > summary").all():
            closed.click()
        cut = "(all) => all.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.id)"
        assert page.locator("#chat > .item").evaluate_all(cut) == [], width
        assert page.get_by_role("button", name=sentence.strip()).evaluate(IN_VIEW)


def test_it_counts_the_hours_of_a_long_wait(signed_in, project):
    from playwright.sync_api import expect

    project.runs.update(created=timezone.now() - timedelta(hours=26, minutes=3))
    signed_in.goto(f"/projects/{project.pk}/")
    expect(signed_in.locator("#elapsed")).to_have_text(re.compile(r"^26:03:\d\d$"))
