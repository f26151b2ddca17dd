"""One sandbox: its record on disk, its files, and its processes, which may be running, stopped (paused) or gone
(paused, files only).
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sandbox_host import egress, registries, storage
from sandbox_host.isolation import HOME, Machine
from sandbox_host.launch import AgentError, AgentGone, Channel, Launch
from sandbox_host.root import Root
from sandbox_host.spawn import NotStarted
from sandbox_host.storage import Disk, DiskGone, Storage
from sandbox_host.usage import Usage

ALL_ADDRESSES = "0.0.0.0/0"
LOG_LINES = 1000
DYING = 2.0  # seconds that the end of a sandbox's last process may take
RESTART_PAUSE = 1.0  # seconds between two starts of a sandbox whose processes keep dying


class PortClosed(Exception):
    """Nothing inside listens on the port."""


class NotRunning(Exception):
    """The sandbox is paused or was killed."""


class FilesGone(AgentGone):
    """The sandbox's files cannot be had on this machine, and so it can never start; the message says why."""


class NoWayOut(Exception):
    """The sandbox has no socket that leads outside; the message says so."""


@dataclass
class Record:
    """What survives the host: kept as JSON beside the files. Times are Unix seconds."""

    id: str
    template: str
    uid: int
    token: str
    started: float
    end: float
    timeout: int
    state: str = "running"  # or "paused"
    paused_at: float = 0.0
    auto_pause: bool = True
    pause_memory: bool = True  # whether a pause at the end of the time keeps the processes
    auto_resume: bool = True
    traffic_token: str = ""  # previews answer only to those who send it; "" answers to all
    mask_host: str = (
        ""  # the Host an app in a preview is asked as; ${PORT} stands for its port; "" leaves the visitor's
    )
    internet: bool = True
    allow_out: list[str] = field(default_factory=list)
    deny_out: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    envs: dict[str, str] = field(default_factory=dict)
    disk: str = "plain"  # see storage.Disk
    lower: str = ""


@dataclass(frozen=True)
class Place:
    """What all sandboxes of a host share."""

    root: Root
    machine: Machine
    sockets: Path  # the folder of sockets, by a path short enough for a socket's address
    counted: bool  # control groups hold memory and processes to their limits
    storage: Storage
    bundle: frozenset[str]  # host names every sandbox may reach
    domain: str = ""  # what preview host names end in


