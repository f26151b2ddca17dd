"""All sandboxes of this host: made, found again after a restart, timed out, removed."""

import asyncio
import base64
import contextlib
import copy
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox_host import egress, log
from sandbox_host.homes import CopyFailed
from sandbox_host.isolation import Limits, Machine
from sandbox_host.launch import AgentGone
from sandbox_host.root import Root
from sandbox_host.sandbox import NotRunning, Place, Record, Sandbox
from sandbox_host.snapshots import Snapshot, Snapshots
from sandbox_host.spares import Spares
from sandbox_host.storage import Disk, Source, Storage
from sandbox_host.templates import UnknownTemplate
from sandbox_host.usage import LONGEST_UNSEEN, FreeSpace, free_mib

PLAIN_TEMPLATES = frozenset({"base", "code-interpreter-v1"})  # the SDKs' defaults: an empty home
MEMORY_KEPT = 900.0  # seconds a paused sandbox keeps its processes
DEFAULT_TIMEOUT = 300
MAX_TIMEOUT = 24 * 3600


class TooMany(Exception):
    """The host holds as many sandboxes as it may."""


@dataclass(frozen=True)
class Caps:
    """What all sandboxes together may be."""

    running: int = 50
    total: int = 1000  # with the paused ones and the snapshots
    days: float = 90  # that a paused one is kept
    free: int = 0  # MiB of the machine's disk that they leave
    spares: int = 0  # that wait for somebody to create one


@dataclass(frozen=True)
class Facts:
    """What Keeper.facts tells of the machine."""

    machine: Machine
    storage: Storage
    counted: bool  # control groups hold memory and processes to their limits
    uids: range | None  # what sandboxes run as; None: as we do

    @classmethod
    async def ask(cls, root: Root) -> "Facts":
        """Raises IsolationMissing, OSError."""
        found = await root("facts")
        machine = found["machine"]
        paths = {name: Path(machine[name]) for name in ("state", "agent")}
        state = paths["state"]
        return cls(
            Machine(**{**machine, **paths, "limits": Limits(**machine["limits"])}),
            Storage(state / "templates", found["volumes"], found["sharing"]),
            found["counted"],
            range(*found["uids"]) if found["uids"] else None,
        )


