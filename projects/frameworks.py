"""The frameworks an app can be built with: one per folder of sandbox_templates."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Recipe:
    """How an app becomes a site, which needs no server of its own: site.sh and site.json.

    `build`: a script for the app's folder, None where there is nothing to build; `folder`: where the site then lies;
    `fallback`: the file that answers for pages which only the app knows; `leave`: what of the folder is no part of it.
    """

    build: str | None
    folder: str
    fallback: str | None
    leave: tuple[str, ...]


@dataclass(frozen=True)
class Framework:
    """What template.json says. `lint` and `build` are shell commands, None where the framework has none."""

    name: str
    title: str
    port: int
    dev: str
    build: str | None
    lint: str | None
    entry: str
    folder: Path
    site: Recipe


def _load(root: Path) -> dict[str, Framework]:
    found = {}
    for path in sorted(root.glob("*/template.json")):
        facts = json.loads(path.read_text())
        found[facts["name"]] = Framework(
            name=facts["name"],
            title=facts["title"],
            port=facts["port"],
            dev=facts["dev"],
            build=facts.get("build"),
            lint=facts.get("lint"),
            entry=facts["entry"],
            folder=path.parent,
            site=_recipe(path.parent),
        )
    return found


def _recipe(folder: Path) -> Recipe:
    facts, script = json.loads((folder / "site.json").read_text()), folder / "site.sh"
    build = script.read_text() if script.exists() else None
    return Recipe(build, facts["folder"], facts.get("fallback"), tuple(facts.get("leave", ())))


@cache
def starting_manifest(name: str) -> dict[str, str]:
    """{path: sha256} of the files that every app of a framework begins with."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in starting_files(name).items()}


@cache
def starting_files(name: str) -> dict[str, bytes]:
    """{path: content} of the files that every app of a framework begins with."""
    root = FRAMEWORKS[name].folder / "app"
    paths = (path for path in root.rglob("*") if path.is_file() and "node_modules" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


FRAMEWORKS = _load(settings.BASE_DIR / "sandbox_templates")


def default() -> str:
    """The framework of a project that names none: until one is chosen, and if the choice is unsure."""
    return settings.DEFAULT_FRAMEWORK if settings.DEFAULT_FRAMEWORK in FRAMEWORKS else next(iter(FRAMEWORKS))
