"""A template that nobody prepared is prepared when a sandbox is first asked of it; who asks meanwhile waits for it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from sandbox_host import preparing
from sandbox_host.root import Root

log = logging.getLogger("sandbox_host")


class FirstUse:
    """Preparations under way in this host, one for each template."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.progress: dict[str, str] = {}  # template: what is being done just now
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ahead: asyncio.Task[None] | None = None

    async def ready(self, name: str) -> bool:
        """Return when a sandbox of the template can be made, True if that had to be waited for. A name that is no
        template's is nothing to wait for. Raises one of preparing.PROBLEMS to everybody who waited.
        """
        template = await self.root("template", name)
        if template is None or template["prepared"]:
            return False
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._prepare(name))
            self._tasks[name].add_done_callback(lambda _: self._tasks.pop(name))
        await asyncio.shield(self._tasks[name])
        return True

    def begin(self, names: Sequence[str]) -> None:
        """Prepare these before anybody asks for them, one after the other. What fails is tried again at first use."""
        self._ahead = asyncio.create_task(self._prepare_ahead(names))

    async def _prepare_ahead(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(*preparing.PROBLEMS):  # logged
                await self.ready(name)

    async def _prepare(self, name: str) -> None:
        def say(line: str) -> None:
            self.progress[name] = line.removeprefix(f"{name}: ")
            log.info("%s", line)

        say(f"{name}: waiting")
        try:
            await preparing.prepare_all(self.root, [name], say)
        except preparing.PROBLEMS as problem:
            log.error("template not prepared: %s", problem)
            raise
        finally:
            self.progress.pop(name, None)

    async def close(self) -> None:
        """Give up what is not finished; nothing of it is kept."""
        tasks = [*self._tasks.values(), *filter(None, [self._ahead])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
