"""Ask the package registry whether a template's locked packages have known advisories."""

import asyncio
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox_host.templates import Template

SECONDS = 120


@dataclass(frozen=True)
class Audit:
    """`found`: advisories by severity, empty where there are no packages; `unanswered`: why nobody knows, or ""."""

    found: dict[str, int]
    unanswered: str = ""

    @property
    def text(self) -> str:
        if self.unanswered:
            return f"not audited: {self.unanswered}"
        if not self.found:
            return "has no packages"
        told = ", ".join(f"{count} {severity}" for severity, count in self.found.items() if count)
        return told or "no known advisories"


async def audit(template: Template, runtime: Path | None) -> Audit:
    """By `npm audit` over the lock file alone, in a folder of its own: nothing is installed and nothing is run."""
    lock = template.source / "package-lock.json"
    if not lock.exists():
        return Audit({})
    npm = Path(os.path.abspath(runtime), "node/bin/npm") if runtime else None  # noqa: ASYNC240, PTH100 - touches no disk
    command = str(npm) if npm and npm.exists() else shutil.which("npm")
    if command is None:
        return Audit({}, "there is no npm here")
    with tempfile.TemporaryDirectory() as folder:
        for path in (lock, template.source / "package.json"):
            shutil.copy(path, folder)
        programs = f"{Path(command).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        process = await asyncio.create_subprocess_exec(
            command, "audit", "--json", "--package-lock-only", "--fetch-retries=1", cwd=folder,
            env={**os.environ, "PATH": programs, "NPM_CONFIG_CACHE": f"{folder}/.npm", "NPM_CONFIG_AUDIT": "true"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                out, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return Audit({}, f"the registry did not answer in {SECONDS} s")
    return read(out, errors)


def read(out: bytes, errors: bytes) -> Audit:
    """What npm told in JSON. A registry without audits makes it fail with a message."""
    told: Any = None
    try:
        told = json.loads(out)
        counts = told["metadata"]["vulnerabilities"]
        return Audit({name: int(counts[name]) for name in ("critical", "high", "moderate", "low") if name in counts})
    except (ValueError, KeyError, TypeError):
        pass
    try:
        reason = str(told.get("message") or told["error"].get("summary") or told["error"]["code"])
    except (KeyError, TypeError, AttributeError):
        reason = (errors.decode("utf-8", "replace").strip().splitlines() or ["npm said nothing"])[-1]
    return Audit({}, f"the registry does not answer audits ({' '.join(reason.split())[:200]})")
