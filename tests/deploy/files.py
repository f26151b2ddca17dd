"""The deployment's files as the tests read them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from tests.deploy.production import ROOT

# ${NAME}, ${NAME:-default}, ${NAME:?message}; $$ is a dollar sign.
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?::?(?P<kind>[-?])(?P<rest>[^}]*))?\}")
ONCE = ("migrate", "templates")
BASE, MANAGED = "docker-compose.yml", "deploy/compose.managed.yml"


def text(name: str) -> str:
    return (ROOT / name).read_text()


@cache
def compose(name: str = BASE) -> dict[str, Any]:
    """The file with its anchors resolved and its variables as they are."""
    parsed: dict[str, Any] = yaml.safe_load(text(name))
    return parsed


def services(name: str = BASE) -> Mapping[str, dict[str, Any]]:
    found: Mapping[str, dict[str, Any]] = compose(name)["services"]
    return found


def ours() -> list[str]:
    """The services that run our image, without or with a browser."""
    return [name for name, service in services().items() if service["image"].startswith(("vibe:", "vibe-worker:"))]


def offered() -> set[str]:
    """The variables .env.example explains."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=", text(".env.example"), re.MULTILINE))
