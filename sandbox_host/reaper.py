"""Each minute: remove what belongs to no sandbox of the registry, whatever left it behind."""

import asyncio
import time
from pathlib import Path

from sandbox_host import log
from sandbox_host.launch import strays
from sandbox_host.registry import Registry
from sandbox_host.usage import kill

EVERY = 60.0
YOUNG = 60.0  # seconds; what is younger may be just being made


async def watch(registry: Registry) -> None:
    while True:
        await asyncio.sleep(EVERY)
        await sweep(registry)


async def sweep(registry: Registry, young: float = YOUNG) -> None:
    """One round. What it removes is written to the log: there should be nothing."""
    before, known = time.time() - young, registry.known()
    for directory in registry.directory.iterdir():
        if directory.name not in known and _changed(directory) < before:
            log.say("removed a directory without a sandbox", sandbox=directory.name)
            registry.bury(directory)
    for group in registry.groups.all() if registry.groups else []:
        if group.name not in known and _changed(group.directories[0]) < before:
            log.say("removed a control group without a sandbox", sandbox=group.name)
            await asyncio.to_thread(group.remove)
    for path in registry.place.run.iterdir():
        if path.stem not in known and _changed(path) < before:
            log.say("removed a socket without a sandbox", sandbox=path.stem)
            path.unlink(missing_ok=True)
    for pid in strays():
        if _changed(Path(f"/proc/{pid}")) < before:
            log.say("killed a process without a sandbox", pid=pid)
            kill(pid)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # it has gone meanwhile
        return time.time()
