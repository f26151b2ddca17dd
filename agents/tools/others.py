"""The read_project tool: projects that the message refers to, read from the database and not in a sandbox."""

from typing import Any

from agents.models import Run
from agents.tools.base import Outcome, Tool, ToolFailed, below, count, cut, safe_folder, safe_path
from agents.tools.files import MATCHES, RANGES, excerpts, paths_of
from projects import references, search, versions
from projects.models import Version


def read_project(run: Run, values: dict[str, Any]) -> Outcome:
    """Files, lines or paths of a project that the run's message refers to, as they were then. Raises ToolFailed."""
    named = references.named(run.message.references)
    name = values["project"].strip().removeprefix("@")
    if name not in named:
        raise ToolFailed(f"The request refers to no project {name[:80]!r}. There are: {', '.join(named)}.")
    # Asked each time: it may have been deleted since the message was sent.
    version = references.version(named[name], run.project.owner)
    if version is None:
        raise ToolFailed(f"{name} is not there any more, or nothing was saved in it. Go on without it, and say so.")
    if "paths" in values:
        return excerpts(values["paths"], {raw: _text(version, raw) for raw in paths_of(values["paths"])})
    paths = sorted(below(safe_folder(values.get("folder", "")), version.manifest))
    if "search" in values:
        version.manifest = {path: version.manifest[path] for path in paths}
        found = search.search(version, values["search"])
        lines = [f"{match.path}:{match.line}:{match.text}" for match in found[:MATCHES]]
        more = "\n… more lines match; narrow the search." if len(found) > MATCHES else ""
        return Outcome(cut("\n".join(lines)) + more or "Nothing matches.", summary=count(len(found), "line"))
    return Outcome(cut("\n".join(paths)) or "(no files)", summary=count(len(paths), "file"))


def _text(version: Version, raw: str) -> str | ToolFailed:
    """A file's text; else why there is none."""
    try:
        return versions.read(version, safe_path(raw)).decode()
    except UnicodeDecodeError:
        return ToolFailed(f"{raw} is not text.")
    except versions.NoSuchFile:
        return ToolFailed(f"There is no file {raw} in that project, or it is a private one.")
    except ToolFailed as error:
        return error


# The loop calls read_project itself: this needs the database and no sandbox.
READ_PROJECT = Tool(
    "read_project",
    "Look into a project that the request refers to. With paths: its files, or of long ones a range of lines. With"
    " search: its lines that hold these words, in any case, as path:line:text. With neither: the paths of its files.",
    {
        "project": {"type": "string", "maxLength": 100, "description": "Its name, as under referenced_projects."},
        "paths": RANGES,
        "search": {"type": "string", "minLength": 1, "maxLength": 200},
        "folder": {"type": "string", "description": "Search or list only what is below it."},
    },
    ("project",),
    lambda values: f"Look into @{str(values.get('project', 'a project')).removeprefix('@')[:80]}",
    read_only=True,
)
