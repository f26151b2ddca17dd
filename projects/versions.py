"""Versions: a project's files as a manifest over content-addressed blobs. The truth; a sandbox is only its cache."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, QuerySet

from accounts import prepared
from projects import frameworks, promises
from projects.archive import zip_chunks
from projects.blobs import NoSuchFile, file_sizes, files, read, sha256, sizes, store
from projects.diffs import DoesNotFit, FileDiff, diff, diff_file, take_back
from projects.models import Project, Version
from projects.paths import BadFiles, check_amounts, check_clashes, check_files, check_kept, check_path

__all__ = [
    "BadFiles",
    "DoesNotFit",
    "FileDiff",
    "NoSuchFile",
    "at",
    "by_hand_since",
    "changes",
    "diff",
    "diff_file",
    "facts",
    "file_sizes",
    "files",
    "last_working",
    "move_file",
    "name",
    "newest",
    "read",
    "restart",
    "restore",
    "restore_hunk",
    "restore_part",
    "save",
    "save_file",
    "way_back",
    "zip_chunks",
]


def save(
    project: Project,
    files: Mapping[str, bytes],
    *,
    source: str,
    title: str = "",
    verdict: Mapping[str, Any] | None = None,
) -> Version | None:
    """The next version with exactly these files; None if they equal the newest one's. Raises BadFiles."""
    check_files(files)
    manifest = {path: sha256(files[path]) for path in sorted(files)}
    store({manifest[path]: content for path, content in files.items()})
    return _append(project, manifest, source=source, title=title, verdict=verdict)


def save_file(project: Project, path: str, content: bytes | None, *, title: str = "") -> Version | None:
    """A version by hand: one file written, or with None deleted. Raises BadFiles, NoSuchFile."""
    check_path(path)
    if content is not None:
        check_files({path: content})
        check_kept([path])
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        before = newest(project)
        manifest: dict[str, str] = dict(before.manifest) if before else {}
        if content is None:
            if path not in manifest:
                raise NoSuchFile(path)
            del manifest[path]
        else:
            manifest[path] = sha256(content)
            store({manifest[path]: content})
            _check_manifest(manifest)
        return _append(project, manifest, source=Version.Source.EDIT, title=title or f"Edit {path}"[:200])


def save_files(project: Project, files: Mapping[str, bytes], *, title: str = "") -> Version | None:
    """A version by hand with these files written, in place of those of the same paths. Raises BadFiles."""
    check_files(files)
    check_kept(files)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        before = newest(project)
        manifest: dict[str, str] = dict(before.manifest) if before else {}
        new = {path: sha256(content) for path, content in files.items()}
        store({new[path]: content for path, content in files.items()})
        manifest |= new
        _check_manifest(manifest)
        return _append(project, manifest, source=Version.Source.EDIT, title=title)


def move_file(project: Project, path: str, to: str) -> Version | None:
    """A version by hand in which a file has another path. Raises BadFiles, NoSuchFile."""
    check_path(to)
    check_kept([to])
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        before = newest(project)
        manifest: dict[str, str] = dict(before.manifest) if before else {}
        if path not in manifest:
            raise NoSuchFile(path)
        if to != path and to in manifest:
            raise BadFiles(f"There is a file {to} already.")
        manifest[to] = manifest.pop(path)
        _check_manifest(manifest)
        return _append(project, manifest, source=Version.Source.EDIT, title=f"Rename {path} to {to}")


@transaction.atomic
def restore(project: Project, version: Version) -> Version | None:
    """A new version equal to an old one, with its verdict and promises; None if the newest is equal already."""
    made = _append(
        project,
        version.manifest,
        source=Version.Source.RESTORE,
        title=f"Restore version {version.number}",
        verdict=version.verdict,
    )
    if made:
        promises.go_back(version, made)
    return made


@transaction.atomic
def restart(project: Project) -> Version | None:
    """A new version of the files that every app of the framework begins with; None if the newest is equal already."""
    starting = frameworks.starting_files(project.framework)
    made = save(project, starting, source=Version.Source.RESTORE, title="Back to the beginning")
    if made:
        promises.start_over(made)
    return made


def at(project: Project, number: int) -> Mapping[str, str]:
    """The manifest of a version; of 0: what every app of the framework begins with."""
    if number == 0:
        return frameworks.starting_manifest(project.framework)
    manifest: dict[str, str] = project.versions.get(number=number).manifest
    return manifest


