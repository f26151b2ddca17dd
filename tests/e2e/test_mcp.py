"""A person connects an MCP server, switches it on in a project, and sees the agent use it."""

import re

import pytest

from agents import browser
from tests.agents.mcp_server import McpServer
from tests.e2e.conftest import BUILD_MS

pytestmark = pytest.mark.skipif(not browser.available(), reason="NO CHROMIUM")


def test_it_connects_a_server_and_switches_it_on(page, begin):
    from playwright.sync_api import expect

    wiki = McpServer()
    wiki.token = "wiki-token-0123456789"
    workspace = begin(page, "a landing page for a tea shop")
    expect(page.locator(".done")).to_have_count(1, timeout=BUILD_MS)
    page.click("#tab-context")
    expect(page.locator("#mcp-servers")).to_contain_text("Connect a server")
    page.click("#mcp-servers a")
    page.fill("#mcp-name", "wiki")
    page.fill("#mcp-url", wiki.url)
    page.fill("#mcp-token", "another-token")
    save = page.locator("section[aria-labelledby=mcp] form.inline button")
    save.click()
    expect(page.locator(".toast", has_text="refuses this token")).to_be_visible()
    expect(page.locator("#mcp-url")).to_have_value(wiki.url)
    page.fill("#mcp-token", wiki.token)
    save.click()
    expect(page.locator(".toast", has_text="Connected: 1 tool.")).to_be_visible()
    row = page.locator("section[aria-labelledby=mcp] .token-list > li")
    expect(row).to_contain_text("…6789")
    page.get_by_role("button", name="Test wiki").click()
    expect(page.locator(".toast", has_text="Connected: 1 tool.")).to_be_visible()

    page.goto(workspace)
    page.click("#tab-context")
    box = page.get_by_role("checkbox", name="wiki")
    expect(box).not_to_be_checked()
    box.check()
    expect(page.locator(".lens-key")).to_contain_text(re.compile(r"Tools of MCP servers, about [1-9]"))
    expect(box).to_be_focused()
    page.reload()
    page.click("#tab-context")
    expect(box).to_be_checked()

    page.goto("/settings/")
    page.get_by_role("button", name="Remove wiki").click()
    expect(row).to_have_count(0)
    wiki.stop()
