"""Versions by hand: a file saved or deleted, an old version restored, a project hidden. The page hears of each."""

import contextlib

from django.db import transaction
from django.db.models import QuerySet

from agents import charging, runs
from agents.models import Run, Sandbox
from agents.services import NotNow, cancel_run, open_preview
from projects import importing, versions
from projects import services as projects
from projects.models import Message, Project, Version


@transaction.atomic
def save_file(project: Project, path: str, content: bytes | None) -> Version | None:
    """One file written, or with None deleted; None if nothing changed. Raises BadFiles, NoSuchFile, NotNow."""
    check_idle(project)
    before = versions.newest(project)
    return _tell(project, before, versions.save_file(project, path, content))


@transaction.atomic
def save_files(project: Project, files: dict[str, bytes]) -> Version | None:
    """Several files written in one version; None if nothing changed. Raises BadFiles, NotNow."""
    check_idle(project)
    before = versions.newest(project)
    title = f"Upload {next(iter(files))}" if len(files) == 1 else f"Upload {len(files)} files"
    return _tell(project, before, versions.save_files(project, files, title=title))


@transaction.atomic
def replace_files(project: Project, files: dict[str, bytes], source: str) -> Version | None:
    """All files exchanged for those from elsewhere; None if nothing changed. Raises BadFiles, NotNow."""
    check_idle(project)
    before = versions.newest(project)
    return _tell(project, before, importing.update(project, files, source))


@transaction.atomic
def move_file(project: Project, path: str, to: str) -> Version | None:
    """One file under another path. Raises BadFiles, NoSuchFile, NotNow."""
    check_idle(project)
    before = versions.newest(project)
    return _tell(project, before, versions.move_file(project, path, to))


@transaction.atomic
def restore(project: Project, version: Version, path: str = "") -> Version | None:
    """A new version equal to `version`, or with only that file or folder from it; None if nothing changes.

    What a whole return undoes within ten minutes of its run is refunded.
    Raises NotNow; with a path also NoSuchFile and BadFiles.
    """
    check_idle(project)
    before = versions.newest(project)
    made = versions.restore_part(project, version, path) if path else versions.restore(project, version)
    if made and not path:
        charging.undo(project, version.number)
    return _tell(project, before, made)


@transaction.atomic
def go_back(project: Project, number: int, instead_of: Message, mode: str) -> Version | None:
    """A new version equal to that of a number, 0 for what every app begins with, because a message is edited.

    `mode`: of the run that follows. As `restore`.
    """
    before = versions.newest(project)
    made = versions.restore(project, project.versions.get(number=number)) if number else versions.restart(project)
    if made:
        charging.undo(project, number)
    # A run that builds brings the sandbox up to date itself: the two at once would be in each other's way.
    return _tell(project, before, made, mode != Message.Mode.BUILD, instead_of=str(instead_of.pk))


@transaction.atomic
def restore_hunk(project: Project, version: Version, to: Version, path: str, number: int) -> Version | None:
    """A new version where one change of a file from `version` to `to` is undone; None if nothing changes.

    Raises NotNow, also when the change does not fit the newest version; NoSuchFile, BadFiles.
    """
    check_idle(project)
    before = versions.newest(project)
    try:
        made = versions.restore_hunk(project, version, to, path, number)
    except versions.DoesNotFit as error:
        raise NotNow(str(error)) from None
    return _tell(project, before, made)


@transaction.atomic
def keep(project: Project, files: dict[str, bytes], since: Version | None) -> Version | None:
    """A version of the files as they were read from the sandbox; None if nothing changed there. `since`: the newest
    version before they were read; another one after it makes this NotNow. Raises BadFiles, too.
    """
    check_idle(project)
    before = versions.newest(project)
    if before != since:
        raise NotNow("Another version was saved meanwhile. Look at the app as it is now, then try again.")
    made = versions.save(project, files, source=Version.Source.EDIT, title="Changes from the terminal")
    if made:
        Sandbox.objects.filter(project=project).update(version=made.number)
    return _tell(project, before, made)


def delete_project(project: Project) -> None:
    """Hides a project and stops what runs in it."""
    projects.delete(project)
    stop_runs(Run.objects.filter(project=project))


@transaction.atomic
def purge(project: Project) -> bool:
    """Removes a deleted project for good, with all in it. False: it was brought back, or a run in it is not over.

    Its sandbox is left without a project, and ended by `agents.tasks.stop_suspended`.
    """
    # Runs before their project, as at the end of a run.
    list(Run.objects.filter(project=project).select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    locked = Project.objects.select_for_update().filter(pk=project.pk, deleted__isnull=False).first()
    if locked is None or Run.objects.filter(project=project, state__in=Run.ACTIVE).exists():
        return False
    locked.delete()
    return True


def stop_runs(found: QuerySet[Run]) -> None:
    """Stops those of these runs that are not over, the newest first so that none moves up meanwhile."""
    for run in found.filter(state__in=Run.ACTIVE).order_by("-created"):
        with contextlib.suppress(NotNow):  # it ended by itself meanwhile
            cancel_run(run)


def check_idle(project: Project) -> None:
    """Locks a project in which no run is at work; raises NotNow in another."""
    # A run saves the sandbox's files at its end, over whatever was edited meanwhile. With the project's row locked none
    # begins between this look and the edit: a new run refers to that row.
    Project.objects.select_for_update().get(pk=project.pk)
    if Run.objects.filter(project=project, state__in=Run.ACTIVE).exists():
        raise NotNow("A run is at work on these files. Wait for it, or stop it first.")


def _tell(
    project: Project, before: Version | None, after: Version | None, opens: bool = True, **why: str
) -> Version | None:
    if after is not None:
        changes = versions.changes(before.manifest if before else {}, after.manifest)
        runs.note(project.pk, "version", {**versions.facts(after), **changes, **why})
        if opens and Sandbox.objects.filter(project=project, paused=False).exists():
            open_preview(project)
    return after
