"""What every part of a worker's work on one run shares: the lease, the run, its log, and its sandbox."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import cached_property
from typing import Any

from agents import aio, previews, sandbox
from agents.asking import window
from agents.box import Box
from agents.lease import Lease, StepTimeout
from agents.log import Log, record
from agents.mcp.wire import Server
from agents.models import Run
from agents.sandbox import Opened
from agents.tools import ToolFailed
from projects import versions
from projects.models import Message, Version


class Bench:
    """One worker's place to work on one run."""

    def __init__(self, lease: Lease, run: Run) -> None:
        self.lease, self.run, self.log = lease, run, Log(lease.fence, lease.hear)
        self.mode = run.message.mode
        self.writes = self.mode == Message.Mode.BUILD
        self.box: Box | None = None
        self.opening: Future[sandbox.Opened] | None = None
        self.needed, self.over = threading.Event(), threading.Event()
        self.serving: Any = None
        # The MCP servers that were called, by address and sealed token: their sessions last as long as the run.
        self.servers: dict[tuple[str, str], Server] = {}

    @cached_property
    def window(self) -> int:
        """Tokens that the run's model can read at once, as far as was known when it was first asked."""
        return window(self.run)

    def open(self) -> None:
        """Has a sandbox opened in the background; the model is asked meanwhile."""
        if self.box is None and self.opening is None:
            self.opening = sandbox.in_background(self.run.project, self.writes, self.needed, self.over)

    @property
    def sandbox(self) -> Box:
        """The run's sandbox, waited for at its first use. Raises SandboxUnavailable."""
        if self.box is None:
            self.box, self.serving = self.opened()
            self.miss(self.box)
        return self.box

    def opened(self) -> Opened:
        """Waits, and says what the host does when that takes long: a template is prepared when it is first used."""
        assert self.opening is not None
        self.needed.set()
        deadline, said = time.monotonic() + sandbox.OPENING_SECONDS, False
        while True:
            try:
                self.lease.wait(_ended(self.opening), sandbox.PATIENCE_SECONDS)
            except StepTimeout as error:
                if time.monotonic() > deadline:
                    text = f"The sandbox host gave us no sandbox within {sandbox.OPENING_SECONDS} s."
                    raise sandbox.SandboxUnavailable(text) from error
                doing = self.lease.wait(sandbox.preparing(self.run.project.framework))
                key = f"prepare-{doing}"[:40]
                if doing and not self.log.has("stage", key):
                    title = f"Preparing the {self.run.project.framework_title} template, once: {doing}"
                    self.stage("prepare", title, key=key)
                    said = True
                continue
            if said:
                self.stage("work", "Building", key="work-prepared")
            return self.opening.result()

    def in_sandbox(self, work: Callable[[Box, bool], Any], seconds: float) -> Any:
        """Runs sandbox work; a sandbox that went away meanwhile is resumed or rebuilt once. Raises ToolFailed, also
        where what this run did in it is gone.
        """
        try:
            try:
                return self.lease.wait(work(self.sandbox, False), seconds)
            except sandbox.GONE:
                self.box = sandbox.ensure(self.run.project, self.lease.wait)
                self.serving = aio.submit(self.box.serve())
                self.miss(self.box)
                return self.lease.wait(work(self.box, True), seconds)
        except sandbox.DOWN as error:
            raise ToolFailed(f"The sandbox did not do it: {error}") from error

    def miss(self, box: Box) -> None:
        """Raises ToolFailed where files of this run were written in a sandbox that is gone: this one has those of the
        newest version.
        """
        newest = {step.data["path"]: record(step).get("sandbox", box.id) for step in self.log.of("file")}
        if gone := [path for path, place in newest.items() if place != box.id]:
            raise ToolFailed(
                "The sandbox went away, and with it what was done since the last version, so this was not tried. Files"
                f" that are as before this run now, or not there: {', '.join(gone)}. What commands did is gone as well."
                " Do that again first, then this."
            )

    def find_box(self) -> Box | None:
        """The sandbox, for a run that ended before this worker used it; None when none can be had."""
        if self.box is None:
            with contextlib.suppress(sandbox.SandboxUnavailable):
                self.box = sandbox.ensure(self.run.project)
        return self.box

    def let_go(self) -> None:
        """Opens no sandbox any more that nobody needed; one that is being opened gets a moment, so that its row is
        written and it is found. Sessions with servers end, and nobody waits for that.
        """
        for server in self.servers.values():
            aio.submit(server.leave())
        self.over.set()
        self.needed.set()
        if self.opening and not self.opening.cancel():
            wait([self.opening], timeout=5)

    def before(self) -> Version | None:
        """The version that the run began with; None: the template."""
        return versions.newest(self.run.project)

    def step_key(self, key: str) -> str:
        return f"{self.run.pk.hex}-{key}"

    def stage(self, stage: str, title: str, key: str = "", record: Any = None, **more: Any) -> None:
        """Says once that a stage began."""
        data = {"stage": stage, "status": "started", "title": title, **more}
        self.log.add("stage", data, key=key or stage, record=record)

    def show_preview(self) -> None:
        """Says once that the dev server answers, as soon as it does."""
        if self.serving is None or not self.serving.done():
            return
        serving, self.serving = self.serving, None
        status = 0 if serving.cancelled() or serving.exception() else serving.result()
        state = "ready" if status else "failed"
        data = {"state": state, "url": previews.url(self.sandbox), "port": self.sandbox.framework.port}
        if not any(step.data == data for step in self.log.of("preview")[-1:]):
            self.log.add("preview", data)


async def _ended(opening: "Future[Opened]") -> None:
    """Waits for it without holding it: who stops waiting does not stop the opening."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    opening.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    await ended.wait()
