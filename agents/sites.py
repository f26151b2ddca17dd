"""Puts an app online: its version is built in a sandbox of its own, looked at as a visitor would see it, and kept."""

import logging
from contextlib import suppress

from agents import aio, browser, pictures, previews, runs, sandbox, services
from agents.box import REPAIR_SECONDS, Box
from agents.tools.app import errors
from projects import sites
from projects.models import Project, Site
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


class NotWanted(Exception):
    """The attempt is not the newest any more, or its project is gone."""


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
        sites.put(site, *_built(site))
    except NotWanted:
        return  # taken offline, or asked for anew, or its project is gone
    except (NotBuilt, BadFiles, sandbox.SandboxUnavailable) as problem:
        sites.fail(site, str(problem))
    except (TimeoutError, *sandbox.DOWN) as error:
        log.warning("the site of project %s was not built: %s", project_id, error)
        sites.fail(site, "The sandbox in which it was built went away. Try again.")
    except Exception:
        log.exception("the site of project %s was not built", project_id)
        sites.fail(site, "Something in Vibe broke. It is logged. Try again.")
    tell(site.project)


def keep_up() -> int:
    """Asks again for attempts that nobody took, and says of those that went with their worker that they failed; of how
    many of both.
    """
    late, lost = sites.late(), sites.lost()
    for site in late:
        services.build_site(site.project_id)
    for site in lost:
        tell(site.project)
    return len(late) + len(lost)


def _built(site: Site) -> tuple[dict[str, bytes], str]:
    """The files of the site, and what was noticed about them. Raises NotBuilt, NotWanted, BadFiles, SandboxUnavailable
    or what is DOWN.
    """
    version = site.project.versions.select_related("project").get(number=site.wants)
    box = sandbox.beside(version, "site")
    try:
        recipe = box.framework.site
        _go_on(site)
        if recipe.build:
            # Most are there by now; of those that take long, or cannot be had, nobody else hears.
            if said := aio.run(box.install(), REPAIR_SECONDS + 10):
                raise NotBuilt(f"Its packages could not be installed:\n{said[-SHOWN_CHARS:]}")
            _go_on(site)
            done = aio.run(box.run_once("site", recipe.build, BUILD_SECONDS, lambda text: None), BUILD_SECONDS + 30)
            if done.timed_out:
                raise NotBuilt(f"The build took longer than {BUILD_SECONDS} s.")
            if done.exit_code != 0:
                raise NotBuilt(f"The build failed:\n{done.output.strip()[-SHOWN_CHARS:]}")
            _go_on(site)
        try:
            built = aio.run(box.snapshot(recipe.folder), 120)
        except sandbox.ENDED as error:
            raise NotBuilt(f"The build made no folder {recipe.folder}, which is where it is looked for.") from error
        files, told = sites.chosen(built, recipe.leave)
        _go_on(site)
        return files, "\n\n".join(filter(None, (told, _seen(box, recipe.folder))))
    finally:
        with suppress(TimeoutError, *sandbox.DOWN):  # it ends by itself
            aio.run(sandbox.end(box))


def _go_on(site: Site) -> None:
    if not sites.go_on(site):
        raise NotWanted


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
