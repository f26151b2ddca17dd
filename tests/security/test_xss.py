"""Two hundred hostile texts wherever text comes from outside: no script runs, and no page asks another host."""

import os
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from agents import runs
from agents.models import Run
from projects import versions
from projects.markdown import render_markdown
from projects.models import Project
from projects.paths import BadFiles, check_path
from tests.security.corpus import CORPUS
from usage import services

HOOK = "window.ran = 0; for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => { window.ran += 1; };"


@pytest.fixture
def hostile(stack, alice):
    """A project of alice's in which every text is one of the corpus, or all of them."""
    whole = "\n\n".join(CORPUS)
    project = Project.objects.create(owner=alice, name=CORPUS[0][:80], framework="html", model="vibe-m")
    versions.save(project, {path: whole.encode() for path in paths()} | {"index.html": b"<p>x\n"}, source="edit")
    project.versions.update(title=CORPUS[7][:200])
    for text in CORPUS[::12]:
        Project.objects.create(owner=alice, name=text[:80], framework="html", model="vibe-m")
        services.grant(alice, 1, f"xss-{hash(text)}", text[:200])
        ApiToken.issue(alice, text[:80])
    message = project.messages.create(role="user", text=whole)
    Run.objects.create(project=project, message=message, model="vibe-m", state="failed", finished=timezone.now())
    for kind, data in steps(whole, CORPUS[3]):
        runs.note(project.pk, kind, data, Run.objects.get().pk)
    alice.name = CORPUS[5][:80]
    alice.save()
    return project


def paths():
    good = []
    for text in CORPUS:
        try:
            check_path(path := f"{text[:60]}.txt")
            good.append(path)
        except BadFiles:
            continue
    assert len(good) > 20
    return good[:60]


def steps(whole, short):
    """What a user, a model, its tools and the checks say, as events carry it."""
    html = str(render_markdown(whole))
    call = {"key": "1.0", "turn": 1, "index": 0, "name": "terminal", "title": short, "summary": short}
    file = {"path": short, "action": "changed", "added": 1, "removed": 1, "diff": f"@@ x\n+{whole}"}
    changes = {"added": [short], "changed": [short], "deleted": [short]}
    ended = {
        "files": changes,
        "seconds": 1,
        "cost": 1,
        "cost_text": short,
        "mode": "build",
        "checks": {},
        "message_id": "x",
    }
    yield "user_message", {"message_id": "m1", "text": whole, "html": html, "mode": "build"}
    yield "stage", {"stage": "work", "status": "started", "title": short}
    yield "reply", {"turn": 1, "round": 0, "text": whole, "html": html, "tools": [], "usage": {}, "cost": 1}
    yield "tool_call", {**call, "input": {"command": whole}}
    yield (
        "tool_result",
        {**call, "input": {"command": short}, "ok": False, "output": whole, "seconds": 1, "files": [file]},
    )
    yield "check", {"name": "lint", "title": short, "ok": False, "seconds": 1, "output": whole, "round": 0}
    yield "version", {"number": 9, "title": short, "source": "run", "verdict": {}, **changes}
    yield "error", {"code": "x", "title": short, "detail": whole, "next": whole}
    yield "complete", {**ended, "state": "failed", "reason": short, "version": None, "summary": whole, "html": html}


def test_it_runs_nothing_and_asks_nobody(hostile, stack, page, context, alice, staff, as_user):
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.add_init_script(HOOK)
    sign_in(context, as_user, alice, stack)
    page.goto(f"/projects/{hostile.pk}/")
    page.wait_for_selector(".done")
    for kind, data in steps(CORPUS[1] + CORPUS[2], CORPUS[4]):  # and the same, as it arrives at an open page
        runs.note(hostile.pk, kind, data, Run.objects.get().pk)
    page.wait_for_selector(".notice.bad >> nth=1")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    seen = page.evaluate("document.querySelector('#main, main').innerText.length")
    for tab in ("code", "history", "context"):
        page.locator(f"#tab-{tab}").click()
        page.wait_for_timeout(300)
    ran = page.evaluate("window.ran")
    urls = ["/projects/", "/", "/usage/", "/settings/", f"/usage/runs/{Run.objects.get().pk}/", "/accounts/email/"]
    for url in urls:
        page.goto(url)
        ran += page.evaluate("window.ran")
    context.clear_cookies()
    sign_in(context, as_user, staff, stack)
    for name in ("projects/project", "accounts/user", "usage/entry", "agents/run", "accounts/apitoken"):
        page.goto(f"/admin/{name}/")
        assert page.title() and "Log in" not in page.title()
        ran += page.evaluate("window.ran")
    previews = f".{os.environ['PREVIEW_DOMAIN']}"
    home = urlsplit(stack.url).netloc
    remote = {url for url in asked if urlsplit(url).scheme != "data" and urlsplit(url).netloc != home}
    remote = {url for url in remote if previews not in url and not url.startswith("blob:")}
    assert len(CORPUS) >= 200 and seen > 10_000
    assert (ran, remote) == (0, set())


def sign_in(context, as_user, user, stack):
    cookie = as_user(user).cookies["vibe_session"].value
    context.add_cookies([{"name": "vibe_session", "value": cookie, "url": stack.url}])
