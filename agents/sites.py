"""Puts an app online: its version is built in a sandbox of its own, looked at as a visitor would see it, and kept."""

import logging
from contextlib import suppress

from agents import aio, browser, pictures, previews, runs, sandbox
from agents.box import Box
from agents.tools.app import errors
from projects import sites
from projects.models import Project, Site, Version
from projects.paths import BadFiles

log = logging.getLogger(__name__)
BUILD_SECONDS = 240
# Of what a build that failed printed, the end is shown.
SHOWN_CHARS = 2_000
LOOK_SECONDS = 20
# A look waits for its turn; two others may be before it.
LOOK_WAITS_SECONDS = 90


class NotBuilt(Exception):
    """There is nothing that could go online. The text says why."""


def tell(project: Project) -> None:
    """Tells the pages how it stands."""
    runs.note(project.pk, "site", sites.facts(project))


def build(project_id: str) -> None:
    """Makes a site of the version that was asked for. What was online before stays until it is there."""
    site = Site.objects.select_related("project").filter(project__pk=project_id).first()
    if site is None or not sites.begin(site):
        return
    tell(site.project)
    try:
        files, noticed = _built(site.project.versions.select_related("project").get(number=site.wants))
        sites.put(site, files, noticed)
    except (NotBuilt, BadFiles, sandbox.SandboxUnavailable) as problem:
        sites.fail(site, str(problem))
    except (TimeoutError, *sandbox.DOWN) as error:
        log.warning("the site of project %s was not built: %s", project_id, error)
        sites.fail(site, "The sandbox in which it was built went away. Try again.")
    tell(site.project)


def give_up_lost() -> int:
    """Says of attempts that went with their worker that they failed; of how many."""
    found = sites.lost()
    for site in found:
        tell(site.project)
    return len(found)


def _built(version: Version) -> tuple[dict[str, bytes], str]:
    """The files of the site, and what was noticed about them. Raises NotBuilt, BadFiles, SandboxUnavailable or what is
    DOWN.
    """
    box = sandbox.beside(version, "site")
    try:
        recipe = box.framework.site
        if recipe.build:
            done = aio.run(box.run_once("site", recipe.build, BUILD_SECONDS, lambda text: None), BUILD_SECONDS + 30)
            if done.timed_out:
                raise NotBuilt(f"The build took longer than {BUILD_SECONDS} s.")
            if done.exit_code != 0:
                raise NotBuilt(f"The build failed:\n{done.output.strip()[-SHOWN_CHARS:]}")
        files = sites.chosen(aio.run(box.snapshot(recipe.folder), 120), recipe.leave)
        return files, _seen(box, recipe.folder)
    finally:
        with suppress(TimeoutError, *sandbox.DOWN):  # it ends by itself
            aio.run(sandbox.end(box))


def _seen(box: Box, folder: str) -> str:
    """What a visitor's browser complains about. Raises NotBuilt for a page that stays empty."""
    if not browser.available():
        return ""
    try:
        aio.run(box.serve_folder(folder), 30)
        seen = aio.run(browser.look(previews.url(box), seconds=LOOK_SECONDS), LOOK_WAITS_SECONDS)
    except (browser.NoBrowser, TimeoutError):
        return ""  # ours broke down or is too busy, which says nothing of the app
    said = "\n".join(errors(seen))
    if seen.status == 200 and pictures.is_blank(seen):
        raise NotBuilt(f"The built page stays empty.\n{said}".strip())
    return f"The browser's console, on the built page:\n{said}" if said else ""
