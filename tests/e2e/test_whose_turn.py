"""The preview says when it is the person's turn, leads to what waits, and is silent once that is answered."""

import re

import pytest

from tests.e2e.conftest import BUILD_MS

TEA = "a landing page for a tea shop"


@pytest.fixture
def bar(page):
    return page.locator("#awaits")


def test_it_says_that_the_agent_asked_until_it_is_answered(page, begin, bar):
    from playwright.sync_api import expect

    begin(page, f"{TEA}. Ask me about the colour first.")
    expect(bar).to_be_visible(timeout=BUILD_MS)
    expect(bar).to_contain_text("Waiting for you The agent has a question.")
    # A page that is opened meanwhile says so as well, above the app and not over it.
    page.reload()
    expect(bar).to_be_visible()
    below = "Math.round(document.querySelector('#preview').getBoundingClientRect().top)"
    box = bar.bounding_box()
    assert page.evaluate(below) == round(box["y"] + box["height"]) and box["height"] < 50
    page.click("#tab-code")
    expect(bar).to_be_hidden()
    page.click("#tab-preview")
    # What is typed now is the answer, and no question of the person's own.
    expect(page.locator("#text")).to_have_attribute("placeholder", "Your answer")
    page.fill("#text", "Why do you ask?")
    expect(page.locator("#ask-hint")).to_be_hidden()
    page.fill("#text", "")

    bar.get_by_role("button", name="Answer").press("Enter")
    question = page.locator(".question")
    expect(question).to_be_focused()
    page.keyboard.press("Tab")
    expect(question.locator("[data-say]").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(bar).to_be_hidden()
    expect(page.locator("#text")).to_have_attribute("placeholder", "What should change?")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    expect(bar).to_be_hidden()


def test_it_says_that_a_plan_waits_and_leads_to_it_on_a_phone(page, begin, bar):
    from playwright.sync_api import expect

    begin(page, TEA)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    expect(bar).to_be_hidden()
    page.select_option("#mode", "plan")
    page.fill("#text", "Add a FAQ section")
    page.press("#text", "Enter")
    expect(bar).to_contain_text("A plan is to be approved.", timeout=BUILD_MS)

    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("[data-pane-tab=preview]").click()
    bar.get_by_role("button", name="Look at the plan").click()
    expect(page.locator("#workspace")).to_have_attribute("data-pane", "chat")
    plan = page.locator(".plan")
    expect(plan).to_be_focused()
    expect(plan).to_be_in_viewport()

    # Another message passes it over: it waits for nobody then.
    page.select_option("#mode", "ask")
    page.fill("#text", "What does the page show?")
    page.press("#text", "Enter")
    expect(page.locator(".done")).to_have_count(3, timeout=BUILD_MS)
    page.locator("[data-pane-tab=preview]").click()
    expect(page.locator("#preview")).to_be_visible()
    expect(bar).to_be_hidden()


def test_it_is_silent_once_the_plan_is_approved(page, begin, bar):
    from playwright.sync_api import expect

    begin(page, TEA)
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.select_option("#mode", "plan")
    page.fill("#text", "Add a FAQ section")
    page.press("#text", "Enter")
    expect(bar).to_be_visible(timeout=BUILD_MS)
    page.get_by_role("button", name="Build this plan").click()
    expect(page.locator(".plan")).to_have_attribute("data-state", "approved", timeout=20_000)
    expect(bar).to_be_hidden()
    expect(page.locator(".done")).to_have_count(3, timeout=BUILD_MS)
    expect(bar).to_be_hidden()
    page.reload()
    expect(page.locator("#version-now")).to_have_text(re.compile("v2"))
    expect(bar).to_be_hidden()
