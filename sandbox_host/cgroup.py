"""Limits of memory and processes and fair shares of the processors by control groups, version 1 or 2, where this
machine lets us write them; None where it does not.
"""

import contextlib
import fcntl
import hashlib
import os
import signal
import time
from pathlib import Path

from sandbox_host.isolation import MIB, Limits

_PREFIX = "vibe-sandboxes-"
TRIES = 20  # to have groups that somebody else is just removing
NEEDED = frozenset({"memory", "pids"})  # of version 2's controllers
ABANDONED = 3600.0  # seconds; the host of a younger one may not hold it yet


class Group:
    """The control group of one sandbox: `directories` holds one (version 2), or one per controller (version 1) and,
    where the machine has both, a last one of version 2, which limits nothing but can freeze.
    """

    def __init__(self, directories: list[Path]) -> None:
        self.directories = directories

    @property
    def name(self) -> str:
        """The sandbox's id."""
        return self.directories[0].name

    @property
    def entries(self) -> list[str]:
        """The files that say who is in it. A version 2 beside version 1 gets its processes when they are frozen."""
        enough = self.directories[:1] + [path for path in self.directories[1:] if not _can_freeze(path)]
        return [str(directory / "cgroup.procs") for directory in enough]

    def enter(self, pid: int) -> None:
        """Put a process in. It cannot do so itself: version 2 asks for rights to the group above both, the one that it
        comes from and this one, and those are the host's. Raises CannotEnter.
        """
        for entry in self.entries:
            try:
                Path(entry).write_text(str(pid))
            except OSError as error:
                raise CannotEnter(f"the control group cannot be entered: {error.strerror} ({entry})") from None

    def pids(self) -> set[int]:
        return {int(pid) for entry in self.entries for pid in _read(Path(entry)).split()}

    def freeze(self) -> bool:
        """Stop all that is inside, in a way that nothing inside can undo, and that leaves them mortal; whether that
        can be had here. `frozen` tells when they stand.
        """
        place = self.directories[-1]
        return _can_freeze(place) and self._move_to(place) and _write(place / "cgroup.freeze", "1")

    def frozen(self) -> bool:
        return _count(_read(self.directories[-1] / "cgroup.events"), "frozen") == 1

    def thaw(self) -> None:
        _write(self.directories[-1] / "cgroup.freeze", "0")

    def _move_to(self, place: Path) -> bool:
        """Whether all are in that one; what they start is from then on."""
        for _ in range(TRIES):
            outside = self.pids() - {int(pid) for pid in _read(place / "cgroup.procs").split()}
            if not outside:
                return True
            for pid in outside:
                _write(place / "cgroup.procs", str(pid))  # refused for one that has just ended
        return False

    def memory_used(self) -> int:
        """Bytes, page cache included."""
        return int(self._first("memory.current", "memory.usage_in_bytes") or 0)

    def memory_kills(self) -> int:
        """How often the kernel killed for want of memory in here."""
        return _count(self._first("memory.events", "memory.oom_control"), "oom_kill")

    def refused_processes(self) -> int:
        """How often the kernel refused a process (or a thread) that would have been one too many."""
        return _count(self._first("pids.events"), "max")

    def _first(self, *names: str) -> str:
        return next((text for directory in self.directories for name in names if (text := _read(directory / name))), "")

    def remove(self) -> None:
        """Kill what is left and remove the group; gives up after 5 s, the next start tries again."""
        deadline = time.monotonic() + 5
        for directory in self.directories:
            end_at_once(directory)
            while directory.exists() and time.monotonic() < deadline:
                for pid in _read(directory / "cgroup.procs").split():
                    kill(int(pid))
                try:
                    directory.rmdir()
                except OSError:
                    time.sleep(0.01)


class Groups:
    """The parent of all sandboxes' groups; named after the state directory, so that two hosts do not meet."""

    def __init__(self, parents: list[Path], version: int) -> None:
        self.parents, self.version = parents, version
        self._locks = [_hold(parent) for parent in parents]

    @classmethod
    def find(cls, state: Path) -> "Groups | None":
        for candidate in _candidates():
            for _ in range(TRIES):
                try:
                    return cls(_prepare(candidate, name(state)), 2 if len(candidate) == 1 else 1)
                except RemovedMeanwhile:
                    time.sleep(0.02)
                except OSError:
                    break
        return None

    def create(self, sandbox_id: str, limits: Limits) -> Group:
        """A group with limits."""
        directories = [parent / sandbox_id for parent in self.parents]
        for directory in directories:
            directory.mkdir(exist_ok=True)
            _limit(directory, limits)
        return Group(directories)

    def all(self) -> list[Group]:
        """The groups that are there, also those that nobody removed."""
        names = sorted({path.name for parent in self.parents for path in parent.iterdir() if path.is_dir()})
        return [Group([parent / name for parent in self.parents]) for name in names]

    def close(self) -> None:
        """Leave nothing behind, unless another process has the same groups."""
        for parent, lock in zip(self.parents, self._locks, strict=False):
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                parent.rmdir()
            os.close(lock)
        self._locks = []

    def remove_abandoned(self, age: float = ABANDONED) -> list[str]:
        """The empty groups of hosts that are gone, by names."""
        names = {path.name for parent in self.parents for path in parent.parent.glob(f"{_PREFIX}*")}
        return sorted(
            name
            for name in names - {self.parents[0].name}
            if _remove_abandoned([parent.parent / name for parent in self.parents], age)
        )

    def remove_leftovers(self) -> None:
        """Groups of a host that was killed."""
        for parent in self.parents:
            for directory in parent.iterdir():
                if directory.is_dir():
                    Group([directory]).remove()


