"""A project from files that somebody has already: a ZIP, its own download included, or a repository's archive."""

import io
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy

from django.db import transaction

from accounts.models import User
from projects import leaks, versions
from projects.frameworks import FRAMEWORKS, starting_files
from projects.models import Project, Version
from projects.paths import OURS, BadFiles, check_amounts, made_by_tools
from projects.services import check_name

# Of the archive, and of what stands in it with all that is left out.
MAX_ZIP_BYTES, MAX_ENTRIES = 15 * 2**20, 20_000
# What systems leave beside people's files.
LITTER = {"__MACOSX", ".DS_Store", "Thumbs.db"}
# What zipfile raises for an archive that is broken, locked, or packed in a way it does not know.
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
NO_ZIP = "This is no ZIP that can be read."
# What an export has at its root and no app anywhere (projects/exporting.py).
EXPORTED = f"{OURS}/project.json"
# How entries may be packed: these can be unpacked a part at a time, others only as a whole, however large that is.
PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# The package without which an app would not be of its framework; the most telling first.
PACKAGES = {"next": "nextjs", "@angular/core": "angular", "svelte": "svelte", "vue": "vue", "react": "react"}


def unpack(content: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The files of a ZIP, without one folder around all of them; and the private files that were left out.

    Links, what tools make and what systems leave behind are left out without a word. Raises BadFiles.
    """
    with opened(content) as (archive, entries):
        files = {name: info for name, info in entries.items() if not is_litter(name)}
        private = sorted(name for name in files if leaks.is_private(name))
        wanted = {name: info for name, info in files.items() if takes(name)}
        check_amounts({name: info.file_size for name, info in wanted.items()})
        return {name: read(archive, info) for name, info in wanted.items()}, private


@contextmanager
def opened(content: bytes) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """A ZIP and its entries that are plain files, by path without one folder around all of them. Raises BadFiles."""
    if len(content) > MAX_ZIP_BYTES:
        raise BadFiles(f"The ZIP has {len(content):,} bytes; at most {MAX_ZIP_BYTES:,} can be read.")
    # What each entry begins with in the ZIP's directory: counted before zipfile makes something of all of them.
    if content.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise BadFiles(f"The ZIP has more than {MAX_ENTRIES:,} entries. Pack it without node_modules.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except UNREADABLE:
        raise BadFiles(NO_ZIP) from None
    with archive:
        # Windows packs with backslashes.
        entries = {info.filename.replace("\\", "/"): info for info in archive.infolist() if _is_file(info)}
        files = [name for name in entries if not is_litter(name)]
        tops = {name.split("/", 1)[0] for name in files}
        inside = len(tops) == 1 and all("/" in name for name in files) and EXPORTED not in entries
        around = f"{tops.pop()}/" if inside else ""
        yield archive, {name.removeprefix(around): info for name, info in entries.items() if name.startswith(around)}


def read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """An entry's content, which has as many bytes as the archive says. Raises BadFiles.

    Memory for those is taken at most, whatever is packed in there.
    """
    if info.compress_type not in PACKINGS:
        raise BadFiles(f"{info.filename[:100]} is packed in a way that is not read here. Pack the ZIP with deflate.")
    # zipfile gives nothing beyond the size that is claimed. With a byte more claimed and asked for, more would be seen.
    asked = copy(info)
    asked.file_size += 1
    try:
        with archive.open(asked) as entry:
            content = entry.read(asked.file_size)
    except UNREADABLE:
        raise BadFiles(NO_ZIP) from None
    if len(content) != info.file_size:
        raise BadFiles(NO_ZIP)
    return content


def takes(path: str) -> bool:
    """Whether a file of that path is taken from an archive as one of the app's."""
    return not is_litter(path) and not leaks.is_private(path) and path != leaks.NOTE


def is_litter(path: str) -> bool:
    return bool(made_by_tools(path) or LITTER & set(path.split("/")))


def _is_file(info: zipfile.ZipInfo) -> bool:
    mode = info.external_attr >> 16
    return (stat.S_ISREG(mode) or not stat.S_IFMT(mode)) and not info.filename.endswith(("/", "\\"))


def framework_of(files: Mapping[str, bytes]) -> str:
    """The framework that files are written in, by their package.json. Raises BadFiles for none of ours."""
    named = _packages(files.get("package.json", b"{}"))
    for package, framework in PACKAGES.items():
        if package in named and framework in FRAMEWORKS:
            return framework
    if "index.html" in files:
        return "html"
    titles = ", ".join(framework.title for framework in FRAMEWORKS.values())
    raise BadFiles(f"At its root there is neither an index.html nor a package.json that names one of: {titles}.")


def _packages(text: bytes) -> set[str]:
    try:
        package = json.loads(text)
        return {*package.get("dependencies", {}), *package.get("devDependencies", {})}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise BadFiles("The package.json at its root cannot be read.") from None


def as_app(files: Mapping[str, bytes], framework: str) -> dict[str, bytes]:
    """The files with what serves and checks a plain page, where they have none of their own."""
    if framework != "html" or "package.json" in files:
        return dict(files)
    start = starting_files("html")
    return {**{path: start[path] for path in start if path == "package.json" or path.startswith("tools/")}, **files}


@transaction.atomic
def create(owner: User, files: Mapping[str, bytes], *, name: str, model: str, source: str) -> Project:
    """A project whose first version has these files; `source` says where they are from. Raises BadFiles, BadPrompt."""
    framework = framework_of(files)
    project = Project.objects.create(owner=owner, name=check_name(name), framework=framework, model=model)
    title = f"Imported from {source}"[:200]
    versions.save(project, as_app(files, framework), source=Version.Source.EDIT, title=title)
    return project


def update(project: Project, files: Mapping[str, bytes], source: str) -> Version | None:
    """A version with these files; None if nothing changed. The project's own private files stay: no archive has them.

    Raises BadFiles, also for files of another framework.
    """
    framework = framework_of(files)
    if framework != project.framework:
        titles = FRAMEWORKS[framework].title, project.framework_title
        raise BadFiles(f"These files are written in {titles[0]}, the project in {titles[1]}. Import them as a new one.")
    newest = versions.newest(project)
    kept = [path for path in newest.manifest if leaks.is_private(path)] if newest else []
    private = {path: versions.read(newest, path) for path in kept} if newest else {}
    wanted = {**as_app(files, framework), **private}
    return versions.save(project, wanted, source=Version.Source.EDIT, title=f"Imported from {source}"[:200])
