"""Snapshots: copies of a sandbox's files that new sandboxes can start from. Memory is not kept."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox_host.keeper import NAME
from sandbox_host.root import Root
from sandbox_host.sandbox import Sandbox
from sandbox_host.storage import Disk, Source


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
    """Those that are kept, by their ids."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self.known: dict[str, Snapshot] = {}

    def load(self, found: Iterable[dict[str, Any]]) -> None:
        for fields in found:
            snapshot = Snapshot(**fields)
            self.known[snapshot.id] = snapshot

    def source(self, name: str) -> Source | None:
        """What a sandbox made from it starts from; None if there is none of that name."""
        snapshot = self.known.get(name)
        return Source(f"snapshots/{name}", Disk(snapshot.disk, snapshot.lower)) if snapshot else None

    async def take(self, sandbox: Sandbox, name: str, taken: frozenset[str]) -> Snapshot:
        """Copy the files while the sandbox stands still. A name that is there already gets the new files. Raises
        BadName, CopyFailed.
        """
        if name and (not NAME.fullmatch(name) or name in taken):
            raise BadName(f"'{name}' cannot be a snapshot's name: use other lower-case letters, digits, - and _.")
        disk, title = sandbox.disk, name or f"snapshot-{secrets.token_hex(8)}"
        async with sandbox.still():
            made = await self._root("snapshot", sandbox.id, disk.kind, disk.lower, title)
        self.known[title] = Snapshot(**made)
        return self.known[title]

    async def delete(self, name: str) -> bool:
        """False if there is none of that name."""
        if self.known.pop(name, None) is None:
            return False
        await self._root("forget", name)
        return True
