"""What a sandbox uses of memory, processor and disk, and what happens when that is too much.

The kernel holds memory and processes to their limits where control groups can be written; here is the watch for where
they cannot, and for
the disk, for which an ordinary directory has no limit of its own.
"""

import os
import time
from pathlib import Path

from sandbox_host.isolation import MIB, Limits
from sandbox_host.launch import Launch
from sandbox_host.root import Root
from sandbox_host.storage import Disk, Storage

NOTICEABLE_BYTES, NOTICEABLE_INODES = 32 * MIB, 5_000  # a change of the free space that makes us look who it was
LONGEST_UNSEEN = 15.0  # seconds between two looks at a running sandbox's files in any case


class DiskFull(Exception):
    """The sandbox's files reached their limit; the message names it."""


class Usage:
    """Figures of one sandbox; `measure_disk` and `enforce_memory` are called by the registry's watch."""

    def __init__(self, root: Root, directory: Path, disk: Disk, limits: Limits, storage: Storage) -> None:
        self.root, self.directory, self.disk, self.limits, self.storage = root, directory, disk, limits, storage
        self._counted = (0, 0)  # bytes and inodes, as last counted
        self.full = False
        self.memory_kills = self.disk_kills = 0
        self._killed_at = 0
        self._cpu: tuple[float, float] = (time.monotonic(), 0.0)

    def require_space(self, more: int = 0) -> None:
        """Raises DiskFull if `more` bytes would not fit."""
        if self.disk_bytes + more > self.limits.disk * MIB or self.full:
            raise DiskFull(
                f"The sandbox's disk is full: the limit is {self.limits.disk} MiB and {self.limits.inodes} files. "
                "Delete something first."
            )

    async def measure_disk(self, launch: Launch | None) -> None:
        """Count the files; over the limit the commands end, so that what writes stops, and uploads are refused
        until there is room. Where the kernel holds the limit nobody has to be ended.
        """
        if self.ask_kernel():
            return
        bytes_used, inodes = await self.root("measure", self.directory.name, self.disk.kind)
        self._counted = bytes_used, inodes
        self.full = bytes_used > self.limits.disk * MIB or inodes > self.limits.inodes
        if not self.full:
            self._killed_at = 0
        elif launch is not None and bytes_used + inodes > self._killed_at:
            await launch.kill_commands()
            self.disk_kills += 1
            self._killed_at = bytes_used + inodes

    def ask_kernel(self) -> bool:
        """Take its figures, where the disk is a volume; whether it is."""
        found = self.storage.usage(self.directory, self.disk)
        if found is None:
            return False
        self._counted, self.full = found[:2], found[2]
        return True

    @property
    def disk_bytes(self) -> int:
        """Of what the sandbox wrote: now where the kernel counts it, else as last counted."""
        self.ask_kernel()
        return self._counted[0]

    def kills(self, launch: Launch | None) -> dict[str, int]:
        """How often a limit was reached: something was killed (memory, disk) or not made (processes)."""
        group = launch.group if launch else None
        return {
            "memory": self.out_of_memory(launch),
            "disk": self.disk_kills,
            "processes": group.refused_processes() if group else 0,
        }

    def reason(self, before: dict[str, int], launch: Launch | None) -> str:
        """Which limit ended a command since `kills` gave `before`; "" if none."""
        now, limits = self.kills(launch), self.limits
        if now["memory"] > before["memory"]:
            return f"out of memory: this sandbox may use {_size(limits.memory)}"
        if now["disk"] > before["disk"] or (self.ask_kernel() and self.full):
            return f"disk full: this sandbox may use {_size(limits.disk)} in {limits.inodes} files"
        if now["processes"] > before["processes"]:
            return f"too many processes: this sandbox may run {limits.processes}, threads included"
        return ""

    def memory_bytes(self, launch: Launch | None) -> int:
        """Of the control group, or the sum of what each process holds."""
        if launch is None:
            return 0
        return launch.group.memory_used() if launch.group else sum(resident(pid) for pid in launch.processes())

    def out_of_memory(self, launch: Launch | None) -> int:
        """How often something was killed for want of memory."""
        return self.memory_kills + (launch.group.memory_kills() if launch and launch.group else 0)

    async def enforce_memory(self, launch: Launch) -> None:
        """Without a control group: end the largest commands until all together are within the limit."""
        if launch.group is not None:
            return
        sizes = {pid: resident(pid) for pid in launch.processes()}
        over, largest = sum(sizes.values()) - self.limits.memory * MIB, set()
        for pid in sorted(sizes.keys() - launch.own, key=lambda pid: -sizes[pid]):
            if over <= 0:
                break
            largest.add(pid)
            self.memory_kills += 1
            over -= sizes[pid]
        if largest:
            await launch.kill(largest)

    def cpu_percent(self, launch: Launch | None) -> float:
        """Of one processor, since the last reading; of the processes that live now."""
        now, used = time.monotonic(), sum(_cpu_seconds(pid) for pid in launch.processes()) if launch else 0.0
        before, self._cpu = self._cpu, (now, used)
        return round(max(0.0, used - before[1]) / max(now - before[0], 0.01) * 100, 1)


def _size(mib: int) -> str:
    return f"{mib // 1024} GiB" if mib % 1024 == 0 else f"{mib} MiB"


class FreeSpace:
    """Notices that the file system filled up noticeably since the last time: far cheaper than counting everyone's
    files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = os.statvfs(path)

    def dropped(self) -> bool:
        now = os.statvfs(self.path)
        lost_bytes = (self.last.f_bfree - now.f_bfree) * now.f_frsize
        if lost_bytes > NOTICEABLE_BYTES or self.last.f_ffree - now.f_ffree > NOTICEABLE_INODES:
            self.last = now
            return True
        if now.f_bfree > self.last.f_bfree:
            self.last = now
        return False


def free_mib(path: Path) -> int:
    """What the file system of a path has left."""
    now = os.statvfs(path)
    return now.f_bavail * now.f_frsize // MIB


def resident(pid: int) -> int:
    """Bytes of a process in memory, 0 if it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0
