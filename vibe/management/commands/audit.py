"""`bin/manage audit`: asks the registries whether anything we depend on is known to be vulnerable; exits 1 if so."""

import json
import os
import shutil
import subprocess
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

SECONDS = 180
# Both say 1 for "found something"; what else they say is that they could not ask.
PYTHON = ["uv", "tool", "run", "pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip", "-f", "json"]
NODE = ["npm", "audit", "--package-lock-only", "--json"]


class Command(BaseCommand):
    help = "Look the locked Python and npm packages up among known vulnerabilities."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for name, command, count in (("Python", PYTHON, _python), ("npm", NODE, _node)):
            try:
                said = count(json.loads(_ask(command)))
            except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
                self.stdout.write(
                    f"{name}: NOT looked up, for no service answered ({str(error) or type(error).__name__})."
                )
                continue
            self.stdout.write(f"{name}: {len(said)} known vulnerabilities.")
            for line in said:
                self.stderr.write(f"  {line}")
            found += len(said)
        if found:
            raise CommandError(f"{found} found: update the package, then bin/lock.")


def _ask(command: list[str]) -> str:
    # npm wants its node beside it.
    path = f"{settings.BASE_DIR}/.venv/bin:{settings.VIBE_HOME}/runtime/node/bin:{os.environ.get('PATH', os.defpath)}"
    program = shutil.which(command[0], path=path)
    if program is None:
        raise FileNotFoundError(f"{command[0]} is not installed")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=settings.BASE_DIR,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.stdout


def _python(answer: Any) -> list[str]:
    # An index without PyPI's list of vulnerabilities "finds" no package: that is no answer.
    unknown = [package["name"] for package in answer["dependencies"] if "skip_reason" in package]
    if unknown:
        raise ValueError(f"{len(unknown)} packages are not known there")
    return [
        f"{package['name']} {package['version']}: {problem['id']}, fixed in {', '.join(problem['fix_versions']) or '–'}"
        for package in answer["dependencies"]
        for problem in package.get("vulns", [])
    ]


def _node(answer: Any) -> list[str]:
    if "error" in answer:
        raise ValueError(str(answer["error"].get("summary") or "npm could not ask")[:200])
    return [f"{name}: {facts['severity']}" for name, facts in answer["vulnerabilities"].items()]
