"""What an operator does with templates: list, build, audit, publish; `python -m sandbox_host.templates ACTION`."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox_host import auditing, preparing, publishing
from sandbox_host.isolation import Limits
from sandbox_host.root import Root, have
from sandbox_host.templates import SOURCES, BadTemplate, Library, Template

SERIOUS = ("critical", "high", "moderate")


def main() -> int:
    """Exit code 0 if all went well, 1 with one sentence if something did not, 2 if no audit was answered."""
    arguments = _arguments()
    library = Library(arguments.templates, arguments.state)
    try:
        names = arguments.names or library.names()
        return ACTIONS[arguments.action](library, names, arguments.runtime)
    except preparing.PROBLEMS as problem:
        print(f"The template could not be prepared: {problem}", file=sys.stderr)
    except publishing.NotPublished as problem:
        print(problem, file=sys.stderr)
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox_host.templates", description=__doc__)
    parser.add_argument("action", choices=list(ACTIONS))
    parser.add_argument("names", nargs="*", help="which ones; default all")
    parser.add_argument("--state", type=Path, required=True, help="the sandbox host's state folder")
    parser.add_argument("--templates", type=Path, default=SOURCES, help="folder of template sources")
    parser.add_argument("--runtime", type=Path, help="folder with node/ and python/ to show inside sandboxes")
    return parser.parse_args()


def _chosen(library: Library, names: list[str]) -> list[Template]:
    """Raises BadTemplate for a name that is no template's."""
    found = [(name, library.find(name)) for name in names]
    for name, template in found:
        if template is None:
            raise BadTemplate(f"there is no template '{name}'; there are {', '.join(library.names())}")
    return [template for _, template in found if template]


def show(library: Library, names: list[str], runtime: Path | None) -> int:
    """Name, whether and when it was prepared, its size on disk, and what it is made of."""
    row = "{:<10} {:<13} {:>9}  {:<17} {}"
    print(row.format("NAME", "STATE", "SIZE", "PREPARED", "MADE OF"))
    for template in _chosen(library, names):
        if template.prepared:
            made = f"{datetime.fromtimestamp(template.home.parent.stat().st_ctime, UTC).astimezone():%Y-%m-%d %H:%M}"
            size = f"{_size(template.home) / 1e6:.0f} MB"
            print(row.format(template.name, "prepared", size, made, template.framework))
        else:
            print(row.format(template.name, "not prepared", "–", "–", template.framework))
    return 0


def _size(folder: Path) -> int:
    """Bytes on disk; what is linked twice counts once."""
    seen: dict[int, int] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def build(library: Library, names: list[str], runtime: Path | None) -> int:
    state = library.place.parent
    state.mkdir(mode=0o711, parents=True, exist_ok=True)

    async def prepare(root: Root) -> None:
        await preparing.prepare_all(root, names, _say)

    have(prepare, state, library.sources, runtime, Limits())
    return 0


def audit(library: Library, names: list[str], runtime: Path | None) -> int:
    async def ask() -> list[tuple[Template, auditing.Audit]]:
        chosen = _chosen(library, names)
        return list(zip(chosen, await asyncio.gather(*(auditing.audit(one, runtime) for one in chosen)), strict=True))

    results = asyncio.run(ask())
    for template, result in results:
        print(f"{template.name:<10} {result.text}")
    if any(result.found.get(severity) for _, result in results for severity in SERIOUS):
        return 1
    return 2 if any(result.unanswered for _, result in results) else 0


def publish(library: Library, names: list[str], runtime: Path | None) -> int:
    key = publishing.key()
    for template in _chosen(library, names):
        publishing.publish(template, key, _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


ACTIONS: dict[str, Callable[[Library, list[str], Path | None], int]] = {
    "list": show,
    "build": build,
    "audit": audit,
    "publish": publish,
}