class Sandbox:
    """Operations are safe to call at once; starting, pausing and killing exclude each other."""

    def __init__(self, place: Place, directory: Path, record: Record) -> None:
        self.place, self.directory, self.record = place, directory, record
        self.launch: Launch | None = None
        self.proxy: egress.EgressProxy | None = None
        self.usage = Usage(place.root, directory, self.disk, place.machine.limits, place.storage)
        self.killed = self.frozen = False
        self.contexts: dict[str, Any] = {}  # of the code interpreter, by their ids
        self._lock = asyncio.Lock()
        self._saving = asyncio.Lock()
        self._last_start = 0.0

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def state(self) -> str:
        """ "running" or "paused"."""
        return self.record.state

    @property
    def disk(self) -> Disk:
        return Disk(self.record.disk, self.record.lower)

    @property
    def home(self) -> Path:
        """The host's path of /home/user, where it is mounted. Hostile: never follow a path below it, never write
        there.
        """
        return storage.home_of(self.directory, self.disk)

    @property
    def own(self) -> Path:
        """Where the record and the log of connections are kept."""
        return self.directory / "api"

    async def save(self) -> None:
        """Write the record so that a crash leaves the old one or the new one, also when the caller has gone."""
        await asyncio.shield(asyncio.ensure_future(self._save()))

    async def _save(self) -> None:
        async with self._saving:  # so that the newest is there at the end
            try:
                # In a thread: where the disk has much to do, everybody would wait for it.
                await asyncio.to_thread(self._write, replace(self.record), "record.new")
                self._put("record.new")
            except FileNotFoundError:
                if not self.killed:  # else there is nothing left to write it to
                    raise

    def _write(self, record: Record, name: str) -> None:
        with (self.own / name).open("w") as file:
            os.fchmod(file.fileno(), 0o600)
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())

    def _put(self, name: str) -> None:
        (self.own / name).rename(self.own / "record.json")

    @classmethod
    def load(cls, place: Place, directory: Path) -> "Sandbox":
        """A sandbox of an earlier host: paused, files only. Raises ValueError or OSError if there is no good record."""
        known = {each.name for each in fields(Record)}
        try:
            found = json.loads((directory / "api" / "record.json").read_text())
            record = Record(**{name: value for name, value in found.items() if name in known})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"the record in {directory} cannot be read") from error
        if record.state == "running":
            record.state, record.paused_at = "paused", time.time()
        return cls(place, directory, record)

    async def running(self) -> Launch:
        """The processes, started anew if they died on their own. Raises NotRunning."""
        self._require_running()
        if self.launch is None or not self.launch.alive:
            async with self._lock:
                self._require_running()
                await self._start()
        assert self.launch is not None
        return self.launch

    def _require_running(self) -> None:
        if self.killed or self.record.state != "running":
            raise NotRunning(self.id)

    async def _start(self, spare: bool = False) -> None:
        if self.launch is not None:
            if self.launch.alive:
                return
            await self._stop()
        await asyncio.sleep(max(0.0, self._last_start + RESTART_PAUSE - time.monotonic()))
        self._last_start = time.monotonic()
        place, record = self.place, self.record
        try:
            self.launch = await Launch.start(
                place.root, place.sockets, self.id, record.uid, self.disk, spare=spare, internet=record.internet
            )
        except DiskGone as problem:
            raise FilesGone(str(problem)) from None
        except (NotStarted, OSError) as problem:
            raise AgentGone(str(problem)) from None
        await self._start_proxy(self.launch)

    async def _start_proxy(self, launch: Launch) -> None:
        """The one way out; a sandbox without internet access has no socket at all."""
        if (listener := launch.take_way_out()) is not None:
            self.proxy = egress.EgressProxy(
                listener, self.allowed_hosts(), self.own / "egress.log", uid=self.record.uid
            )
            self.proxy.deny = self.denied_hosts()
            await self.proxy.start()

    def denied_hosts(self) -> frozenset[str]:
        """Names that are refused although they are below an allowed one."""
        return frozenset(self.record.deny_out) - {ALL_ADDRESSES}

    def allowed_hosts(self) -> frozenset[str]:
        """The machine's package registries unless all is denied, with what the creator adds. Who denies all but names
        the public registries means those, and with them the mirrors that this machine's tools use in their place.
        """
        named = frozenset(self.record.allow_out)
        closed = ALL_ADDRESSES in self.record.deny_out and not named >= registries.PUBLIC
        return named if closed else named | self.place.bundle

    async def _stop(self) -> None:
        launch, self.launch, self.frozen = self.launch, None, False
        if launch is not None:
            await launch.end()
        proxy, self.proxy = self.proxy, None
        if proxy is not None:
            await proxy.stop()

    async def open(self, request: dict[str, Any]) -> Channel:
        """A channel to the agent. One that is just dying (its own code may kill it) is waited for and started anew."""
        launch = await self.running()
        try:
            return await launch.open(request)
        except AgentGone:
            await asyncio.wait([launch.ended], timeout=DYING)
            return await (await self.running()).open(request)

    @asynccontextmanager
    async def operation(self, request: dict[str, Any]) -> AsyncIterator[Channel]:
        """One operation of the agent inside. Raises NotRunning, AgentGone, and AgentError when it is refused."""
        channel = await self.open(request)
        try:
            yield channel
        finally:
            channel.close()

    async def call(self, request: dict[str, Any]) -> Any:
        async with self.operation(request) as channel:
            return await channel.reply()

    async def dial(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to 127.0.0.1 (or ::1) and `port` inside. Raises PortClosed, NotRunning, AgentGone."""
        channel = await self.open({"op": "dial", "port": port})
        try:
            await channel.reply()
        except AgentError as error:
            channel.close()
            raise PortClosed(error.message) from None
        except BaseException:
            channel.close()
            raise
        return channel.reader, channel.writer

    def environment(self, extra: dict[str, str], user: str) -> dict[str, str]:
        """Variables of a command: ours, then the template's and the creator's, then the call's. Never a secret of
        the host.
        """
        preview = self.place.domain.partition(":")[0]
        base = {
            "HOME": HOME,
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": self.place.machine.path,
            "NPM_CONFIG_PREFIX": f"{HOME}/.npm-global",
            "NPM_CONFIG_UPDATE_NOTIFIER": "false",
            "E2B_SANDBOX": "true",
            "E2B_SANDBOX_ID": self.id,
            "E2B_TEMPLATE_ID": self.record.template,
            # Dev servers refuse names they do not know. Templates read the first, Angular's Vite reads the second.
            "PREVIEW_DOMAIN": preview,
            "__VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS": f".{preview}" if preview else "",
        }
        return {**base, **(egress.sandbox_env() if self.record.internet else {}), **self.record.envs, **extra}

    async def start_spare(self) -> None:
        """Run before anybody asked for it. Raises AgentGone."""
        async with self._lock:
            await self._start(spare=True)

    async def become(self, fields: dict[str, Any]) -> None:
        """What somebody asked for: fields of Record. Raises OSError."""
        for name, value in fields.items():
            setattr(self.record, name, value)
        if self.proxy is not None:
            self.proxy.allow, self.proxy.deny = self.allowed_hosts(), self.denied_hosts()
        if self.record.lower:
            await self.place.root("lay", self.id, self.record.uid, self.record.lower)

    async def start(self, seconds: int, resume: bool = True, admit: Callable[[], None] = lambda: None) -> bool:
        """Run (again) for at least `seconds` seconds from now; a running sandbox's time is never shortened. Without
        `resume` a paused one starts afresh from its files. True if it was paused; then `admit` is asked first, and
        raises if it may not.
        """
        async with self._lock:
            if self.killed:
                raise NotRunning(self.id)
            record = self.record
            was_paused = record.state == "paused"
            if was_paused:
                admit()
            if was_paused and not resume:
                await self._stop()
            end = time.time() + seconds
            changes: dict[str, Any] = {
                "state": "running",
                "timeout": seconds,
                "end": end if was_paused else max(end, record.end),
            }
            async with self._saving:
                # The disk takes as long as the processes; the record counts only when these are there.
                fresh = replace(record, **changes)
                written = asyncio.create_task(asyncio.to_thread(self._write, fresh, "record.start"))
                try:
                    if was_paused and self.frozen and self.launch is not None and self.launch.alive:
                        await self.launch.thaw()
                        self.frozen = False
                    else:
                        await self._start()
                finally:
                    await asyncio.wait([written])
                written.result()
                self._put("record.start")
                for name, value in changes.items():
                    setattr(record, name, value)
            return was_paused

    async def pause(self, memory: bool = True) -> None:
        """Stop the processes; without `memory` end them and keep the files alone. Raises NotRunning when it is
        paused already.
        """
        async with self._lock:
            if self.killed or self.record.state == "paused":
                raise NotRunning(self.id)
            self.record.state, self.record.paused_at = "paused", time.time()
            if memory and self.launch is not None and self.launch.alive:
                await self.launch.freeze()
                self.frozen = True
            else:
                await self._put_away()
            await self.save()

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """It neither starts nor ends meanwhile."""
        async with self._lock:
            if self.killed:
                raise NotRunning(self.id)
            yield

    async def forget_memory(self) -> None:
        """End the processes of a paused sandbox; its files stay."""
        async with self._lock:
            if self.record.state == "paused":
                await self._put_away()

    async def _put_away(self) -> None:
        """End the processes and unmount the files."""
        await self._stop()
        await self.place.root("close", self.id)

    async def kill(self) -> None:
        """End everything. The files are the registry's to remove."""
        self.killed = True
        async with self._lock:
            await self._stop()

    async def suspend(self) -> None:
        """The host stops: end the processes and leave a record that says paused."""
        async with self._lock:
            await self._stop()
            if not self.killed and self.record.state == "running":
                self.record.state, self.record.paused_at = "paused", time.time()
                await self.save()

    def egress_log(self) -> list[str]:
        """JSON lines of the newest connections, oldest first; see EgressProxy for their fields."""
        lines: list[str] = []
        for name in ("egress.1.log", "egress.log"):
            path = self.own / name
            lines += path.read_text().splitlines() if path.exists() else []
        return lines[-LOG_LINES:]

    async def set_network(self, internet: bool | None, allow_out: list[str], deny_out: list[str]) -> None:
        """New rules for new connections. Raises NoWayOut when they would open a way for a sandbox that has none."""
        if not self.record.internet and (internet or allow_out):
            raise NoWayOut("This sandbox was created without internet access and has no way out. Create another one.")
        self.record.allow_out, self.record.deny_out = allow_out, deny_out
        if internet is False:
            self.record.allow_out, self.record.deny_out = [], [ALL_ADDRESSES]
        if self.proxy is not None:
            self.proxy.allow, self.proxy.deny = self.allowed_hosts(), self.denied_hosts()
        await self.save()
