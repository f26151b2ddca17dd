"""Takes the picture of a project's newest version: its app, looked at by Chromium. Never in the way of a run."""

import contextlib

from agents import aio, browser, previews
from agents.models import Run, Sandbox
from projects import pictures
from projects.models import Picture, Project, Version

# A machine under load takes its time; nobody waits for a picture.
LOOK_SECONDS = 45
# A look waits for its turn; two others may be before it.
WAIT_SECONDS = 150
# 1280 × 800 pixels of one colour are 2,364 bytes of WebP; the sparsest drawing has more.
BLANK_BYTES = 3_000


class NotSeen(Exception):
    """The app is up, but a look at it brought no picture. Another may."""


def take(project: Project) -> bool:
    """Takes and keeps it. False: there is no browser, or the app is not up or not at that version. Raises NotSeen."""
    version = _shown(project)
    if version is None or not browser.available() or Picture.objects.filter(version=version).exists():
        return False
    look = browser.Look()
    with contextlib.suppress(browser.NoBrowser, TimeoutError):
        address = previews.url(Sandbox.objects.get(project=project))
        look = aio.run(browser.look(address, seconds=LOOK_SECONDS), WAIT_SECONDS)
    # Meanwhile the agent may have begun to change what was looked at.
    if _shown(project) != version:
        return False
    if look.status != 200 or not look.screenshot or is_blank(look):
        raise NotSeen(f"HTTP {look.status}; {'; '.join(look.console[:2])}")
    return pictures.keep(version, look.screenshot)


def is_blank(look: browser.Look) -> bool:
    """One colour and no word: seen before the app drew itself, as on a machine under load."""
    return not look.text.strip() and len(look.screenshot or b"") < BLANK_BYTES


def _shown(project: Project) -> Version | None:
    """The version that the project's app shows now; None when it sleeps, or the agent is at work in it."""
    row = Sandbox.objects.filter(project=project, paused=False).first()
    if row is None or project.runs.filter(state=Run.State.RUNNING).exists():
        return None
    newest = project.versions.order_by("-number").first()
    return newest if newest and newest.number == row.version and newest.verdict.get("page", True) else None
