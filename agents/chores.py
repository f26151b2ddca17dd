"""What workers do with sandboxes apart from runs: open, keep, close and end them. Pages are told what came of it."""

import logging
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from agents import aio, edits, previews, runs, sandbox, services, sites
from agents.box import REPAIR_SECONDS
from agents.models import Run, Sandbox
from projects import versions
from projects.models import Project, Version
from projects.paths import BadFiles
from projects.services import KEPT

log = logging.getLogger(__name__)


def open_preview(project_id: str, restart: bool = False, repair: bool = False) -> None:
    """Resumes or rebuilds a project's sandbox, sees to its dev server, and tells the page. Not of a project that was
    deleted since it was asked for.
    """
    project = Project.objects.filter(pk=project_id, deleted=None).first()
    if project is None:
        return
    try:
        box = sandbox.ensure(project)
        if repair:
            aio.run(box.repair(), REPAIR_SECONDS + 10)
        answers = aio.run(box.serve(restart), 60)
        data: dict[str, object] = {
            "state": "ready" if answers else "failed",
            "url": previews.url(box),
            "port": box.framework.port,
        }
    except (sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        data = {"state": "failed", "url": None, "port": None, "detail": str(error)}
    runs.note(project.pk, "preview", data)
    if data["state"] == "ready":
        services.take_picture(project.pk)


def open_version(project_id: str, number: int) -> None:
    """Runs an old version beside the project's sandbox, to be looked at. A project has one such sandbox at a time."""
    version = Version.objects.select_related("project").get(project_id=project_id, number=number)
    try:
        box = sandbox.beside(version)
        answers = aio.run(box.serve(), 60)
        data: dict[str, object] = {"state": "ready" if answers else "failed", "url": previews.url(box)}
    except (sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        data = {"state": "failed", "url": None, "detail": str(error)}
    runs.note(version.project_id, "preview", {**data, "port": None, "version": number})


def build_site(project_id: str) -> None:
    """Builds the version of a project that was asked for, and puts it online."""
    sites.build(project_id)


def keep_sites_up() -> int:
    """Asks again for sites that nobody builds, and gives up those that went with their worker; how many of both."""
    return sites.keep_up()


def keep_files(project_id: str) -> None:
    """Makes a version of what was changed in a sandbox by hand, and tells the page."""
    project = Project.objects.get(pk=project_id)
    try:
        made = _keep(project)
        text = f"Kept as version {made.number}." if made else "Nothing has changed since the last version."
    except (BadFiles, services.NotNow, sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        text = f"Nothing was kept. {error}"
    _tell_kept(project, text)


def _keep(project: Project) -> Version | None:
    # Asked for before the sandbox is read, which takes a while: what is saved from here on is not in what is read.
    newest = versions.newest(project)
    return edits.keep(project, aio.run(sandbox.ensure(project).snapshot(), 120), newest)


def _tell_kept(project: Project, text: str) -> None:
    runs.note(project.pk, "preview", {"state": "ready", "url": None, "port": None, "kept": text})


def close_preview(project_id: str) -> None:
    """Puts a project's sandbox to sleep because its user said so."""
    for row in Sandbox.objects.filter(project_id=project_id, paused=False):
        sandbox.pause(row)
        runs.note(UUID(project_id), "preview", {"state": "paused", "url": previews.url(row), "port": None})


def pause_idle_sandboxes() -> int:
    """Puts to sleep the sandboxes nobody looks at; how many."""
    idle, done = sandbox.idle(settings.SANDBOX_IDLE_SECONDS), 0
    for row in idle:
        if not idle.filter(pk=row.pk).exists():
            continue  # each takes a while, and somebody came back meanwhile
        try:
            sandbox.pause(row)
            done += 1
        except sandbox.DOWN as error:
            log.warning("sandbox %s was not paused: %s", row.sandbox_id, error)
    return done


def replace_sandboxes() -> int:
    """Ends each sandbox whose address others may know and that is to be nobody's any more, those of deleted projects
    too; how many. What was changed in it by hand becomes a version first, and another takes its place where it was
    awake. One in which a run works, or that cannot be asked, is left for later.
    """
    done = 0
    for row in _retired().select_related("project"):
        assert row.project is not None
        try:
            _keep(row.project)
        except BadFiles as error:
            _tell_kept(row.project, f"What was changed by hand cannot be kept. {error}")
        except (services.NotNow, sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
            log.warning("sandbox %s was not replaced: %s", row.sandbox_id, error)
            continue
        # Not if a run began meanwhile, nor if it was gone and is another one already.
        if not _retired().filter(pk=row.pk).update(project=None):
            continue
        _kill(row)
        done += 1
        if not row.paused and not row.project.deleted:
            services.open_preview(row.project)
    return done


def _retired() -> QuerySet[Sandbox]:
    # Those without a project are ended by stop_suspended.
    over = Q(retired=True, project__isnull=False) | Q(project__deleted__isnull=False)
    return Sandbox.objects.filter(over).exclude(project__runs__state__in=Run.ACTIVE)


def stop_suspended() -> int:
    """However somebody was suspended: stops their runs, then ends their sandboxes, and those of who is gone; how many
    of both.
    """
    theirs = Project.objects.filter(owner__in=User.objects.filter(is_active=False))
    working = list(Run.objects.filter(project__in=theirs, state__in=Run.ACTIVE).values_list("pk", flat=True))
    edits.stop_runs(Run.objects.filter(pk__in=working))
    stopped = len(working)
    left = Sandbox.objects.filter(Q(project__in=theirs) | Q(project=None)).exclude(project__runs__state__in=Run.ACTIVE)
    for row in left[:100]:
        _kill(row)
        stopped += 1
    return stopped


def purge_deleted() -> int:
    """Removes for good the projects that were deleted long enough ago; how many."""
    due = Project.objects.filter(deleted__lt=timezone.now() - KEPT)
    return sum(edits.purge(project) for project in due)


def kill_sandboxes(ids: list[str]) -> None:
    """Ends sandboxes whose rows are gone with their owner: asked by web processes of the version before."""
    for sandbox_id in ids:
        _kill(Sandbox(sandbox_id=sandbox_id))


def _kill(row: Sandbox) -> None:
    try:
        sandbox.kill(row)
    except sandbox.DOWN as error:
        log.warning("sandbox %s was not ended: %s", row.sandbox_id, error)