class Registry:
    """All there is, and the tasks that remove what was killed."""

    def __init__(self, root: Root, facts: Facts, caps: Caps = Caps(), domain: str = "") -> None:
        """`domain`: what preview host names end in."""
        self.root, self.facts, self.caps = root, facts, caps
        self.machine, self.storage = facts.machine, facts.storage
        self.sandboxes: dict[str, Sandbox] = {}
        self.directory = self.machine.state / "sandboxes"
        # By the descriptor a path is short enough for a socket's address.
        sockets = Path(f"/proc/self/fd/{os.open(self.machine.state / 'run', os.O_PATH | os.O_DIRECTORY)}")
        self.place = Place(
            root, self.machine, sockets, facts.counted, self.storage, egress.default_allow(), domain
        )  # fmt: skip
        can_lay = self.storage.volumes and self.storage.sharing == "overlay"
        self.spares = Spares(self._make_spare, caps.spares if can_lay else 0)
        self._unborn: set[str] = set()  # ids of the spare ones
        self._coming = 0  # creates that wait for one of them
        self._resuming: set[str] = set()  # ids of paused ones that are just starting
        self._removals: set[asyncio.Task[None]] = set()
        self._uids: set[int] = set()
        self.counts = {"created": 0, "killed": 0}  # since the start
        self.snapshots = Snapshots(root)

    async def load(self) -> None:
        """Take up what an earlier host left: good records as paused sandboxes; all else is removed."""
        found = await self.root("take_up")
        for name in found["sandboxes"]:
            try:
                sandbox = Sandbox.load(self.place, self.directory / name)
            except (ValueError, OSError):
                await self.root("bury", name)
                self._remove_later(name)
                continue
            self.sandboxes[sandbox.id] = sandbox
            self._uids.add(sandbox.record.uid)
        for name in found["trash"]:
            self._remove_later(name)
        self.snapshots.load(found["snapshots"])

    async def create(
        self, template: str, seconds: int, options: dict[str, Any], like: Sandbox | None = None
    ) -> Sandbox:
        """A running sandbox with a home copied from the template, or `like` another one's. `options` are fields of
        Record. Raises TooMany, UnknownTemplate, AgentGone.
        """
        total = self.caps.total
        self._require_place()
        if len(self.sandboxes) + self._coming >= total:
            raise TooMany(f"This host keeps {total} sandboxes, which is its limit. Kill one first.")
        self._require_free_space()
        source = Source(f"sandboxes/{like.id}", like.disk) if like else await self._source(template)
        disk = source.above(self.storage) if source else Disk(self.storage.kind_for(""))
        now = time.time()
        fields = {"template": template, "started": now, "end": now + seconds, "timeout": seconds, **options}
        fields |= {"disk": disk.kind, "lower": disk.lower}
        from_nothing = source is None or bool(disk.lower and source.template)
        self._coming += 1
        try:
            spare = await self.spares.take() if from_nothing and options.get("internet", True) else None
        finally:
            self._coming -= 1
        sandbox = spare or self._new(fields)
        self.sandboxes[sandbox.id] = sandbox
        self._unborn.discard(sandbox.id)
        try:
            if spare:
                await sandbox.become(fields)
            else:
                async with like.still() if like else contextlib.nullcontext():
                    await self._make_disk(sandbox, source)
            await sandbox.start(seconds)
        except OSError as problem:
            await asyncio.shield(self.kill(sandbox))
            raise AgentGone(f"the sandbox's files could not be made: {problem}") from None
        except BaseException:
            await asyncio.shield(self.kill(sandbox))
            raise
        self.counts["created"] += 1
        self.spares.refill()
        log.say("created", sandbox=sandbox.id, template=template, seconds=round(time.time() - now, 3))
        return sandbox

    async def resume(self, sandbox: Sandbox, seconds: int, memory: bool = True) -> bool:
        """Run one (again), see Sandbox.start; a paused one needs a place as a new one does. Raises TooMany, NotRunning,
        FilesGone, AgentGone.
        """
        with contextlib.ExitStack() as at_the_end:

            def admit() -> None:
                self._require_place()
                self._require_free_space()
                self._resuming.add(sandbox.id)
                at_the_end.callback(self._resuming.discard, sandbox.id)

            return await sandbox.start(seconds, memory, admit)

    def _require_place(self) -> None:
        running = sum(sandbox.state == "running" for sandbox in self.sandboxes.values())
        if running + self._coming + len(self._resuming) >= self.caps.running:
            raise TooMany(f"This host runs {self.caps.running} sandboxes, which is its limit. Kill or pause one first.")

    def _new(self, fields: dict[str, Any]) -> Sandbox:
        record = Record(id=new_id(), uid=self._take_uid(), token=secrets.token_hex(32), **fields)
        return Sandbox(self.place, self.directory / record.id, record)

    async def _make_spare(self) -> Sandbox:
        """A running sandbox without a template that nobody has asked for yet."""
        fields = {"template": "base", "started": 0.0, "end": 0.0, "timeout": 0, "disk": self.storage.kind_for("")}
        sandbox = self._new(fields)
        self._unborn.add(sandbox.id)
        try:
            await self._make_disk(sandbox, None)
            await sandbox.start_spare()
        except BaseException:
            await asyncio.shield(self.kill(sandbox))
            raise
        return sandbox

    def known(self) -> set[str]:
        """The ids of all there are, those included that wait for somebody."""
        return self.sandboxes.keys() | self._unborn

    async def _source(self, name: str) -> Source | None:
        """What a sandbox of this template starts from; None: from nothing. Raises UnknownTemplate."""
        if name in PLAIN_TEMPLATES:
            return None
        if snapshot := self.snapshots.source(name):
            return snapshot
        template = await self.root("template", name)
        if template is None:
            raise UnknownTemplate(f"template '{name}' not found")
        if not template["prepared"]:
            raise UnknownTemplate(f"template '{name}' is not prepared: run `bin/manage templates build {name}`")
        return Source(f"templates/{name}/{template['digest']}", Disk(), template=True)

    async def _make_disk(self, sandbox: Sandbox, source: Source | None) -> None:
        """The sandbox's files as it finds them at its first start. Raises AgentGone."""
        disk = sandbox.disk
        try:
            origin = source.name if source else ""
            await self.root("make", sandbox.id, sandbox.record.uid, disk.kind, disk.lower, origin)
        except (OSError, CopyFailed) as problem:
            raise AgentGone(f"the sandbox's files could not be made: {problem}") from None

    def _require_free_space(self) -> None:
        if free_mib(self.machine.state) < self.caps.free:
            raise TooMany(
                f"This host leaves {self.caps.free} MiB of its disk free, which is its limit. Kill one first."
            )

    def get(self, sandbox_id: str) -> Sandbox | None:
        return self.sandboxes.get(sandbox_id)

    async def snapshot(self, sandbox: Sandbox, name: str) -> Snapshot:
        """Raises TooMany, BadName, CopyFailed, NotRunning."""
        if len(self.sandboxes) + len(self.snapshots.known) >= self.caps.total:
            raise TooMany(f"This host keeps {self.caps.total} sandboxes and snapshots, which is its limit.")
        self._require_free_space()
        return await self.snapshots.take(sandbox, name, PLAIN_TEMPLATES | (await self.root("templates")).keys())

    async def fork(self, sandbox: Sandbox, seconds: int) -> Sandbox:
        """A new sandbox with a copy of the files and the same options. Raises what `create` raises."""
        record = sandbox.record
        names = (
            "auto_pause",
            "pause_memory",
            "auto_resume",
            "mask_host",
            "internet",
            "allow_out",
            "deny_out",
            "metadata",
            "envs",
        )
        options = {name: copy.deepcopy(getattr(record, name)) for name in names}
        if record.traffic_token:
            options["traffic_token"] = secrets.token_hex(32)
        return await self.create(record.template, seconds, options, like=sandbox)

    async def kill(self, sandbox: Sandbox) -> None:
        """End it and let its files be removed in the background."""
        if self.sandboxes.pop(sandbox.id, None) is not None:
            self.counts["killed"] += 1
            log.say("killed", sandbox=sandbox.id)
        self._unborn.discard(sandbox.id)
        await sandbox.kill()
        await self.root("bury", sandbox.id)
        self._remove_later(sandbox.id, sandbox.record.uid)

    def _remove_later(self, name: str, uid: int | None = None) -> None:
        task = asyncio.get_running_loop().create_task(self._remove(name, uid))
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    async def _remove(self, name: str, uid: int | None) -> None:
        """The uid is free again only when its files are gone."""
        await self.root("erase", name)
        if uid is not None:
            self._uids.discard(uid)

    def _take_uid(self) -> int:
        """As root an own uid for each sandbox; an ordinary user has only the own one."""
        if self.facts.uids is None:
            return os.geteuid()
        for uid in self.facts.uids:
            if uid not in self._uids:
                self._uids.add(uid)
                return uid
        raise TooMany("All user ids for sandboxes are in use.")

    async def watch_time(self) -> None:
        """Each half second: what is over its time is paused or killed, and old pauses lose their processes."""
        while True:
            await asyncio.sleep(0.5)
            now = time.time()
            for sandbox in list(self.sandboxes.values()):
                with log.failures("the watch of times", sandbox=sandbox.id), contextlib.suppress(NotRunning):
                    await self._check(sandbox, now)

    async def watch_memory(self) -> None:
        """Four times a second, where the kernel does not hold it."""
        while not self.facts.counted:
            await asyncio.sleep(0.25)
            for sandbox in list(self.sandboxes.values()):
                if sandbox.launch is not None and sandbox.launch.alive and not sandbox.frozen:
                    with log.failures("the watch of memory", sandbox=sandbox.id):
                        await sandbox.usage.enforce_memory(sandbox.launch)

    async def watch_disk(self) -> None:
        """Each second: the files of all when the disk filled noticeably, and of those that are full. Counting takes at
        most a fifth of the time, whatever a sandbox does to make it long.
        """
        free, last, pause = FreeSpace(self.machine.state), time.monotonic(), 1.0
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            look_at_all = free.dropped() or began > last + LONGEST_UNSEEN
            last = began if look_at_all else last
            for sandbox in list(self.sandboxes.values()):
                running = sandbox.launch is not None and sandbox.launch.alive and not sandbox.frozen
                if running and (look_at_all or sandbox.usage.full):
                    with log.failures("the watch of disks", sandbox=sandbox.id):
                        await sandbox.usage.measure_disk(sandbox.launch)
            with log.failures("the watch of the machine's disk"):
                if free_mib(self.machine.state) < self.caps.free // 2:
                    await self._pause_largest()
            pause = max(1.0, 4 * (time.monotonic() - began))

    async def _pause_largest(self) -> None:
        """All disks together may be larger than the machine's. Before that one is full, who wrote most stands still:
        a volume whose image cannot grow would lose what was written.
        """
        running = [sandbox for sandbox in self.sandboxes.values() if sandbox.state == "running" and sandbox.launch]
        if running:
            largest = max(running, key=lambda sandbox: sandbox.usage.disk_bytes)
            log.say("the machine's disk is nearly full", sandbox=largest.id, then="pause")
            with contextlib.suppress(NotRunning):
                await largest.pause()

    async def _check(self, sandbox: Sandbox, now: float) -> None:
        record = sandbox.record
        if record.state == "running" and now >= record.end:
            log.say("time is over", sandbox=sandbox.id, then="pause" if record.auto_pause else "kill")
            if record.auto_pause:
                await sandbox.pause(memory=record.pause_memory)
            else:
                await self.kill(sandbox)
        elif record.state == "paused" and sandbox.launch is not None and now >= record.paused_at + MEMORY_KEPT:
            await sandbox.forget_memory()
        elif record.state == "paused" and now >= record.paused_at + self.caps.days * 86_400:
            log.say("nobody started it for too long", sandbox=sandbox.id, days=self.caps.days)
            await self.kill(sandbox)

    async def close(self) -> None:
        """Stop all processes, keep all files."""
        await asyncio.gather(*(self.kill(spare) for spare in await self.spares.close()))
        await asyncio.gather(*(sandbox.suspend() for sandbox in self.sandboxes.values()))
        if self._removals:
            await asyncio.wait(self._removals, timeout=10)


def new_id() -> str:
    """128 random bits in characters that a host name may hold in any case."""
    return "i" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
