"""The templates a sandbox can start from: what each folder of sources describes, and where its prepared form lies.

`python -m sandbox_host.templates build react html --state DIR --runtime DIR` prepares them; see template_commands.py.
"""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent / "sandbox_templates"
FORMAT = "1"  # change it when a home prepared by older code must not be used any more
NOT_SOURCE = frozenset(
    {"node_modules", "dist", "__pycache__", ".git", ".angular", ".next", ".svelte-kit", "next-env.d.ts"}
)


State = tuple[tuple[str, str, int, int, int], ...]
_digests: dict[State, str] = {}


class UnknownTemplate(Exception):
    """No such template, or one that was not prepared; the message says which and what to do."""


class BadTemplate(Exception):
    """A template's folder cannot be used; the message says which file and why."""


@dataclass(frozen=True)
class Template:
    """One template. `install`, `build` and `lint` are shell commands for the app's folder, or None if there is none."""

    name: str
    title: str
    framework: str
    install: str | None
    dev: str
    port: int
    build: str | None
    lint: str | None
    entry: str
    source: Path  # its app/ folder
    place: Path  # where prepared forms of it lie, one per state of the source

    @cached_property
    def digest(self) -> str:
        """Names the state of the source; a changed template is prepared anew."""
        state = self._state()
        if state not in _digests:
            if len(_digests) > 100:
                _digests.clear()
            _digests[state] = self._read()
        return _digests[state]

    def _state(self) -> State:
        """What tells a changed source without reading it: each sandbox that is created asks."""
        found = []
        for folder, folders, names in os.walk(self.source.parent):
            folders[:] = [name for name in folders if name not in NOT_SOURCE]
            for name in names:
                info = os.lstat(f"{folder}/{name}")
                found.append((folder, name, info.st_ino, info.st_size, info.st_mtime_ns))
        return tuple(sorted(found))

    def _read(self) -> str:
        total = hashlib.sha256(FORMAT.encode())
        for path in [self.source.parent / "template.json", *self.files()]:
            data = path.read_bytes()
            total.update(f"\0{path.relative_to(self.source.parent)}\0{len(data)}\0".encode() + data)
        return total.hexdigest()[:16]

    def files(self) -> list[Path]:
        """The app's source files, in a fixed order."""
        found = (path for path in self.source.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(path for path in found if NOT_SOURCE.isdisjoint(path.relative_to(self.source).parts))

    @property
    def home(self) -> Path:
        """The prepared /home/user: readable by every uid, never written again. It exists only if `prepared`."""
        return self.place / self.digest / "home"

    @property
    def prepared(self) -> bool:
        return self.home.is_dir()


class Library:
    """The templates of one folder of sources, prepared below `state`/templates."""

    def __init__(self, sources: Path, state: Path) -> None:
        self.sources, self.place = sources.resolve(), state.resolve() / "templates"

    def names(self) -> list[str]:
        return sorted(path.parent.name for path in self.sources.glob("*/template.json"))

    def find(self, name: str) -> Template | None:
        """The template as its source is now, prepared or not; None if there is none. Raises BadTemplate."""
        folder = self.sources / name
        if Path(name).name != name or not (folder / "template.json").is_file():
            return None
        try:
            fields: dict[str, Any] = json.loads((folder / "template.json").read_text())
            return Template(**fields, source=folder / "app", place=self.place / name)
        except (ValueError, TypeError, OSError) as error:
            raise BadTemplate(f"{folder / 'template.json'}: {error}") from error

    def prepared(self) -> dict[str, bool]:
        """Every template's name, and whether it is prepared."""
        return {name: template.prepared for name in self.names() if (template := self.find(name))}


if __name__ == "__main__":
    from sandbox_host.template_commands import main  # it needs this module

    sys.exit(main())
