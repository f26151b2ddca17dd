"""One running set of a sandbox's processes: started closed in, spoken to through the agent's socket, stopped,
continued, ended.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sandbox_host.cgroup import Group
from sandbox_host.isolation import Machine, argument_file, filter_file

HEADER = struct.Struct("!cI")
FRAME_LIMIT = 64 * 1024 * 1024  # of one frame from an agent that may have been taken over
START_TIMEOUT = 20.0
_ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 97; shift; done; shift; exec "$@"'  # groups -- command


class AgentError(Exception):
    """An operation inside was refused; `code` is a Connect error code (or "no_space")."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class AgentGone(Exception):
    """The sandbox's processes ended while we spoke to it."""


class Channel:
    """One operation's connection to the agent: frames both ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[bytes, bytes]:
        """The next frame; raises AgentError for a refusal and AgentGone at the end of the stream."""
        try:
            kind, length = HEADER.unpack(await self.reader.readexactly(HEADER.size))
            if length > FRAME_LIMIT:
                raise AgentGone("the agent sent a frame over the limit")
            payload = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise AgentGone("the sandbox stopped") from error
        if kind == b"X":
            refusal = decode(payload)
            raise AgentError(str(refusal.get("code")), str(refusal.get("message")))
        return kind, payload

    async def reply(self) -> Any:
        _, payload = await self.frame()
        return decode(payload)

    async def send(self, kind: bytes, payload: bytes | memoryview = b"") -> None:
        try:
            self.writer.write(HEADER.pack(kind, len(payload)))
            self.writer.write(payload)
            await self.writer.drain()
        except OSError as error:
            raise AgentGone("the sandbox stopped") from error

    def close(self) -> None:
        self.writer.close()


def decode(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AgentGone("the agent sent something that is not JSON") from error


_launches: "WeakSet[Launch]" = WeakSet()


def strays() -> list[int]:
    """Children of ours that run bwrap and belong to no Launch."""
    known = {launch.process.pid for launch in _launches}
    return [pid for pid, parent in _parents() if parent == os.getpid() and pid not in known and _runs_bwrap(pid)]


def _runs_bwrap(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text() == "bwrap\n"
    return False


class Launch:
    """The processes of one sandbox, from `start` to `end`."""

    def __init__(
        self, process: asyncio.subprocess.Process, init_fd: int, socket_path: str, group: Group | None
    ) -> None:
        self.process, self.init_fd, self.socket_path, self.group = process, init_fd, socket_path, group
        self.writers: WeakSet[asyncio.StreamWriter] = WeakSet()  # of the connections in use
        self.own: set[int] = set()  # bwrap's init and the agent: what is there before any command
        self.ended = asyncio.create_task(process.wait())
        _launches.add(self)

    @classmethod
    async def start(
        cls, machine: Machine, sockets: Path, name: str, uid: int, home: Path, egress: Path | None, group: Group | None
    ) -> "Launch":
        """Start bwrap and the agent as `uid` (which must not be 0) and wait until the agent answers. Raises
        AgentGone with what went wrong.
        """
        if uid == 0:
            raise ValueError("a sandbox never runs as root")
        socket_path = f"{sockets}/{name}.agent"
        listener = _listen(socket_path)
        info_read, info_write = os.pipe()
        fds = [listener, info_write, filter_file(group is not None)]
        fds.append(argument_file(machine.options(home, egress, info_write, fds[2])))
        command = [machine.bwrap, "--args", str(fds[3]), "--", *machine.agent_command(listener, group is not None)]
        if group is not None:
            command = ["/bin/sh", "-c", _ENTER, "sh", *group.entries, "--", *command]
        identity: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env={}, cwd="/", pass_fds=fds, **identity,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except BaseException:
            os.close(info_read)
            await asyncio.shield(_leave_nothing(None, socket_path, group))
            raise
        finally:
            for fd in fds:
                os.close(fd)
        try:
            return await cls._answering(process, info_read, socket_path, group)
        except BaseException:  # the caller may have gone, in the middle
            await asyncio.shield(_leave_nothing(process, socket_path, group))
            raise

    @classmethod
    async def _answering(
        cls, process: asyncio.subprocess.Process, info_read: int, socket_path: str, group: Group | None
    ) -> "Launch":
        try:
            info = await asyncio.wait_for(asyncio.to_thread(_read_all, info_read), START_TIMEOUT)
            launch = cls(process, os.pidfd_open(json.loads(info)["child-pid"]), socket_path, group)
        except (ValueError, TimeoutError, ProcessLookupError):
            raise AgentGone(f"bwrap did not start: {await _failure(process)}") from None
        try:
            await asyncio.wait_for(launch.call({"op": "ping"}), START_TIMEOUT)
        except (AgentGone, TimeoutError) as error:
            reason = await _failure(process)
            await launch.end()
            raise AgentGone(f"the sandbox did not start: {reason or error}") from None
        except BaseException:
            await asyncio.shield(launch.end())
            raise
        launch.own = launch.processes()
        return launch

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    async def open(self, request: dict[str, Any]) -> Channel:
        """Begin an operation; the caller closes the channel."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket_path, limit=1024 * 1024)
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
        except OSError as error:
            raise AgentGone("the sandbox stopped") from error
        self.writers.add(writer)
        return Channel(reader, writer)

    @asynccontextmanager
    async def operation(self, request: dict[str, Any]) -> AsyncIterator[Channel]:
        channel = await self.open(request)
        try:
            yield channel
        finally:
            channel.close()

    async def call(self, request: dict[str, Any]) -> Any:
        """An operation with one answer."""
        async with self.operation(request) as channel:
            return await channel.reply()

    def processes(self) -> set[int]:
        """Host pids of everything inside: what the control group holds, or else what descends from bwrap."""
        if self.group is not None:
            return self.group.pids() - {self.process.pid}
        children: dict[int, list[int]] = {}
        for pid, parent in _parents():
            children.setdefault(parent, []).append(pid)
        found: set[int] = set()
        pending = list(children.get(self.process.pid, []))
        while pending:
            pid = pending.pop()
            if pid not in found:
                found.add(pid)
                pending += children.get(pid, [])
        return found

    def freeze(self) -> None:
        """Cut all connections and stop every process."""
        for writer in list(self.writers):
            writer.transport.abort()
        self.stop()

    def stop(self) -> None:
        """Stop every process; connections stay."""
        stopped: set[int] = set()
        while fresh := self.processes() - stopped:  # a racing fork's are found in the next round
            for pid in fresh:
                _signal(pid, signal.SIGSTOP)
            stopped |= fresh

    def kill_commands(self) -> None:
        """End every command, but not the agent."""
        for pid in self.processes() - self.own:
            _signal(pid, signal.SIGKILL)

    def thaw(self) -> None:
        for pid in self.processes():
            _signal(pid, signal.SIGCONT)

    async def end(self) -> None:
        """Kill everything and wait until it is gone: when the first process of a pid namespace dies the kernel
        kills the rest.
        """
        if self.init_fd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init_fd, signal.SIGKILL)
            os.close(self.init_fd)
            self.init_fd = -1
        await asyncio.shield(self.ended)
        if self.group is not None:
            await asyncio.to_thread(self.group.remove)
        _unlink(self.socket_path)


async def _leave_nothing(process: asyncio.subprocess.Process | None, socket_path: str, group: Group | None) -> None:
    """Of a start that did not succeed. With bwrap all ends that it started."""
    if process is not None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()
    if group is not None:
        await asyncio.to_thread(group.remove)
    _unlink(socket_path)


def _unlink(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _listen(path: str) -> int:
    """A listening unix socket that only we can connect to."""
    _unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        Path(path).chmod(0o600)
        listener.listen(512)
        return listener.detach()


def _read_all(fd: int) -> bytes:
    with open(fd, "rb") as pipe:
        return pipe.read(65536)


async def _failure(process: asyncio.subprocess.Process) -> str:
    if process.returncode is None:
        process.kill()
    assert process.stderr is not None
    text = await process.stderr.read(4096)
    await process.wait()
    return text.decode("utf-8", "replace").strip() or f"exit status {process.returncode}"


def _parents() -> list[tuple[int, int]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_bytes()
                found.append((int(folder.name), int(stat.rpartition(b")")[2].split()[1])))
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
