"""A person in front of the real site: signs up, types prompts, watches."""

import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "a-long-enough-password"
WORKSPACE = re.compile(r"/projects/[0-9a-f-]{36}/")
# A build with the demo model takes 6 s on a quiet machine; tests share two cores with others.
BUILD_MS = 90_000


@pytest.fixture
def sign_up() -> Callable[["Page"], str]:
    """Signs up on the sign-up page; the address."""

    def sign_up(page: "Page") -> str:
        email = f"{uuid.uuid4().hex[:10]}@example.com"
        page.fill("input[name=email]", email)
        page.fill("input[name=password1]", PASSWORD)
        page.locator("main form button[type=submit], main form button:not([type])").last.click()
        return email

    return sign_up


@pytest.fixture
def begin(sign_up: Callable[["Page"], str]) -> Callable[..., str]:
    """Types a prompt on the landing page as somebody new; the workspace's path, once it is shown."""

    def begin(page: "Page", prompt: str, framework: str = "html", limit: str = "") -> str:
        page.goto("/")
        page.select_option("select[name=framework]", framework)
        if limit:
            page.click(".limit > summary")
            page.fill("#limit", limit)
            page.press("#limit", "Enter")
        page.fill("#prompt", prompt)
        page.press("#prompt", "Enter")
        page.wait_for_url("**/accounts/signup/**")
        sign_up(page)
        page.wait_for_url(WORKSPACE)
        found = WORKSPACE.search(page.url)
        assert found
        return found[0]

    return begin


@pytest.fixture
def opened(page: "Page", sign_up: Callable[["Page"], str]) -> Callable[[dict[str, bytes]], "Page"]:
    """`opened(files)`: the workspace of a project of somebody new with these files; the page."""

    def opened(files: dict[str, bytes]) -> "Page":
        from accounts.models import User
        from projects import services, versions

        page.goto("/accounts/signup/")
        email = sign_up(page)
        page.wait_for_url("**/projects/")
        owner = User.objects.get(email=email)
        project = services.create_project(owner, "A page for a bakery", model="vibe-m", framework="html")
        versions.save(project, files, source="run", title="First")
        page.goto(project.get_absolute_url())
        return page

    return opened
