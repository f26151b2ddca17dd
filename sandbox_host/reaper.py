"""Each minute: remove what belongs to no sandbox of the registry, whatever left it behind."""

import asyncio

from sandbox_host import log
from sandbox_host.keeper import YOUNG
from sandbox_host.registry import Registry

EVERY = 60.0


async def watch(registry: Registry) -> None:
    while True:
        await asyncio.sleep(EVERY)
        with log.failures("the reaper"):
            await sweep(registry)


async def sweep(registry: Registry, young: float = YOUNG) -> None:
    """One round. What it removes is written to the log: there should be nothing."""
    for line in await registry.root("sweep", sorted(registry.known()), young):
        log.say(**line)
