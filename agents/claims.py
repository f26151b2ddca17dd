"""What a summary claims and the facts do not bear out. The facts are the real diff, the commands, and the checks."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from agents.models import Step
from projects import leaks, versions
from projects.blobs import sha256
from projects.locks import locked_by
from projects.models import Version

# A file's name as it stands in prose: with a folder, or in backticks. Bounded, for each place of a text may begin one.
NAMED = re.compile(
    r"`([\w@./()\[\]-]{1,300}\.\w{1,8})`|(?<![\w/:.@])((?:[\w@()\[\]-]{1,100}/){1,20}[\w.@\[\]-]{1,100}\.\w{1,8})\b"
)
TESTED = re.compile(r"\b(all |the )?(unit |e2e )?tests? (now )?(are )?(pass(es|ed|ing)?|green|succeed)", re.IGNORECASE)
TEST_COMMAND = re.compile(r"\b(test|vitest|jest|playwright|pytest)\b")
MAX_NAMES = 5
WRITTEN_BY_NPM = ("package-lock.json",)


def doubts(
    text: str, changes: Mapping[str, Iterable[str]], manifest: Mapping[str, str], steps: list[Step]
) -> list[str]:
    """A sentence for each claim of `text` that is not so; `manifest`: the files as they are after the run."""
    found = []
    changed = {path for paths in changes.values() for path in paths}
    named = {first or second for first, second in NAMED.findall(text[:8_000])}
    there = {path for path in manifest if any(_is(path, name) for name in named)}
    same = sorted(path for path in there if path not in changed)[:MAX_NAMES]
    gone = sorted(name for name in named if not any(_is(path, name) for path in {*manifest, *changed}))[:MAX_NAMES]
    if changed and same:
        found.append(f"Named, but not changed: {', '.join(same)}.")
    if gone:
        found.append(f"Named, but not there: {', '.join(gone)}.")
    if TESTED.search(text) and not _tests_passed(steps):
        found.append("It speaks of tests that pass; no test command succeeded in this run.")
    return found


def beyond(planned: list[str], changes: Mapping[str, Iterable[str]]) -> list[str]:
    """A sentence about changed files that an approved plan does not name. None where it names none at all."""
    names = [line.split()[0].strip("`,:") for line in planned if line.strip()]
    changed = {path for paths in changes.values() for path in paths if path not in WRITTEN_BY_NPM}
    other = [path for path in changed if not any(_is(path, name) for name in names)]
    return _also(other if names else [], "in the plan")


def undeclared(scope: Collection[str], changes: Mapping[str, Iterable[str]]) -> list[str]:
    """A sentence about changed files that the agent had not named as those it would change: commands do so. None where
    it named none.
    """
    changed = {path for paths in changes.values() for path in paths if path not in (*WRITTEN_BY_NPM, "package.json")}
    other = [path for path in changed if not locked_by(path, scope)]
    return _also(other if scope else [], "named beforehand")


def secrets(files: Mapping[str, bytes], before: Version | None) -> list[str]:
    """A sentence about the keys that came into the app's code since a version."""
    old = before.manifest if before else {}
    changed = {path: content for path, content in files.items() if old.get(path) != sha256(content)}
    found = leaks.added(changed, lambda path: versions.read(before, path) if before and path in old else b"")
    if not found:
        return []
    more = f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else ""
    named = "; ".join(map(str, found[:MAX_NAMES]))
    told = f"A secret stands in the code now, where visitors may read it: {named}{more}."
    return [f"{told} Unless it is meant to be public, take it out and replace it at its provider."]


def _also(other: Iterable[str], where: str) -> list[str]:
    if not (paths := sorted(other)):
        return []
    more = f" and {len(paths) - MAX_NAMES} more" if len(paths) > MAX_NAMES else ""
    return [f"Changed, but not {where}: {', '.join(paths[:MAX_NAMES])}{more}."]


def _is(path: str, name: str) -> bool:
    name = name.removeprefix("./").removeprefix("/home/user/app/")
    return path == name or path.endswith(f"/{name}")


def _tests_passed(steps: list[Step]) -> bool:
    ran: list[dict[str, Any]] = [step.data for step in steps if step.type == "tool_result"]
    return any(data["name"] == "terminal" and data["ok"] and TEST_COMMAND.search(data["title"]) for data in ran)
