"""What a host does that takes root where it has root: disks, processes, control groups, removal, prepared templates.

Each operation is named, takes what JSON can hold, and believes none of it: the process that asks is the one that
strangers speak to. No argument is ever a path or an option; ids and names are matched and looked up below the state
folder, in folders that are root's alone.
"""

import asyncio
import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any
from weakref import WeakValueDictionary

from sandbox_host import cgroup, homes, spawn, storage
from sandbox_host.cgroup import Groups
from sandbox_host.isolation import FIRST_UID, LAST_UID, PREPARING_UIDS, Limits, Machine, memory_file
from sandbox_host.storage import Disk, Storage
from sandbox_host.templates import Library, Template

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")  # a template's or a snapshot's
_ID = re.compile(r"[a-z0-9]{8,60}")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_OWN = ("record.json", "egress.log", "egress.1.log")  # what earlier versions kept beside the files
YOUNG = 60.0  # seconds; what is younger may be just being made


class Fd(int):
    """A descriptor that is given to the caller."""


def operation(method: Any) -> Any:
    method.operation = True
    return method


class Keeper:
    """Owns the state directory: sandboxes/ID/{api,home,…}, trash/, run/ (sockets), snapshots/, templates/. Of all that
    only `api` belongs to who asks.
    """

    def __init__(
        self, machine: Machine, library: Library, *, uids: range = range(FIRST_UID, LAST_UID + 1), owner: int = 0,
        files: Storage | None = None, runtime: Path | None = None,
    ) -> None:  # fmt: skip
        """`uids`: what sandboxes run as where we are root; `owner`: who asks; `files`: how they are kept, plain
        directories if not said.
        """
        self.machine, self.library, self.runtime, self.uids, self.owner = machine, library, runtime, uids, owner
        self.storage = files or Storage(machine.state / "templates")
        state = machine.state
        self.sandboxes, self.trash, self.run = state / "sandboxes", state / "trash", state / "run"
        self.snapshots = state / "snapshots"
        for path, mode in ((self.sandboxes, 0o711), (self.run, 0o711), (self.trash, 0o700), (self.snapshots, 0o700)):
            path.mkdir(mode=mode, parents=True, exist_ok=True)
            path.chmod(mode)
        # By the descriptor a path is short enough for a socket's address.
        self.sockets = Path(f"/proc/self/fd/{os.open(self.run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)}")
        self.groups = Groups.find(state)
        self.taken = False  # whether what is in the state folder is ours: templates are built beside a host
        self.running: dict[str, spawn.Running] = {}
        self.work: Keeper | None = None  # where templates are prepared, apart from the host's own sandboxes
        self._work_lock: IO[str] | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    def open(cls, state: Path, sources: Path, runtime: Path | None, limits: Limits, *, owner: int = 0) -> "Keeper":
        """Find what this machine can do. Raises IsolationMissing, OSError."""
        machine = Machine.find(state.resolve(), runtime, limits)
        found = storage.find(machine.state, limits)
        return cls(machine, Library(sources, machine.state), owner=owner, files=found, runtime=runtime)

    async def do(self, name: str, arguments: list[Any]) -> Any:
        """The operation of that name. Raises ValueError for anything it does not like."""
        if name.startswith("work.") and self.work is not None:
            return await self.work.do(name.removeprefix("work."), arguments)
        method: Any = getattr(type(self), name, None)
        if not hasattr(method, "operation"):
            raise ValueError(f"there is no operation {name[:40]!r}")
        try:
            call = method(self, *arguments)
        except TypeError as error:
            raise ValueError(str(error)) from None
        return await call

    # -- what there is

    @operation
    async def facts(self) -> dict[str, Any]:
        machine = {
            **{each.name: getattr(self.machine, each.name) for each in fields(Machine)},
            "state": str(self.machine.state), "agent": "", "binds": (), "limits": asdict(self.machine.limits),
        }  # fmt: skip
        return {
            "machine": machine, "volumes": self.storage.volumes, "sharing": self.storage.sharing,
            "counted": self.groups is not None, "uids": [self.uids.start, self.uids.stop] if _root() else None,
        }  # fmt: skip

    @operation
    async def take_up(self) -> dict[str, Any]:
        """Clear away what an earlier host left half done; the ids of the sandboxes and the snapshots that there are."""
        return await asyncio.to_thread(self._take_up)

    def _take_up(self) -> dict[str, Any]:
        self.taken = True
        if self.groups is not None:
            self.groups.remove_leftovers()
        for path in self.run.iterdir():
            path.unlink()
        for directory in self.sandboxes.iterdir():
            own = directory / "api"
            if not own.is_dir():
                own.mkdir(mode=0o700)
                for name in _OWN:
                    if (directory / name).exists():
                        (directory / name).rename(own / name)
            if _root() and own.stat().st_uid != self.owner:
                subprocess.run(["chown", "-hR", f"{self.owner}:{self.owner}", "--", str(own)], check=True)
        snapshots = []
        for directory in self.snapshots.iterdir():
            try:
                snapshots.append(json.loads((directory / "snapshot.json").read_text()))
            except (OSError, ValueError):
                subprocess.run(["rm", "-rf", "--", str(directory)], stderr=subprocess.DEVNULL)
        return {
            "sandboxes": [path.name for path in self.sandboxes.iterdir() if _ID.fullmatch(path.name)],
            "trash": [path.name for path in self.trash.iterdir() if _ID.fullmatch(path.name)],
            "snapshots": snapshots,
        }

    @operation
    async def sweep(self, known: list[str], young: float = YOUNG) -> list[dict[str, Any]]:
        """Remove what belongs to none of the sandboxes `known`; what it was."""
        before = time.time() - young
        found: list[dict[str, Any]] = []
        for name in self.running.keys() - set(known):
            if _changed(self.sandboxes / name) < before:
                found.append({"message": "ended processes without a sandbox", "sandbox": name})
                await self.end(name)
        for directory in self.sandboxes.iterdir():
            if directory.name not in known and _changed(directory) < before:
                found.append({"message": "removed a directory without a sandbox", "sandbox": directory.name})
                with suppress(OSError):
                    directory.rename(self.trash / directory.name)
        for path in self.trash.iterdir():
            if path.name not in known and _changed(path) < before and path.name not in self._locks:
                await self._remove(path)
        for group in self.groups.all() if self.groups else []:
            if group.name not in known and _changed(group.directories[0]) < before:
                found.append({"message": "removed a control group without a sandbox", "sandbox": group.name})
                await asyncio.to_thread(group.remove)
        gone = await asyncio.to_thread(self.groups.remove_abandoned) if self.groups else []
        found += [{"message": "removed the control groups of a host that is gone", "group": each} for each in gone]
        for path in self.run.iterdir():
            if path.stem not in known and _changed(path) < before:
                found.append({"message": "removed a socket without a sandbox", "sandbox": path.stem})
                path.unlink(missing_ok=True)
        for pid in spawn.strays():
            if _changed(Path(f"/proc/{pid}")) < before:
                found.append({"message": "killed a process without a sandbox", "pid": pid})
                cgroup.kill(pid)
        return found

    # -- a sandbox's files

    @operation
    async def make(self, name: str, uid: int, kind: str, lower: str, source: str) -> None:
        """A sandbox's directory and disk, filled from `source`: "", "templates/NAME/DIGEST", "snapshots/NAME" or
        "sandboxes/ID". Raises OSError, CopyFailed.
        """
        directory, disk = self._directory(name), self._disk(kind, lower)
        self._check_uid(uid)
        origin = self._source(source)
        if directory.exists():
            raise FileExistsError(f"there is a {name} already")
        async with self._alone(name), self._still(source):
            await self._make(directory, uid, disk, origin)

    async def _make(self, directory: Path, uid: int, disk: Disk, origin: Path | None) -> None:
        self._make_folders(directory)
        if origin is not None and ((origin / "disk").is_dir() or (origin / "disk.img").exists()):
            await asyncio.to_thread(self.storage.copy, origin, directory, disk)
            await asyncio.to_thread(self.storage.adopt, directory, uid, disk)
            return
        await asyncio.to_thread(self.storage.make, directory, uid, disk)
        if origin is not None and not disk.lower:
            await homes.fill(storage.home_of(directory, disk), origin / "home", uid)

    @operation
    async def lay(self, name: str, uid: int, lower: str) -> None:
        """Put a template below a disk. Raises OSError."""
        directory = self._directory(name)
        self._check_uid(uid)
        self._disk("plain", lower)
        async with self._alone(name):
            await asyncio.to_thread(self.storage.lay, directory, uid, lower)

    @operation
    async def close(self, name: str) -> None:
        """Unmount its files."""
        directory = self._directory(name)
        async with self._alone(name):
            self._require_ended(name)
            await asyncio.to_thread(self.storage.close, directory)

    @operation
    async def measure(self, name: str, kind: str) -> list[int]:
        """Bytes and inodes of what it wrote."""
        folder = "disk/upper" if self._disk(kind, "").kind == "directory" else "home"
        held = self._directory(name) / folder
        return [await homes.size(held, "-B1"), await homes.size(held, "--inodes")]

    @operation
    async def bury(self, name: str) -> None:
        """Take its directory away; nothing if there is none."""
        directory = self._directory(name)
        async with self._alone(name):
            self._require_ended(name)
            with suppress(FileNotFoundError):
                directory.rename(self.trash / name)

    @operation
    async def erase(self, name: str) -> None:
        """Remove what was buried."""
        self._directory(name)
        async with self._alone(name):
            await self._remove(self.trash / name)

    async def _remove(self, grave: Path) -> None:
        """By rm, which neither follows links nor recurses on depth."""
        await asyncio.to_thread(self.storage.close, grave)
        if not await _run("rm", "-rf", "--", str(grave)):
            await _run("chmod", "-R", "u+rwx", "--", str(grave))
            await _run("rm", "-rf", "--", str(grave))

    # -- its processes

    @operation
    async def start(self, name: str, uid: int, kind: str, lower: str, spare: bool, internet: bool) -> dict[str, Any]:
        """Mount its files and start its processes: bwrap's pid and a descriptor of it, the folders of the control
        group, and the listening socket of the way out, if it is to have one. Raises DiskGone, NotStarted.
        """
        directory, disk = self._directory(name), self._disk(kind, lower)
        self._check_uid(uid)
        async with self._alone(name):
            self._require_ended(name)
            if spare:
                home = await asyncio.to_thread(self.storage.open_empty, directory, uid)
            else:
                home = await asyncio.to_thread(self.storage.open, directory, uid, disk)
            agent = spawn.listen(f"{self.sockets}/{name}.agent", self.owner)
            egress = spawn.listen(f"{self.sockets}/{name}.egress", uid) if internet else None
            try:
                group = self.groups.create(name, self.machine.limits) if self.groups else None
                way = self.run / f"{name}.egress" if internet else None
                running = await spawn.start(self.machine, uid, home, agent, way, group)
            except BaseException:
                if egress is not None:
                    egress.close()
                self._unlink_sockets(name)
                raise
            finally:
                agent.close()
            self.running[name] = running
            found = {
                "bwrap": running.process.pid, "pidfd": Fd(os.pidfd_open(running.process.pid)),
                "group": [str(path) for path in group.directories] if group else [],
            }  # fmt: skip
            return found | ({"egress": Fd(egress.detach())} if egress else {})

    @operation
    async def stop(self, name: str) -> None:
        """Stop every process."""
        self._directory(name)
        async with self._alone(name):
            if running := self.running.get(name):
                await running.stop()

    @operation
    async def thaw(self, name: str) -> None:
        self._directory(name)
        async with self._alone(name):
            if running := self.running.get(name):
                running.thaw()

    @operation
    async def kill(self, name: str, pids: Any) -> None:
        """Those of these processes that are the sandbox's."""
        self._directory(name)
        if not isinstance(pids, list) or not all(type(pid) is int for pid in pids):
            raise ValueError("pids are a list of numbers")
        if running := self.running.get(name):
            running.kill(pids)

    @operation
    async def end(self, name: str) -> str:
        """End all its processes, if there are any; what bwrap said."""
        self._directory(name)
        async with self._alone(name):
            running = self.running.pop(name, None)
            said = await running.end() if running else ""
            self._unlink_sockets(name)
            return said

    async def end_all(self) -> None:
        """Leave no process and no control group; the mounts end with this process."""
        if self.work is not None:
            await self.work.end_all()
        await asyncio.gather(*(running.end() for running in self.running.values()), return_exceptions=True)
        if self.taken:
            for path in self.run.iterdir():
                path.unlink(missing_ok=True)
            if self.groups is not None:
                await asyncio.to_thread(self.groups.remove_leftovers)
        if self.groups is not None:
            await asyncio.to_thread(self.groups.close)

    # -- snapshots

    @operation
    async def snapshot(self, name: str, kind: str, lower: str, title: str) -> dict[str, Any]:
        """A copy of the files, in the place of an older one of that title. Raises OSError, CopyFailed."""
        directory, disk = self._directory(name), self._disk(kind, lower)
        _match(NAME, title)
        fresh = self.snapshots / f".{title}.{secrets.token_hex(4)}"
        made = {"id": title, "sandbox": name, "made": time.time(), "disk": disk.kind, "lower": disk.lower}
        fresh.mkdir(mode=0o700)
        try:
            async with self._still(f"sandboxes/{name}"):
                if disk.kind == "plain":
                    (fresh / "home").mkdir(mode=0o700)
                    await homes.fill(fresh / "home", directory / "home", os.geteuid())
                else:
                    await asyncio.to_thread(self.storage.copy, directory, fresh, disk)
            await self.forget(title)
            (fresh / "snapshot.json").write_text(json.dumps(made))
            fresh.rename(self.snapshots / title)
        except BaseException:
            await _erase(fresh)
            raise
        return made

    @operation
    async def forget(self, title: str) -> None:
        """Remove a snapshot, if there is one."""
        old = self.snapshots / _match(NAME, title)
        if old.exists():
            (old / "snapshot.json").unlink(missing_ok=True)
            grave = self.snapshots / f".{secrets.token_hex(8)}"
            old.rename(grave)
            await _erase(grave)

    # -- templates

    @operation
    async def templates(self) -> dict[str, bool]:
        """Every template's name, and whether it is prepared."""
        return self.library.prepared()

    @operation
    async def template(self, name: str) -> dict[str, Any] | None:
        """Digest and whether it is prepared; None if there is no such template. Raises BadTemplate."""
        found = self._template(name)
        return {"digest": found.digest, "prepared": found.prepared} if found else None

    @operation
    async def recipe(self, name: str) -> dict[str, Any]:
        """All that it takes to prepare a template, as JSON in a descriptor's file."""
        found = self._template(name)
        if found is None:
            raise ValueError("no such template")
        fields = {key: getattr(found, key) for key in ("name", "digest", "install", "build", "lint", "dev", "port")}
        files = {
            str(path.relative_to(found.source)): path.read_bytes().decode("latin-1")
            for path in await asyncio.to_thread(found.files)
        }
        return {"recipe": Fd(memory_file(json.dumps({**fields, "files": files}).encode()))}

    @operation
    async def begin_work(self) -> bool:
        """Make ready to prepare templates, by the operations that are called work.…; False while somebody else does."""
        if self._work_lock is not None:
            return False
        # A host may be running on the same state: the sandboxes made here live apart from its own.
        state = self.library.place / ".work"
        state.mkdir(mode=0o755, parents=True, exist_ok=True)
        file = (self.library.place / ".work.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._work_lock = file
        try:
            machine = await asyncio.to_thread(Machine.find, state, self.runtime, Limits())
            self.work = Keeper(machine, self.library, uids=PREPARING_UIDS, owner=self.owner)
        except BaseException:
            await self.end_work()
            raise
        return True

    @operation
    async def end_work(self) -> None:
        work, self.work = self.work, None
        if work is not None:
            await work.end_all()
            await asyncio.to_thread(shutil.rmtree, work.machine.state, ignore_errors=True)
        if self._work_lock is not None:
            self._work_lock.close()
            self._work_lock = None

    @operation
    async def keep(self, title: str, digest: str, name: str) -> None:
        """Put the home of a sandbox that has ended where copies are made from; all or nothing. Raises OSError."""
        found, work = self._template(title), self.work
        if found is None or work is None:
            raise ValueError("no such template, or nothing is being prepared")
        place, digest = found.place, _match(_DIGEST, digest)
        async with work._alone(name):
            work._require_ended(name)
            home, fresh = work._directory(name) / "home", place / f".{digest}.new"
            if not home.is_dir():
                raise ValueError("no such sandbox")
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
            await _do("rm", "-rf", "--", str(fresh))
            await _do("mkdir", "-m", "755", "--", str(fresh))
            await _do("mv", "-T", "--", str(home), str(fresh / "home"))
            if _root():
                await _do("chown", "-hR", "0:0", "--", str(fresh))
            await _do("chmod", "-R", "u+rwX,go+rX,go-w", "--", str(fresh))
            await _do("rm", "-rf", "--", str(place / digest))
            await _do("mv", "-T", "--", str(fresh), str(place / digest))
        used = {lower.split("/")[1] for lower in storage.in_use(self.machine.state) if lower.count("/") == 2}
        for older in place.iterdir():
            if older.name not in (digest, *used):
                await _do("rm", "-rf", "--", str(older))

    # -- what is believed

    def _directory(self, name: Any) -> Path:
        return self.sandboxes / _match(_ID, name)

    def _check_uid(self, uid: Any) -> None:
        if type(uid) is not int or (uid not in self.uids if _root() else uid != os.geteuid()) or uid == 0:
            raise ValueError("a sandbox never runs as root or as anybody else's user")

    def _disk(self, kind: Any, lower: Any) -> Disk:
        if kind not in ("plain", "directory", "volume") or not isinstance(lower, str):
            raise ValueError("no such kind of disk")
        if lower:
            title, _, rest = lower.partition("/")
            digest, _, home = rest.partition("/")
            if _match(NAME, title) and _match(_DIGEST, digest) and home != "home":
                raise ValueError("no such template")
        return Disk(kind, lower)

    def _source(self, source: Any) -> Path | None:
        if source == "":
            return None
        kind, _, name = str(source).partition("/")
        if kind == "templates":
            title, _, digest = name.partition("/")
            return self.storage.templates / _match(NAME, title) / _match(_DIGEST, digest)
        if kind == "snapshots":
            return self.snapshots / _match(NAME, name)
        if kind == "sandboxes":
            return self._directory(name)
        raise ValueError("no such source")

    def _template(self, name: Any) -> Template | None:
        return self.library.find(name) if isinstance(name, str) and NAME.fullmatch(name) else None

    def _require_ended(self, name: str) -> None:
        """While processes run, what root does in their folders could be turned against it."""
        if name in self.running:
            raise ValueError(f"the processes of {name} have not been ended")

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """One thing at a time is done with a sandbox."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield

    @asynccontextmanager
    async def _still(self, source: str) -> AsyncIterator[None]:
        """Nothing inside the sandbox that is copied runs meanwhile: its files are of one moment, and nobody moves them
        about under who copies them.
        """
        name = source.removeprefix("sandboxes/")
        if name == source:
            yield
            return
        async with self._alone(name):
            running = self.running.get(name)
            if running is None or running.stopped:
                yield
                return
            try:
                await running.stop()
                yield
            finally:
                running.thaw()

    def _make_folders(self, directory: Path) -> None:
        """With one where who asks keeps the record and the log."""
        directory.mkdir(mode=0o711)
        directory.chmod(0o711)
        (directory / "api").mkdir(mode=0o700)
        _give(directory / "api", self.owner)

    def _unlink_sockets(self, name: str) -> None:
        for kind in ("agent", "egress"):
            (self.run / f"{name}.{kind}").unlink(missing_ok=True)


def _match(pattern: re.Pattern[str], text: Any) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{str(text)[:40]!r} is no name")
    return text


def _root() -> bool:
    return os.geteuid() == 0


def _give(path: Path, owner: int) -> None:
    if _root():
        os.chown(path, owner, owner, follow_symlinks=False)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # it has gone meanwhile
        return time.time()


async def _run(*command: str) -> bool:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return await process.wait() == 0


async def _do(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, env={"PATH": os.defpath}, stderr=subprocess.PIPE)
    _, errors = await process.communicate()
    if process.returncode:
        raise OSError(f"{command[0]} failed: {errors.decode('utf-8', 'replace').strip()}")


async def _erase(directory: Path) -> None:
    """By rm, which minds no depth; what its owner made unreadable is made readable first if we are not root."""
    for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")) if not _root() else (("rm", "-rf"),):
        await _run(*command, "--", str(directory))
