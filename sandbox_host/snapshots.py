"""Snapshots: copies of a sandbox's files that new sandboxes can start from. Memory is not kept."""

import asyncio
import json
import os
import re
import secrets
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox_host import homes
from sandbox_host.homes import finish
from sandbox_host.sandbox import Sandbox
from sandbox_host.storage import Disk, Source

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class BadName(Exception):
    """A snapshot cannot have this name; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """`id` is its directory's name and what a create names as its template."""

    id: str
    sandbox: str
    made: float
    disk: str = "plain"  # see storage.Disk
    lower: str = ""


class Snapshots:
    """Owns STATE/snapshots/ID/{home,snapshot.json}. A directory without the JSON is unfinished and is removed."""

    def __init__(self, state: Path) -> None:
        self.directory = state / "snapshots"
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.known: dict[str, Snapshot] = {}

    def load(self) -> None:
        for directory in self.directory.iterdir():
            try:
                snapshot = Snapshot(**json.loads((directory / "snapshot.json").read_text()))
            except (OSError, ValueError, TypeError):
                subprocess.run(["rm", "-rf", "--", str(directory)], stderr=subprocess.DEVNULL)
                continue
            self.known[snapshot.id] = snapshot

    def source(self, name: str) -> Source | None:
        """What a sandbox made from it starts from; None if there is none of that name."""
        snapshot = self.known.get(name)
        return Source(self.directory / name, Disk(snapshot.disk, snapshot.lower)) if snapshot else None

    async def take(self, sandbox: Sandbox, name: str, taken: frozenset[str]) -> Snapshot:
        """Copy the files while the sandbox stands still. A name that is there already gets the new files. Raises
        BadName, CopyFailed.
        """
        if name and (not _NAME.fullmatch(name) or name in taken):
            raise BadName(f"'{name}' cannot be a snapshot's name: use other lower-case letters, digits, - and _.")
        disk = sandbox.disk
        snapshot = Snapshot(name or f"snapshot-{secrets.token_hex(8)}", sandbox.id, time.time(), disk.kind, disk.lower)
        fresh = self.directory / f".{snapshot.id}.{secrets.token_hex(4)}"
        fresh.mkdir(mode=0o700)
        try:
            async with sandbox.still():
                if disk.kind == "plain":
                    (fresh / "home").mkdir(mode=0o700)
                    await homes.fill(fresh / "home", sandbox.home, os.geteuid())
                else:
                    await finish(sandbox.place.storage.copy, sandbox.directory, fresh, disk)
            await self._remove(snapshot.id)
            (fresh / "snapshot.json").write_text(json.dumps(asdict(snapshot)))
            fresh.rename(self.directory / snapshot.id)
        except BaseException:
            await asyncio.shield(_erase(fresh))
            raise
        self.known[snapshot.id] = snapshot
        return snapshot

    async def delete(self, name: str) -> bool:
        """False if there is none of that name."""
        if self.known.pop(name, None) is None:
            return False
        await self._remove(name)
        return True

    async def _remove(self, name: str) -> None:
        old = self.directory / name
        if old.exists():
            (old / "snapshot.json").unlink(missing_ok=True)
            grave = self.directory / f".{secrets.token_hex(8)}"
            old.rename(grave)
            await _erase(grave)


async def _erase(directory: Path) -> None:
    """By rm, which minds no depth; what its owner made unreadable is made readable first if we are not root."""
    for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")) if os.geteuid() else (("rm", "-rf"),):
        process = await asyncio.create_subprocess_exec(
            *command, "--", str(directory), stderr=asyncio.subprocess.DEVNULL
        )
        await process.wait()
