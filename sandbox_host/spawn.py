"""Starting, stopping and ending the processes of a sandbox, by who may: root, or the user they belong to."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sandbox_host.cgroup import CannotEnter, Group
from sandbox_host.isolation import Machine, argument_file, filter_file

START_TIMEOUT = 20.0
STOP_TIMEOUT = 5.0
_WAIT = 'read -r _ && exec "$@" </dev/null'  # until it is in its control group
_KEPT_ERRORS = 4096
_UBUNTU = (
    "Ubuntu 23.10 and later forbid sandboxes until told: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 "
    "(docs/sandbox-host.md, Start)"
)


class NotStarted(Exception):
    """bwrap ended before there was a sandbox; the message is what it said."""


class Running:
    """The processes of one sandbox, from `start` to `end`."""

    def __init__(self, process: asyncio.subprocess.Process, init: int, group: Group | None) -> None:
        self.process, self.init, self.group = process, init, group
        self.stopped = self._frozen = False
        _all.add(self)

    async def stop(self) -> None:
        """Stop every process. Those that do not let themselves be stopped are ended, with all others."""
        self.stopped = True
        deadline = time.monotonic() + STOP_TIMEOUT
        self._frozen = self.group is not None and self.group.freeze()
        while not self._stands():
            if time.monotonic() > deadline:
                self._kill_all()
                await self.process.wait()
                return
            await asyncio.sleep(0.005)

    def _stands(self) -> bool:
        """Whether nothing inside runs. Without a freezer what does is told to stop: it may be new, or have been told
        to go on by another one.
        """
        if self._frozen and self.group is not None:
            return self.group.frozen()
        awake = {pid for pid in inside(self.process.pid, self.group) if _runs(pid)}
        for pid in awake:
            _signal(pid, signal.SIGSTOP)
        return not awake

    def thaw(self) -> None:
        self.stopped = False
        if self._frozen and self.group is not None:
            self.group.thaw()
            self._frozen = False
            return
        for pid in inside(self.process.pid, self.group):
            _signal(pid, signal.SIGCONT)

    def kill(self, pids: Iterable[int]) -> None:
        """Those of `pids` that are the sandbox's."""
        for pid in inside(self.process.pid, self.group) & set(pids):
            _signal(pid, signal.SIGKILL)

    def _kill_all(self) -> None:
        """When the first process of a pid namespace dies the kernel kills the rest, and with bwrap ends what it has
        started.
        """
        if self.init >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init, signal.SIGKILL)
        elif self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()
        if self._frozen and self.group is not None:
            self.group.thaw()  # bwrap, which notices it, stands as well

    async def end(self) -> str:
        """Kill everything and wait until it is gone; what bwrap wrote to stderr, and maybe what to do about it."""
        self._kill_all()
        if self.init >= 0:
            os.close(self.init)
            self.init = -1
        text = b""
        if self.process.stderr is not None:
            while piece := await self.process.stderr.read(65536):
                text = (text + piece)[-_KEPT_ERRORS:]
        await self.process.wait()
        if self.group is not None:
            await asyncio.to_thread(self.group.remove)
        said = text.decode("utf-8", "replace").strip()
        return f"{said}. {_UBUNTU}" if "uid map: Permission denied" in said else said


_all: "WeakSet[Running]" = WeakSet()


async def start(
    machine: Machine, uid: int, home: Path, agent: socket.socket, egress: Path | None, group: Group | None
) -> Running:
    """Start bwrap and the agent as `uid`, which must not be 0; the agent listens on `agent`. Raises NotStarted."""
    if uid == 0:
        raise ValueError("a sandbox never runs as root")
    info_read, info_write = os.pipe()
    fds = [agent.fileno(), info_write, filter_file(group is not None)]
    fds.append(argument_file(machine.options(home, egress, info_write, fds[2])))
    command = [machine.bwrap, "--args", str(fds[3]), "--", *machine.agent_command(fds[0], group is not None)]
    if group is not None:
        command = ["/bin/sh", "-c", _WAIT, "sh", *command]
    identity: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        # From the main thread: with the thread that starts it bwrap ends.
        process = await asyncio.create_subprocess_exec(
            *command, env={}, cwd="/", pass_fds=fds, **identity,
            stdin=asyncio.subprocess.PIPE if group else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except BaseException:
        os.close(info_read)
        if group is not None:
            await asyncio.to_thread(group.remove)
        raise
    finally:
        for fd in fds[1:]:
            os.close(fd)
    running = Running(process, -1, group)
    try:
        if group is not None and process.stdin is not None:
            group.enter(process.pid)
            process.stdin.write(b"\n")
            process.stdin.close()
        info = await asyncio.wait_for(asyncio.to_thread(_read_all, info_read), START_TIMEOUT)
        running.init = os.pidfd_open(json.loads(info)["child-pid"])
    except CannotEnter as refused:
        os.close(info_read)
        await running.end()
        raise NotStarted(str(refused)) from None
    except (ValueError, TimeoutError, ProcessLookupError):
        raise NotStarted(await running.end() or f"exit status {process.returncode}") from None
    return running


def listen(path: str, owner: int) -> socket.socket:
    """A listening unix socket that only `owner` can connect to."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    Path(path).chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, owner, -1)
    listener.listen(512)
    listener.setblocking(False)
    return listener


def inside(bwrap: int, group: Group | None) -> set[int]:
    """Host pids of everything in a sandbox: what the control group holds, or else what descends from bwrap."""
    if group is not None:
        return group.pids() - {bwrap}
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    pending = list(children.get(bwrap, []))
    while pending:
        pid = pending.pop()
        if pid not in found:
            found.add(pid)
            pending += children.get(pid, [])
    return found


def strays() -> list[int]:
    """Children of ours that run bwrap and belong to no sandbox."""
    known = {running.process.pid for running in _all}
    return [pid for pid, parent in _parents() if parent == os.getpid() and pid not in known and _runs_bwrap(pid)]


def _runs_bwrap(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text() == "bwrap\n"
    return False


def _read_all(fd: int) -> bytes:
    with open(fd, "rb") as pipe:
        return pipe.read(65536)


def _parents() -> list[tuple[int, int]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                stat = (folder / "stat").read_bytes()
                found.append((int(folder.name), int(stat.rpartition(b")")[2].split()[1])))
    return found


def _runs(pid: int) -> bool:
    """Whether a thread of it does not stand still."""
    states = set()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                states.add((task / "stat").read_bytes().rpartition(b")")[2].split()[0])
    return not states <= {b"T", b"Z", b"X"}


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