class CannotEnter(Exception):
    """The kernel did not let a process into the group; the message says which."""


class RemovedMeanwhile(OSError):
    """Another process that had the group ended, and took it along."""


def _hold(parent: Path) -> int:
    """A lock that tells other hosts that this one lives; the kernel lets go of it with us. Raises RemovedMeanwhile."""
    try:
        fd = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RemovedMeanwhile from None
    fcntl.flock(fd, fcntl.LOCK_SH)
    if not parent.exists() or not os.path.samestat(os.fstat(fd), parent.stat()):
        os.close(fd)
        raise RemovedMeanwhile
    return fd


def _remove_abandoned(directories: list[Path], age: float) -> bool:
    """Whether they were nobody's and have gone."""
    there = [directory for directory in directories if directory.exists()]
    locks: list[int] = []
    try:
        for directory in there:
            locks.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            fcntl.flock(locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            if directory.stat().st_mtime > time.time() - age:
                return False
            for below in directory.iterdir():
                if below.is_dir():
                    below.rmdir()  # refused while there are processes
            directory.rmdir()
    except OSError:
        return False
    finally:
        for lock in locks:
            os.close(lock)
    return True


def name(state: Path) -> str:
    """Of the group that holds those of a host with this state directory."""
    return f"{_PREFIX}{hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:12]}"


def end_at_once(directory: Path) -> bool:
    """Version 2, Linux 5.14: kill all in a group, with what is just being made; False if the kernel cannot."""
    return _write(directory / "cgroup.kill", "1")


def _candidates() -> list[list[Path]]:
    """Where groups could be made: version 1 needs a directory for memory and one for pids, and takes one for cpu.

    Version 2 gives controllers only to groups below one without processes. For root that is the top, or the own group
    of a service with `Delegate=`; for an ordinary user of systemd the slice that the own group lies in.
    """
    mounts: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, tail = line.partition(" - ")
        kind, _, options = tail.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            point = Path(fields.split()[4])
            for controller in options.split(",") if kind == "cgroup" else ["unified"]:
                mounts.setdefault(controller.split()[-1], point)
    own: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(",") if controllers else ["unified"]:
            own[controller] = path.lstrip("/")
    found = []
    if "unified" in mounts:
        mine = mounts["unified"] / own.get("unified", "")
        found += [[mounts["unified"]], [mine], *([[mine.parent]] if mine != mounts["unified"] else [])]
    if "memory" in mounts and "pids" in mounts:
        names = [name for name in ("memory", "pids", "cpu") if name in mounts]
        version_1 = [mounts[name] / own.get(name, "") for name in names]
        if "unified" in mounts:
            found.append([*version_1, mounts["unified"] / own.get("unified", "")])
        found.append(version_1)
    return found


def _prepare(candidate: list[Path], name: str) -> list[Path]:
    if len(candidate) == 1:
        there = set((candidate[0] / "cgroup.controllers").read_text().split())
        if not there >= NEEDED:
            raise OSError("the controllers are not there")
        needed = NEEDED | ({"cpu"} & there)
        _enable(candidate[0], needed)
    parents = [base / name for base in candidate]
    for parent in parents:
        parent.mkdir(exist_ok=True)
    if len(candidate) == 1:
        _enable(parents[0], needed)
    return parents


def _can_freeze(group: Path) -> bool:
    """Version 1 has a freezer, too, but who is in it cannot be killed, and would outlive a host that was."""
    return (group / "cgroup.freeze").exists()


def _enable(directory: Path, needed: frozenset[str]) -> None:
    if not needed <= set((directory / "cgroup.subtree_control").read_text().split()):
        (directory / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(needed)))


def _limit(directory: Path, limits: Limits) -> None:
    values = {
        "memory.max": limits.memory * MIB,
        "memory.swap.max": 0,
        "memory.limit_in_bytes": limits.memory * MIB,
        "memory.memsw.limit_in_bytes": limits.memory * MIB,
        "pids.max": limits.processes,
        "cpu.weight": 100,  # each the same: what one does with its processors is not taken from another
        "cpu.shares": 1024,
    }
    for name, value in values.items():
        if (directory / name).exists():
            (directory / name).write_text(str(value))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, text: str) -> bool:
    try:
        with path.open("r+") as file:
            file.write(text)
    except OSError:
        return False
    return True


def _count(text: str, name: str) -> int:
    """A number of a file of lines like `name number`."""
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
