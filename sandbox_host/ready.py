"""A few empty volumes that lie mounted and ready, since making one takes longer than all else of a sandbox."""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sandbox_host.storage import Disk, Storage

KEPT = 3
QUIET = 0.2  # seconds without another sandbox made, before the next volume is


class Ready:
    """Owns STATE/ready: each directory in it is a sandbox's that nobody has yet, see storage.py."""

    def __init__(self, directory: Path, storage: Storage) -> None:
        self.directory, self.storage = directory, storage
        self.waiting: list[Path] = []
        self._filling: asyncio.Task[None] | None = None
        directory.mkdir(mode=0o711, exist_ok=True)
        directory.chmod(0o711)

    def leftovers(self) -> list[Path]:
        """Those of an earlier host."""
        return [path for path in self.directory.iterdir() if path not in self.waiting]

    def take(self, target: Path, uid: int) -> bool:
        """Move one to `target` and give it to `uid`; False if there is none."""
        if not self.waiting:
            return False
        self.waiting.pop().rename(target)
        for name in ("home", "disk/upper"):
            os.chown(target / name, uid, uid)
        return True

    def refill(self) -> None:
        """Make what is missing, when things are quiet."""
        if not self.storage.volumes:
            return
        if self._filling is not None:
            self._filling.cancel()
        self._filling = asyncio.get_running_loop().create_task(self._fill())

    async def _fill(self) -> None:
        while len(self.waiting) < KEPT:
            await asyncio.sleep(QUIET)
            made = self.directory / secrets.token_hex(8)
            making = asyncio.create_task(asyncio.to_thread(self._make, made))
            await asyncio.shield(making)

    def _make(self, directory: Path) -> None:
        with suppress(OSError):  # the create that needs one will say what is wrong
            directory.mkdir(mode=0o711)
            directory.chmod(0o711)
            self.storage.make(directory, 0, Disk("volume"))
            self.waiting.append(directory)

    async def close(self) -> None:
        """Give up what is not finished, and the rest with it: they hold nothing."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