def restore_part(project: Project, version: Version, path: str) -> Version | None:
    """A new version in which one file or folder is as it was; None if it is so already. Raises NoSuchFile, BadFiles."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        now: dict[str, str] = getattr(newest(project), "manifest", {})
        old = {name: sha for name, sha in version.manifest.items() if _is_in(name, path)}
        kept = {name: sha for name, sha in now.items() if not _is_in(name, path)}
        if not old and len(kept) == len(now):
            raise NoSuchFile(path)
        _check_manifest(kept | old)
        title = f"Restore {path} from version {version.number}"
        return _append(project, dict(sorted((kept | old).items())), source=Version.Source.RESTORE, title=title)


def restore_hunk(project: Project, before: Version, after: Version, path: str, number: int) -> Version | None:
    """A new version in which one change (hunk) of a file from `before` to `after` is undone; None if it is so already.

    Raises NoSuchFile, BadFiles, DoesNotFit.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        now = newest(project)
        if path not in before.manifest and path not in after.manifest:
            raise NoSuchFile(path)
        if path not in before.manifest or path not in after.manifest:
            raise BadFiles(f"{path} came or went as a whole: bring it back as a whole.")
        if now is None or path not in now.manifest:
            raise DoesNotFit(f"There is no {path} any more, so nothing was changed. Bring it back as a whole.")
        content = take_back(path, read(before, path), read(after, path), number, read(now, path))
        title = f"Bring back a change of {path} from version {before.number}"
        check_files({path: content})
        sha = sha256(content)
        store({sha: content})
        manifest = {**now.manifest, path: sha}
        _check_manifest(manifest)
        return _append(project, manifest, source=Version.Source.RESTORE, title=title)


def name(version: Version, title: str) -> None:
    """Gives a version another title: one line, at most 200 characters."""
    version.title = " ".join(title.split())[:200]
    version.save(update_fields=["title"])


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str]]:
    """{"added", "changed", "deleted"}: sorted paths, from two manifests alone."""
    return {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(path for path in new.keys() & old.keys() if new[path] != old[path]),
        "deleted": sorted(old.keys() - new.keys()),
    }


def newest(project: Project) -> Version | None:
    for version in _newest(project.pk):
        version.project = project
        return version
    return None


@prepared.rows
def _newest(project_id: UUID) -> QuerySet[Version]:
    return Version.objects.filter(project_id=project_id).order_by("-number")[:1]


def last_working(project: Project) -> Version | None:
    """The newest version whose checks were made and none failed."""
    found = project.versions.order_by("-number").defer("manifest")[:100]
    return next((version for version in found if version.works), None)


def way_back(version: Version) -> Version | None:
    """From a newest version that does not work, the last one that did; None where going there changes nothing."""
    good = last_working(version.project) if version.broken else None
    return good if good and good.manifest != version.manifest else None


def facts(version: Version) -> dict[str, Any]:
    """What the log says of a new version. `way_back`: the number of the one to restore if this one does not work."""
    good = way_back(version)
    return {
        "number": version.number,
        "title": version.title,
        "source": version.source,
        "verdict": version.verdict,
        "way_back": good.number if good else None,
    }


def by_hand_since(project: UUID | OuterRef, time: datetime | OuterRef) -> QuerySet[Version]:
    """The versions that no run made after a time: what is there now is not what a run left then."""
    return Version.objects.exclude(source=Version.Source.RUN).filter(project=project, created__gt=time)


@transaction.atomic
def _append(
    project: Project,
    manifest: Mapping[str, str],
    *,
    source: str,
    title: str,
    verdict: Mapping[str, Any] | None = None,
) -> Version | None:
    # The project's row is the lock under which numbers are given out.
    Project.objects.select_for_update().get(pk=project.pk)
    before = newest(project)
    if before is not None and before.manifest == manifest:
        return None
    version = Version.objects.create(
        project=project,
        number=before.number + 1 if before else 1,
        source=source,
        title=title[:200],
        manifest=dict(manifest),
        verdict=dict(verdict or {}),
    )
    promises.note(version)
    project.save(update_fields=["updated"])
    return version


def _is_in(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path.rstrip('/')}/")


def _check_manifest(manifest: Mapping[str, str]) -> None:
    known = sizes(manifest.values())
    check_amounts({path: known[sha] for path, sha in manifest.items()})
    check_clashes(manifest)
