"""Plan first: the plan is changed and approved by its person, and only then something is built."""

from tests.e2e.conftest import BUILD_MS


def test_it_plans_changes_the_plan_and_builds_it(page, begin):
    from playwright.sync_api import expect

    from agents.models import Run

    begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.select_option("#mode", "plan")
    page.fill("#text", "Add a FAQ section")
    page.press("#text", "Enter")
    plan = page.locator(".plan")
    expect(plan).to_be_visible(timeout=BUILD_MS)
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    expect(page.locator("#version-now")).to_have_text("v1")
    expect(page.locator("#run-state")).to_have_text("Plan ready")
    plan.locator("[data-plan-edit]").click()
    page.fill("#plan-title", "A FAQ, short")
    plan.get_by_role("button", name="Save").click()
    expect(plan.locator("h2")).to_have_text("A FAQ, short")
    plan.get_by_role("button", name="Build this plan").click()
    expect(plan).to_have_attribute("data-state", "approved", timeout=20_000)
    expect(page.locator(".done")).to_have_count(3, timeout=BUILD_MS)
    expect(page.locator("#run-state")).to_have_text("Done")
    assert Run.objects.count() == 3


def test_it_builds_a_plan_without_scripts(browser, stack, context, page, begin):
    from playwright.sync_api import expect

    from agents.models import Run

    path = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.select_option("#mode", "plan")
    page.fill("#text", "Add a FAQ section")
    page.press("#text", "Enter")
    expect(page.locator(".plan")).to_be_visible(timeout=BUILD_MS)
    expect(page.locator(".done")).to_have_count(2, timeout=BUILD_MS)
    plain = browser.new_context(base_url=stack.url, java_script_enabled=False, storage_state=context.storage_state())
    bare = plain.new_page()
    bare.goto(path)
    bare.get_by_role("button", name="Build this plan").click()
    expect(bare.locator(".plan")).to_have_attribute("data-state", "approved")
    assert Run.objects.count() == 3
    plain.close()
